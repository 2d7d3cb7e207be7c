#include "core/yaml/fault.hpp"

#include "core/yaml/place.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace gpustack::yaml {

namespace {

constexpr std::string_view kSpaces = " \t";

/// A line of the text and where it starts.
struct Line {
  std::size_t start = 0;
  std::string_view text;
};

Line line_at(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  const std::size_t previous = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  const std::size_t start = previous == std::string_view::npos ? 0 : previous + 1;
  return {start, text.substr(start, std::min(text.find('\n', start), text.size()) - start)};
}

std::optional<Line> line_before(std::string_view text, Line line) {
  while (line.start > 0) {
    line = line_at(text, line.start - 1);
    const std::size_t first = line.text.find_first_not_of(kSpaces);
    if (first != std::string_view::npos && line.text[first] != '#') return line;
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

/// Where the value of `key: value` or `- value` starts; npos when the line has none.
std::size_t value_start(std::string_view line) {
  std::size_t at = line.find_first_not_of(kSpaces);
  while (at != std::string_view::npos && line.substr(at).starts_with("- "))
    at = line.find_first_not_of(kSpaces, at + 1);
  if (at == std::string_view::npos) return at;
  const std::size_t colon = line.find(": ", at);
  if (colon == std::string_view::npos) return at;
  return line.find_first_not_of(kSpaces, colon + 1);
}

bool has_quote_at(std::string_view line, std::size_t at) {
  return line[at] == '"' || line[at] == '\'';
}

/// A mistake found on a line, with the byte to point at.
struct Mistake {
  std::string message;
  std::string hint;
  std::size_t offset;
};

std::optional<Mistake> tab_mistake(const Line& line) {
  const std::size_t first = std::min(line.text.find_first_not_of(kSpaces), line.text.size());
  const std::size_t tab = line.text.substr(0, first).find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return Mistake{"a tab cannot indent YAML", "indent with spaces", line.start + tab};
}

std::optional<Mistake> template_mistake(const Line& line, std::string_view text) {
  const std::size_t value = value_start(line.text);
  if (value == std::string_view::npos || !line.text.substr(value).starts_with("{{"))
    return std::nullopt;
  return Mistake{"a value that starts with '{{' must be quoted",
                 quoting_hint(text, line.start + value),
                 line.start + value};
}

std::optional<Mistake> quote_mistake(const Line& line) {
  const std::size_t value = value_start(line.text);
  if (value == std::string_view::npos || !has_quote_at(line.text, value)) return std::nullopt;
  const std::size_t end = line.text.find(line.text[value], value + 1);
  if (end == std::string_view::npos || end + 1 >= line.text.size()) return std::nullopt;
  const std::size_t rest = line.text.find_first_not_of(kSpaces, end + 1);
  if (rest == std::string_view::npos ||
      std::string_view("#:,]}").find(line.text[rest]) != std::string_view::npos) {
    return std::nullopt;
  }
  return Mistake{"the quoted string ends before the value does",
                 "put quotes around the whole value, or none at its start",
                 line.start + rest};
}

std::optional<Mistake> colon_mistake(const Line& line) {
  const std::size_t value = value_start(line.text);
  if (value == std::string_view::npos || has_quote_at(line.text, value)) return std::nullopt;
  if (line.text.find(": ") == std::string_view::npos || line.text.find(": ") >= value)
    return std::nullopt;
  const std::size_t second = line.text.find(": ", value);
  const bool ends_with_colon = line.text.ends_with(':') && line.text.size() > value;
  if (second == std::string_view::npos && !ends_with_colon) return std::nullopt;
  return Mistake{"a second ':' in an unquoted value",
                 "quote the value: it contains ': '",
                 line.start + (second == std::string_view::npos ? line.text.size() - 1 : second)};
}

bool is_word(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t{}[]'\"") == std::string_view::npos;
}

std::optional<Mistake> missing_space_mistake(const Line& line) {
  std::string_view text = trimmed(line.text);
  while (text.starts_with("- ")) text = trimmed(text.substr(2));
  if (text.find(": ") != std::string_view::npos || text.ends_with(':') || text.starts_with('"'))
    return std::nullopt;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  if (!is_word(text.substr(0, colon)) || text.substr(colon).starts_with("://")) return std::nullopt;
  const auto offset = static_cast<std::size_t>(text.data() - line.text.data()) + colon;
  return Mistake{"a space is missing after ':'",
                 "write '" + std::string(text.substr(0, colon)) + ": " +
                     std::string(text.substr(colon + 1)) + "'",
                 line.start + offset};
}

std::optional<Mistake> no_colon_mistake(const Line& line) {
  const std::string_view text = trimmed(line.text);
  if (!is_word(text) || text.find(':') != std::string_view::npos || text == "-")
    return std::nullopt;
  return Mistake{"expected 'key: value', found '" + std::string(text) + "'",
                 "a ':' is missing",
                 line.start + line.text.find(text)};
}

std::size_t indent_of(const Line& line) {
  return std::min(line.text.find_first_not_of(' '), line.text.size());
}

std::optional<Mistake> indent_mistake(const Line& line, const Line& before) {
  const std::size_t here = indent_of(line);
  const std::size_t there = indent_of(before);
  const std::string_view previous = trimmed(before.text);
  if (here > there && !previous.ends_with(':') &&
      value_start(before.text) != std::string_view::npos) {
    return Mistake{"this line is indented deeper than the value above it allows",
                   "start it in the column of the key above, or end the line above with ':'",
                   line.start + here};
  }
  return std::nullopt;
}

std::string plain_words(std::string_view complaint) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kWords = {{
      {"illegal map value", "a key with ':' cannot stand here"},
      {"illegal block entry", "a list item with '-' cannot stand here"},
      {"illegal map key", "a key cannot stand here"},
      {"illegal flow end", "a closing ']' or '}' without its partner"},
      {"end of map not found", "expected another key of this mapping or its end"},
      {"end of map flow not found", "expected ',' or '}' in this mapping"},
      {"end of sequence not found", "expected another '-' item of this list or its end"},
      {"end of sequence flow not found", "expected ',' or ']' in this list"},
      {"illegal EOF in scalar", "a quoted string that never ends"},
      {"unknown token", "a value cannot start with this character"},
      {"the referenced anchor is not defined", "the alias has no anchor of that name before it"},
      {"illegal document indicator in scalar", "'---' inside a quoted string"},
      {"unexpected character in block scalar",
       "expected the text to begin on the line after '|' or '>'"},
      {"bad file", "the nesting is too deep"},
  }};
  for (const auto& [terse, kind] : kWords) {
    if (complaint.starts_with(terse)) return std::string(kind);
  }
  return std::string(complaint);
}

std::optional<Mistake> usual_mistake(std::string_view text, std::size_t offset) {
  const Line line = line_at(text, offset);
  const auto before = line_before(text, line);
  if (auto found = tab_mistake(line)) return found;
  if (auto found = template_mistake(line, text)) return found;
  if (auto found = quote_mistake(line)) return found;
  if (auto found = colon_mistake(line)) return found;
  if (auto found = missing_space_mistake(line)) return found;
  if (!before) return std::nullopt;
  if (auto found = template_mistake(*before, text)) return found;
  if (auto found = missing_space_mistake(*before)) return found;
  if (auto found = quote_mistake(*before)) return found;
  if (auto found = no_colon_mistake(*before)) return found;
  return indent_mistake(line, *before);
}

// The parser reports an open quote at the end of the text; the reader needs its beginning.
std::optional<std::size_t> open_quote(std::string_view text) {
  char quote = '\0';
  std::size_t opened = 0;
  char before = '\n';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\0') {
      const bool begins_token = std::string_view(" \n\t[{,").find(before) != std::string_view::npos;
      if (c == '#' && begins_token) i = std::min(text.find('\n', i), text.size() - 1);
      if ((c == '"' || c == '\'') && begins_token) {
        quote = c;
        opened = i;
      }
    } else if (c == '\\' && quote == '"') {
      ++i;
    } else if (c == quote) {
      if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
        ++i;
      } else {
        quote = '\0';
      }
    }
    before = i < text.size() ? text[i] : '\n';
  }
  return quote == '\0' ? std::nullopt : std::optional(opened);
}

}  // namespace

