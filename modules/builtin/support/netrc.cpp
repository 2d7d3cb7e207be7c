#include "modules/builtin/support/netrc.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

/// Words between white space; quotes keep it, a backslash keeps the next character.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  /// Empty at the end.
  std::string next() {
    skip_space();
    if (at_ == text_.size()) return {};
    std::string word;
    const bool is_quoted = text_[at_] == '"';
    if (is_quoted) ++at_;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (is_quoted ? c == '"' : kWhiteSpace.find(c) != std::string_view::npos) break;
      if (c == '\\' && at_ + 1 < text_.size()) c = text_[++at_];
      word += c;
      ++at_;
    }
    if (is_quoted && at_ < text_.size()) ++at_;
    return word;
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  /// The body of a macro ends with a blank line.
  void skip_macro() {
    const std::size_t end = text_.find("\n\n", at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 2;
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(kWhiteSpace, at_), text_.size()); }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::optional<Login>> login_in_netrc(std::string_view text,
                                            const std::string& host,
                                            const std::string& path) {
  Words words(text);
  std::optional<Login> found;
  std::optional<Login> otherwise;
  Login unused;
  Login* entry = nullptr;
  for (std::string word = words.next(); !word.empty(); word = words.next()) {
    if (word.starts_with('#')) {
      words.skip_line();
    } else if (word == "machine") {
      // As in Python, the last entry of a host counts.
      entry = words.next() == host ? &found.emplace() : &unused;
    } else if (word == "default") {
      entry = &otherwise.emplace();
    } else if (word == "macdef") {
      words.skip_macro();
    } else if (entry != nullptr && (word == "login" || word == "user")) {
      entry->user = words.next();
    } else if (entry != nullptr && word == "password") {
      entry->password = words.next();
    } else if (entry != nullptr && word == "account") {
      words.next();
    } else {
      return Error(ErrorCode::module_failed,
                   "'" + path +
                       "' is no netrc file: expected machine, default, login, password, "
                       "account or macdef")
          .hint("use_netrc: no leaves it alone");
    }
  }
  return found ? found : otherwise;
}

Result<std::optional<Login>> login_of_host(const SystemView& view, const std::string& host) {
  const std::string named = view.environment("NETRC");
  const std::string path = named.empty() ? join_path(view.environment("HOME"), ".netrc") : named;
  const auto text = view.read(path);
  if (!text) return std::optional<Login>();
  GS_TRY(auto login, login_in_netrc(*text, host, path));
  if (!login || !named.empty() || login->password.empty() || login->user == "anonymous")
    return login;
  GS_TRY(const auto info, view.stat(path));
  if (info && (info->uid != view.effective_uid() || (info->mode & 077U) != 0)) {
    return Error(ErrorCode::module_failed,
                 "'" + path + "' holds passwords and others may read it, expected mode 0600")
        .hint("use_netrc: no leaves it alone");
  }
  return login;
}

}  // namespace gpustack::modules
