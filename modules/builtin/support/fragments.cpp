#include "modules/builtin/support/fragments.hpp"

#include <string_view>

namespace gpustack::modules {

namespace {

std::size_t digits_at(std::string_view text,
                      std::size_t at,
                      std::size_t most,
                      std::string_view allowed) {
  std::size_t count = 0;
  while (count < most && at + count < text.size() &&
         allowed.find(text[at + count]) != std::string_view::npos)
    ++count;
  return count;
}

/// The escapes of a Python bytes literal; an unknown one stays as it is.
std::string unescaped(std::string_view text) {
  constexpr std::string_view kNames = "\\'\"abfnrtv";
  constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    const std::size_t octal = digits_at(text, i, 3, "01234567");
    if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
      out += kValues[known];
    } else if (c == 'x' && digits_at(text, i + 1, 2, "0123456789abcdefABCDEF") == 2) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else if (octal > 0) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i, octal)), nullptr, 8));
      i += octal - 1;
    } else {
      out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace

Result<std::string> join_fragments(
    const FragmentRules& rules,
    const std::vector<std::string>& names,
    const std::function<Result<std::string>(const std::string&)>& read) {
  std::string delimiter = unescaped(rules.delimiter);
  // A delimiter always ends its line, so that parts never run together.
  if (!delimiter.empty() && (rules.always_end_delimiter || !delimiter.ends_with('\n')))
    delimiter += '\n';
  std::string text;
  bool first = true;
  bool ended = true;
  for (const std::string& name : names) {
    if (rules.wanted) {
      GS_TRY(const auto match, rules.wanted->search(name));
      if (!match) continue;
    }
    if (rules.ignore_hidden && name.starts_with('.')) continue;
    GS_TRY(const std::string part, read(name));
    if (!first) {
      if (!ended) text += '\n';
      text += delimiter;
    }
    text += part;
    first = false;
    ended = part.ends_with('\n');
  }
  return text;
}

}  // namespace gpustack::modules