namespace {

/// The '{' or '[' of a value that is still open at `end`, when it began on an earlier line.
std::optional<std::size_t> open_bracket(std::string_view text, std::size_t end) {
  std::vector<std::size_t> open;
  char quote = '\0';
  char before = '\n';
  for (std::size_t i = 0; i < std::min(end, text.size()); ++i) {
    const char c = text[i];
    const bool begins_token = std::string_view(" \n\t[{,").find(before) != std::string_view::npos;
    if (quote != '\0') {
      if (c == '\\' && quote == '"') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (begins_token && (c == '"' || c == '\'')) {
      quote = c;
    } else if (begins_token && c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if ((c == '{' || c == '[') && (begins_token || !open.empty())) {
      open.push_back(i);
    } else if ((c == '}' || c == ']') && !open.empty()) {
      open.pop_back();
    }
    before = i < text.size() ? text[i] : '\n';
  }
  if (open.empty() ||
      text.substr(open.front(), end - open.front()).find('\n') == std::string_view::npos)
    return std::nullopt;
  return open.front();
}

}  // namespace

std::string quoting_hint(std::string_view text, std::size_t offset) {
  const Line line = line_at(text, offset);
  std::string value(trimmed(line.text.substr(offset - line.start)));
  const std::size_t comment = value.find(" #");
  if (comment != std::string::npos) value = std::string(trimmed(value.substr(0, comment)));
  const char quote = value.find('"') == std::string::npos ? '"' : '\'';
  if (value.find(quote) != std::string::npos || value.size() > 80)
    return "put the whole value in quotes";
  return std::string("write ") + quote + value + quote;
}

Error explain(std::string_view complaint,
              std::string_view text,
              std::size_t offset,
              const SourceFile* source) {
  Cursor cursor(text, source);
  const std::string what = plain_words(complaint);
  if (complaint.starts_with("illegal EOF in scalar") ||
      complaint.starts_with("illegal document indicator")) {
    if (const auto quote = open_quote(text)) {
      return Error(ErrorCode::yaml_syntax, "the quoted string that begins here never ends")
          .at(cursor.at(*quote))
          .hint(std::string("close it with ") + text[*quote]);
    }
  }
  if (complaint.starts_with("the referenced anchor")) {
    return Error(ErrorCode::yaml_alias, what).at(cursor.at(offset));
  }
  if (complaint.starts_with("bad file"))
    return Error(ErrorCode::yaml_limit, what).at(cursor.at(offset));
  if (const auto open = open_bracket(text, offset);
      open && complaint.find("flow") != std::string::npos) {
    const std::string partner = text[*open] == '{' ? "}" : "]";
    return Error(ErrorCode::yaml_syntax,
                 std::string("the '") + text[*open] + "' that begins here is not closed")
        .at(cursor.at(*open))
        .hint("close it with '" + partner + "'");
  }
  if (auto mistake = usual_mistake(text, offset)) {
    return Error(ErrorCode::yaml_syntax, std::move(mistake->message))
        .at(cursor.at(mistake->offset))
        .hint(std::move(mistake->hint));
  }
  const Line line = line_at(text, offset);
  std::string hint;
  if (complaint.starts_with("unknown token") && offset < text.size() && offset >= line.start) {
    hint = std::string("quote the value: '") + text[offset] + "' has a meaning of its own in YAML";
  } else if (complaint.starts_with("end of map not found") ||
             complaint.starts_with("end of sequence not found")) {
    hint = "does this line start in the same column as the ones it belongs to?";
  }
  return Error(ErrorCode::yaml_syntax, what).at(cursor.at(offset)).hint(std::move(hint));
}

}  // namespace gpustack::yaml
