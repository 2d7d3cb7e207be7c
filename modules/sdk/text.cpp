#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace gpustack::modules {

std::string_view trim_left(std::string_view text, std::string_view what) {
  const std::size_t start = text.find_first_not_of(what);
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::string_view trim_right(std::string_view text, std::string_view what) {
  const std::size_t last = text.find_last_not_of(what);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::string_view trim(std::string_view text, std::string_view what) {
  return trim_left(trim_right(text, what), what);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string join(std::span<const std::string> parts, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += between;
    out += parts[i];
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t at = text.find(separator);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out;
  for (text = trim_left(text); !text.empty(); text = trim_left(text)) {
    const std::size_t end = std::min(text.find_first_of(kWhiteSpace), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    const bool pair = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
    text.remove_prefix(end + (pair ? 2 : 1));
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  if (what.empty()) return std::string(text);
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what)) {
    out.append(text.substr(0, at)).append(with);
    text.remove_prefix(at + what.size());
  }
  return out.append(text);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t number = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || done.ec != std::errc() || done.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<double> parse_real(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  // Not std::from_chars, which brings tables of 22 KiB along: strtod is there anyway. It also takes
  // a second sign, blanks and hexadecimal digits, which are no numbers here.
  constexpr std::string_view kNever = " \t\n\v\f\rxX";
  if (text.empty() || text.front() == '+' || text.find_first_of(kNever) != std::string_view::npos)
    return std::nullopt;
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const double number = std::strtod(terminated.c_str(), &end);
  if (end != terminated.c_str() + terminated.size()) return std::nullopt;
  if (errno == ERANGE && std::abs(number) > 1) return std::nullopt;  // larger than any
  return number;
}

std::optional<std::uint32_t> parse_octal(std::string_view text) {
  text = trim(text);
  if (text.starts_with("0o") || text.starts_with("0O")) text.remove_prefix(2);
  std::uint32_t number = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number, 8);
  if (text.empty() || done.ec != std::errc() || done.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::string mode_text(std::uint32_t mode) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "0%03o", mode & 07777U);
  return buffer.data();
}

std::string shell_quote(std::string_view text) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("@%_-+=:,./").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  return "'" + replace_all(text, "'", "'\"'\"'") + "'";
}

namespace {

/// Appends to `word` what stands between quotes; `at` is the place behind the opening one.
/// @return the place behind the closing one, npos where it is missing
std::size_t take_quoted(std::string_view text, std::size_t at, char quote, std::string& word) {
  for (; at < text.size(); ++at) {
    if (text[at] == quote) return at + 1;
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (quote == '"' && text[at] == '\\' && (next == '"' || next == '\\')) ++at;
    word += text[at];
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<std::vector<std::string>> shell_split(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r";
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (kBlanks.find(c) != std::string_view::npos) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == '\'' || c == '"') {
      at = take_quoted(text, at, c, word);
      if (at == std::string_view::npos) return std::nullopt;
    } else if (c == '\\') {
      if (at == text.size()) return std::nullopt;
      word += text[at++];
    } else {
      word += c;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string parent_folder(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  while (name.starts_with('/')) name.remove_prefix(1);
  std::string out(folder);
  if (!out.ends_with('/')) out += '/';
  return out.append(name);
}

}  // namespace gpustack::modules
