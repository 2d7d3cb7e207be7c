#include "core/base/json.hpp"
#include "core/yaml/builder.hpp"
#include "core/yaml/clean_text.hpp"
#include "core/yaml/fault.hpp"
#include "core/yaml/node.hpp"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/node/node.h>  // parser.h names its Node
#include <yaml-cpp/parser.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <streambuf>

namespace gpustack::yaml {

namespace {

constexpr std::string_view kVaultStart = "$ANSIBLE_VAULT";

/// Reads a string in place; std::istringstream would copy it.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT: a get area is never written through
    setg(begin, begin, begin + text.size());
  }
};

// yaml-cpp 0.7 ends a plain scalar inside [] or {} at any '?', as in `{url: http://a/?b}`. A '?'
// within a word is replaced for it by a character that no clean text has; the builder puts it back.
// Offsets stay the same.
std::string with_shielded_question_marks(std::string_view text) {
  std::string out(text);
  for (std::size_t at = out.find('?', 1); at != std::string::npos; at = out.find('?', at + 1)) {
    if (std::string_view(" \t\n[{,").find(out[at - 1]) == std::string_view::npos)
      out[at] = kShieldedQuestionMark;
  }
  return out;
}

std::size_t offset_of(std::string_view text, const YAML::Mark& mark) {
  return mark.pos < 0 ? text.size() : std::min(static_cast<std::size_t>(mark.pos), text.size());
}

// yaml-cpp skips any line that begins with '%', even one that was meant as data.
std::optional<TextFault> find_directive_fault(std::string_view text) {
  std::optional<std::size_t> directive;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    const bool says_nothing =
        line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with("#");
    if (line.starts_with("%")) {
      if (!directive) directive = start;
    } else if (!says_nothing) {
      if (!directive || line.starts_with("---")) return std::nullopt;
      break;
    }
    start = end + 1;
  }
  if (!directive) return std::nullopt;
  return TextFault{ErrorCode::yaml_syntax,
                   "a line that begins with '%' is a directive and needs '---' below it",
                   "quote the '%' if it is part of a value",
                   *directive};
}

std::optional<Error> check(std::string_view text, const SourceFile* source) {
  auto fault = find_text_fault(text);
  if (!fault) fault = find_directive_fault(text);
  if (!fault) return std::nullopt;
  Cursor cursor(text, source);
  return Error(fault->code, std::move(fault->message))
      .at(cursor.at(fault->offset))
      .hint(std::move(fault->hint));
}

enum class Documents { one, many };

/// The documents of `text`; with Documents::one a second one is an error.
Result<std::vector<Node>> parse(std::string_view text,
                                const BuildOptions& options,
                                Documents wanted,
                                std::vector<Warning>* warnings) {
  if (auto fault = check(text, options.source)) return std::move(*fault);
  std::vector<Node> roots;
  try {
    const std::string shielded = with_shielded_question_marks(text);
    TextBuffer buffer(shielded);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    Builder builder(text, options);
    while (parser.HandleNextDocument(builder)) {
      roots.push_back(builder.take_root());
      if (roots.size() > 1 && wanted == Documents::one) {
        return Error(ErrorCode::yaml_syntax, "expected one document, found a second one")
            .at(builder.document_start())
            .hint("a file holds one document: remove this '---', or split the file");
      }
    }
    if (warnings != nullptr) *warnings = builder.take_warnings();
  } catch (BuildFailure& failure) {
    return std::move(failure.error);
  } catch (const YAML::Exception& complaint) {
    return explain(complaint.msg, text, offset_of(text, complaint.mark), options.source);
  }
  return roots;
}

// What a vault file says must not show up as the source line of an error.
std::string redacted(std::string_view text) {
  std::string out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out += end > start ? "<secret>\n" : "\n";
    start = end + 1;
  }
  return out;
}

Result<Document> load_text(const std::string& path,
                           std::string text,
                           VaultReader* vault,
                           Mark marks) {
  text = with_plain_line_ends(std::move(text));
  Document document;
  document.source = intern_source(path, has(marks, Mark::secret) ? redacted(text) : text);
  const BuildOptions options{document.source, vault, marks, true};
  GS_TRY(auto roots, parse(text, options, Documents::one, &document.warnings));
  if (!roots.empty()) {
    document.root = std::move(roots.front());
  }
  return document;
}

// Without a file the place goes into the message.
Error with_place_in_message(const Error& error) {
  Error out(error.code(),
            error.message() + " at line " + std::to_string(error.span().line) + ", column " +
                std::to_string(error.span().column));
  return std::move(out).hint(error.hint());
}

}  // namespace

Result<Document> load(const std::string& path, std::string text, VaultReader* vault) {
  if (!text.starts_with(kVaultStart)) return load_text(path, std::move(text), vault, Mark::none);
  const SourceSpan start{
      intern_source(path, text), 1, 1, static_cast<std::uint32_t>(kVaultStart.size())};
  if (vault == nullptr) {
    return Error(ErrorCode::vault_no_secret,
                 "the file is encrypted, and no vault password was given")
        .at(start)
        .hint("pass --ask-vault-pass, --vault-password-file or --vault-id");
  }
  auto opened = vault->open(text, start);
  if (!opened) return std::move(opened).error().at_if_unknown(start);
  return load_text(path, to_text(*opened), vault, Mark::secret);
}

Result<Document> load_file(const std::string& path, VaultReader* vault) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const bool is_absent = errno == ENOENT || errno == ENOTDIR;
    return Error(is_absent ? ErrorCode::file_not_found : ErrorCode::file_unreadable,
                 "cannot read '" + path + "': " + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    return Error(ErrorCode::file_unreadable,
                 "cannot read '" + path + "': expected a file, found a folder");
  }
  if (status.st_size > static_cast<off_t>(kMaxTextBytes)) {
    return Error(ErrorCode::yaml_limit,
                 "'" + path + "' has " + std::to_string(status.st_size >> 20) +
                     " MiB, more than the limit of " + std::to_string(kMaxTextBytes >> 20U) +
                     " MiB");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error(ErrorCode::file_unreadable, "cannot read '" + path + "': " + std::strerror(errno));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const bool is_json = path.ends_with(".json");
  const std::string kept = is_json ? text : std::string();
  auto document = load(path, std::move(text), vault);
  if (document || !is_json) return document;
  // Someone who writes JSON is told about JSON.
  const Error& fault = document.error();
  const auto as_json = parse_json(kept);
  if (as_json) return document;
  return Error(fault.code(), fault.message() + " (read as JSON: " + as_json.error().message() + ")")
      .at(fault.span())
      .hint(fault.hint());
}

Result<Value> parse_text(std::string_view text) {
  const std::string clean = with_plain_line_ends(std::string(text));
  auto roots =
      parse(clean, BuildOptions{nullptr, nullptr, Mark::none, false}, Documents::one, nullptr);
  if (!roots) return with_place_in_message(roots.error());
  return roots->empty() ? Value() : roots->front().to_value();
}

Result<std::vector<Value>> parse_all_text(std::string_view text) {
  const std::string clean = with_plain_line_ends(std::string(text));
  auto roots =
      parse(clean, BuildOptions{nullptr, nullptr, Mark::none, false}, Documents::many, nullptr);
  if (!roots) return with_place_in_message(roots.error());
  std::vector<Value> values;
  for (const Node& root : *roots) values.push_back(root.to_value());
  return values;
}

}  // namespace gpustack::yaml
