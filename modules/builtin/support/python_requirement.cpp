#include "modules/builtin/support/python_requirement.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Length of the name that the text begins with, 0 when it begins with none.
std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && (is_letter_or_digit(text[length]) || text[length] == '-' ||
                                  text[length] == '_' || text[length] == '.'))
    ++length;
  while (length > 0 && !is_letter_or_digit(text[length - 1])) --length;
  return length > 0 && is_letter_or_digit(text[0]) ? length : 0;
}

/// Takes `[a, b]` off the text. @return them in order, or nothing when the bracket is faulty
std::optional<std::string> take_extras(std::string_view& text) {
  text = trim(text);
  if (!text.starts_with('[')) return std::string();
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos) return std::nullopt;
  std::vector<std::string> extras;
  const std::string_view inside = trim(text.substr(1, end - 1));
  if (!inside.empty()) {
    for (const std::string& piece : split(inside, ',')) {
      const std::string_view extra = trim(piece);
      if (extra.empty() || name_length(extra) != extra.size()) return std::nullopt;
      extras.emplace_back(extra);
    }
  }
  text = trim(text.substr(end + 1));
  if (extras.empty()) return std::string();
  std::ranges::sort(extras);
  return "[" + join(extras, ",") + "]";
}

std::optional<std::vector<VersionSpecifier>> parse_specifiers(std::string_view text) {
  std::vector<VersionSpecifier> out;
  text = trim(text);
  if (text.starts_with('(') && text.ends_with(')')) text = trim(text.substr(1, text.size() - 2));
  if (text.empty()) return out;
  for (const std::string& piece : split(text, ',')) {
    auto specifier = parse_specifier(piece);
    if (!specifier) return std::nullopt;
    out.push_back(std::move(*specifier));
  }
  return out;
}

std::string specifiers_text(const std::vector<VersionSpecifier>& specifiers) {
  std::vector<std::string> texts;
  texts.reserve(specifiers.size());
  for (const VersionSpecifier& one : specifiers) texts.push_back(one.text());
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return join(texts, ",");
}

PythonRequirement plain(std::string_view text) {
  PythonRequirement out;
  out.text = text;
  out.name = text;
  return out;
}

bool begins_with_comparison(std::string_view text) {
  text = trim_left(text);
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{">=", "<=", ">", "<", "==", "!=", "~="},
      [&](std::string_view comparison) { return text.starts_with(comparison); });
}

}  // namespace

bool PythonRequirement::is_fulfilled_by(std::string_view version) const {
  return is_named && std::ranges::all_of(specifiers, [&](const VersionSpecifier& one) {
           return fulfils(version, one);
         });
}

std::string canonical_package_name(std::string_view name) {
  std::string out;
  for (const char c : lower(name)) {
    const bool joins = c == '-' || c == '_' || c == '.';
    if (!joins) {
      out += c;
    } else if (!out.ends_with('-')) {
      out += '-';
    }
  }
  return out;
}

PythonRequirement parse_requirement(std::string_view text) {
  std::string_view rest = trim(text);
  const std::size_t length = name_length(rest);
  if (length == 0) return plain(text);
  PythonRequirement out;
  out.is_named = true;
  out.name = canonical_package_name(rest.substr(0, length));
  out.text = rest.substr(0, length);
  rest.remove_prefix(length);
  const auto extras = take_extras(rest);
  if (!extras) return plain(text);
  out.text += *extras;
  if (rest.starts_with('@')) {
    const std::string_view address = trim(rest.substr(1));
    if (address.empty()) return plain(text);
    out.text += "@ " + std::string(address);
    return out;
  }
  const std::size_t marker = rest.find(';');
  auto specifiers = parse_specifiers(rest.substr(0, marker));
  if (!specifiers) return plain(text);
  out.specifiers = std::move(*specifiers);
  out.text += specifiers_text(out.specifiers);
  if (marker != std::string_view::npos)
    out.text += "; " + std::string(trim(rest.substr(marker + 1)));
  return out;
}

PythonRequirement with_version(const PythonRequirement& requirement, std::string_view version) {
  version = trim_left(version);
  if (version.empty()) return requirement;
  const bool is_number = version[0] >= '0' && version[0] <= '9';
  PythonRequirement out =
      parse_requirement(requirement.text + (is_number ? "==" : " ") + std::string(version));
  return out.is_named ? out : requirement;
}

std::vector<std::string> join_requirements(const std::vector<std::string>& pieces) {
  std::vector<std::string> flat;
  for (const std::string& piece : pieces) {
    for (std::string& part : split(piece, ',')) flat.push_back(std::move(part));
  }
  std::vector<std::string> out;
  bool in_brackets = false;
  for (const std::string& part : flat) {
    const bool continues = !out.empty() && (in_brackets || begins_with_comparison(part));
    if (part.find('[') != std::string::npos) in_brackets = true;
    if (in_brackets && part.find(']') != std::string::npos) in_brackets = false;
    if (continues) {
      out.back() += "," + part;
    } else {
      out.push_back(part);
    }
  }
  return out;
}

}  // namespace gpustack::modules
