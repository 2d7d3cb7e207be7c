#include "modules/builtin/support/loaded_checksum.hpp"

#include "modules/builtin/support/http_arguments.hpp"
#include "modules/sdk/text.hpp"
#include "modules/sdk/url.hpp"

namespace gpustack::modules {

namespace {

constexpr std::uint64_t kListLimit = 16U << 20U;

/// Letters, digits and underscores: what else stands in a digest, blanks of any kind, is dropped.
std::string bare_digest(std::string_view text) {
  std::string out;
  for (const char c : lower(text)) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_') out += c;
  }
  return out;
}

Result<std::string> load_list(const Args& args,
                              const SystemView& view,
                              const std::string& address) {
  GS_TRY(const auto path, file_of_url(address));
  if (path) return view.read(*path, kListLimit);
  GS_TRY(HttpQuery request, http_query(args, view, address));
  request.body_limit = kListLimit;
  GS_TRY(HttpResponse answer, view.http(request));
  if (answer.status == 200) return std::move(answer.body);
  return Error(ErrorCode::module_failed,
               "the list of checksums '" + shown_url(address) +
                   "' cannot be loaded: " + std::to_string(answer.status) + " " + answer.reason);
}

}  // namespace

std::string loaded_file_name(const std::string& address) {
  const std::string path = address.substr(0, address.find_first_of("?#"));
  const std::size_t scheme = path.find("://");
  const std::size_t begin = path.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (begin == std::string::npos) return "index.html";
  const std::string_view name = base_name(std::string_view(path).substr(begin));
  return name.empty() || name == "." || name == ".." ? "index.html" : std::string(name);
}

std::string digest_in_list(std::string_view text, const std::string& name) {
  const auto lines = split_lines(text);
  if (lines.size() == 1 && split_words(lines[0]).size() == 1) return lines[0];
  for (const std::string& line : lines) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    std::string_view file = std::string_view(line).substr(space + 1);
    if (file.starts_with(' ') || file.starts_with('*')) file.remove_prefix(1);
    file = trim_left(file, "./");
    if (file == name) return line.substr(0, space);
  }
  return {};
}

Result<LoadedChecksum> wanted_checksum(const Args& args, const SystemView& view) {
  LoadedChecksum wanted;
  const std::string text = args.text("checksum");
  if (text.empty()) return wanted;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return Error(ErrorCode::invalid_argument,
                 "checksum '" + text + "' is not of the form ALGORITHM:DIGEST");
  }
  GS_TRY(wanted.algorithm, parse_algorithm(text.substr(0, colon)));
  std::string digest = text.substr(colon + 1);
  if (digest.find(":/") != std::string::npos) {
    const std::string address = digest;
    GS_TRY(const std::string list, load_list(args, view, address));
    const std::string name = loaded_file_name(args.text("url"));
    digest = digest_in_list(list, name);
    if (digest.empty()) {
      return Error(ErrorCode::module_failed,
                   "no checksum for '" + name + "' in '" + shown_url(address) + "'");
    }
  }
  wanted.digest = bare_digest(digest);
  if (wanted.digest.empty() ||
      wanted.digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error(ErrorCode::invalid_argument,
                 "the checksum '" + digest + "' is no hexadecimal digest");
  }
  return wanted;
}

}  // namespace gpustack::modules
