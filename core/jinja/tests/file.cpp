// Files on the controller: exists, directory, link, …; and the shape of addresses: uri, url, urn
#include "core/jinja/glob.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/tests/tables.hpp"
#include "core/jinja/text.hpp"

#include <sys/stat.h>

#include <filesystem>

namespace gpustack::jinja {

namespace {

enum class Links : bool { follow, look };

bool stat_path(const std::string& path, struct stat& info, Links links = Links::follow) {
  return (links == Links::follow ? stat(path.c_str(), &info) : lstat(path.c_str(), &info)) == 0;
}

Result<bool> directory(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  struct stat info {};
  return stat_path(path, info) && S_ISDIR(info.st_mode);
}
Result<bool> file(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  struct stat info {};
  return stat_path(path, info) && S_ISREG(info.st_mode);
}
Result<bool> link(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  struct stat info {};
  return stat_path(path, info, Links::look) && S_ISLNK(info.st_mode);
}
Result<bool> exists(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  struct stat info {};
  return stat_path(path, info);
}
Result<bool> link_exists(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  struct stat info {};
  return stat_path(path, info, Links::look);
}
Result<bool> absolute(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  return path.starts_with('/');
}
Result<bool> same_file(Invocation& call) {
  GS_TRY(const std::string left, call.input_text());
  GS_TRY(const std::string right, call.text(0));
  struct stat a {};
  struct stat b {};
  if (!stat_path(left, a)) return call.fail("found no file '" + left + "'");
  if (!stat_path(right, b)) return call.fail("found no file '" + right + "'");
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
Result<bool> mount(Invocation& call) {
  GS_TRY(const std::string path, call.input_text());
  struct stat here {};
  struct stat above {};
  if (!stat_path(path, here, Links::look) || S_ISLNK(here.st_mode)) return false;
  if (!stat_path(path + "/..", above, Links::look)) return false;
  return here.st_dev != above.st_dev || here.st_ino == above.st_ino;
}

struct Url {
  std::string scheme;
  bool has_host = false;
};

Url split_url(const std::string& text) {
  Url out;
  const std::size_t colon = text.find(':');
  std::string_view rest = text;
  if (colon != std::string::npos && colon > 0 &&
      is_alpha_point(static_cast<unsigned char>(text[0]))) {
    const std::string scheme = text.substr(0, colon);
    if (scheme.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") ==
        std::string::npos) {
      out.scheme = lower(scheme);
      rest.remove_prefix(colon + 1);
    }
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    out.has_host = rest.find_first_of("/?#") != 0 && !rest.empty();
  }
  return out;
}

Result<bool> in_schemes(Invocation& call, const Url& url, const Value& schemes) {
  if (!schemes.truthy()) return true;
  GS_TRY(const List items, call.render.items(schemes));
  for (const Value& scheme : items) {
    if (scheme == Value(url.scheme)) return true;
  }
  return false;
}

Result<bool> uri(Invocation& call) {
  if (!call.input.is_string()) return false;
  return in_schemes(call, split_url(call.input.as_string()), call.arg(0));
}
Result<bool> url(Invocation& call) {
  if (!call.input.is_string()) return false;
  const Url parts = split_url(call.input.as_string());
  GS_TRY(const bool known, in_schemes(call, parts, call.arg(0)));
  return known && (parts.has_host || parts.scheme == "file");
}
Result<bool> urn(Invocation& call) {
  if (!call.input.is_string()) return false;
  return split_url(call.input.as_string()).scheme == "urn";
}

constexpr TestRow kRows[] = {
    {"directory", directory},
    {"is_dir", directory},
    {"file", file},
    {"is_file", file},
    {"link", link},
    {"is_link", link},
    {"exists", exists},
    {"link_exists", link_exists},
    {"abs", absolute},
    {"is_abs", absolute},
    {"same_file", same_file, "other!"},
    {"is_same_file", same_file, "other!"},
    {"mount", mount},
    {"is_mount", mount},
    {"uri", uri, "schemes"},
    {"url", url, "schemes"},
    {"urn", urn},
};

}  // namespace

TestTable file_tests() { return kRows; }

}  // namespace gpustack::jinja
