#include "modules/builtin/support/yaml_scalar.hpp"

#include "core/base/escapes.hpp"
#include "core/base/json.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace gpustack::modules {

namespace {

constexpr std::string_view kNulls[] = {"", "~", "null", "Null", "NULL"};
constexpr std::string_view kTrue[] = {
    "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
constexpr std::string_view kFalse[] = {
    "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};

template <typename Words>
bool is_one_of(const Words& words, std::string_view text) {
  return std::ranges::find(words, text) != std::end(words);
}

std::optional<std::int64_t> number_of_base(std::string_view digits, int base) {
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
    return std::nullopt;
  return number;
}

std::optional<Value> number_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view rest = text;
  if (negative || text.starts_with('+')) rest.remove_prefix(1);
  const std::string digits = replace_all(rest, "_", "");
  if (digits.empty() || !(digits[0] == '.' || (digits[0] >= '0' && digits[0] <= '9')))
    return std::nullopt;
  int base = 10;
  std::string_view body = digits;
  if (body.starts_with("0x")) {
    base = 16;
  } else if (body.starts_with("0b")) {
    base = 2;
  } else if (body.size() > 1 && body[0] == '0' && body.find('.') == std::string_view::npos) {
    base = 8;
  }
  if (base == 16 || base == 2) body.remove_prefix(2);
  if (const auto number = number_of_base(body, base)) return Value(negative ? -*number : *number);
  const double infinite = std::numeric_limits<double>::infinity();
  if (lower(digits) == ".inf") return Value(negative ? -infinite : infinite);
  // PyYAML takes a real with a point only, and an exponent with its sign only.
  const std::size_t exponent = digits.find_first_of("eE");
  const bool has_sign = exponent == std::string::npos ||
                        (exponent + 1 < digits.size() &&
                         (digits[exponent + 1] == '+' || digits[exponent + 1] == '-'));
  if (base == 16 || base == 2 || !has_sign || digits.find('.') == std::string::npos)
    return std::nullopt;
  const auto real = parse_real(digits);
  if (!real) return std::nullopt;
  return Value(negative ? -*real : *real);
}

/// Whether other readers take the plain text for a date, or for a number in base 60.
bool is_other_kind(std::string_view text) {
  if (text.empty() ||
      text.find_first_not_of("0123456789-:._+eEoxTZabcdf ") != std::string_view::npos)
    return false;
  return text[0] >= '0' && text[0] <= '9';
}

/// Line ends of Unicode's, and others that stand in a text by their escapes only.
constexpr std::pair<std::string_view, std::string_view> kUnshown[] = {
    {"\xc2\x85", "\\N"},
    {"\xe2\x80\xa8", "\\L"},
    {"\xe2\x80\xa9", "\\P"},
    {"\xef\xbb\xbf", "\\uFEFF"},
    {"\x7f", "\\x7F"},
};

bool has_special(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }) ||
         std::ranges::any_of(kUnshown, [&](const auto& one) {
           return text.find(one.first) != std::string_view::npos;
         });
}

bool reads_back_plain(std::string_view text, bool in_flow) {
  if (text.empty() || !plain_scalar(text).is_string() || is_other_kind(text)) return false;
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`=<";
  const char first = text.front();
  const bool word_follows = text.size() > 1 && text[1] != ' ';
  if (kIndicators.find(first) != std::string_view::npos &&
      !((first == '-' || first == '?' || first == ':') && word_follows && !in_flow))
    return false;
  if (text.starts_with("---") || text.starts_with("...")) return false;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos)
    return false;
  if (in_flow && text.find_first_of(",[]{}:#") != std::string_view::npos) return false;
  return !has_special(text);
}

class FlowReader {
 public:
  explicit FlowReader(std::string_view text) : text_(text) {}

  // NOLINTNEXTLINE(misc-no-recursion): bounded by kDepth
  std::optional<Value> value(int depth) {
    skip();
    if (at_ >= text_.size() || depth > kDepth) return std::nullopt;
    switch (text_[at_]) {
      case '"':
        return double_quoted();
      case '\'':
        return single_quoted();
      case '[':
        return list(depth);
      case '{':
        return map(depth);
      case '&':
      case '*':
      case '!':
      case '|':
      case '>':
      case '#':
        return std::nullopt;
      default:
        return plain();
    }
  }

  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  static constexpr int kDepth = 64;

  void skip() { at_ = std::min(text_.find_first_not_of(' ', at_), text_.size()); }

  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<Value> single_quoted() {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\'') {
        if (text_.substr(at_, 2) != "''") return ++at_, Value(out);
        ++at_;
      }
      out += text_[at_];
    }
    return std::nullopt;
  }

  std::optional<Value> double_quoted() {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') return ++at_, Value(out);
      if (text_[at_] != '\\') {
        out += text_[at_];
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  bool escape(std::string& out) {
    if (++at_ >= text_.size()) return false;
    constexpr std::string_view kLetters = "0abtnvfre\"/\\ ";
    constexpr std::string_view kMeanings("\0\a\b\t\n\v\f\r\x1b\"/\\ ", 13);
    const char letter = text_[at_];
    if (const std::size_t place = kLetters.find(letter); place != std::string_view::npos) {
      out += kMeanings[place];
      return true;
    }
    if (const auto* one = std::ranges::find(kUnshown,
                                            std::string{'\\', letter},
                                            &std::pair<std::string_view, std::string_view>::second);
        one != std::end(kUnshown)) {
      out += one->first;
      return true;
    }
    const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    const auto point = number_of_base(text_.substr(at_ + 1, digits), 16);
    if (digits == 0 || text_.size() < at_ + 1 + digits || !point) return false;
    append_code_point(out, static_cast<char32_t>(*point));
    at_ += digits;
    return true;
  }

  std::optional<Value> plain() {
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : ' ';
      if (std::string_view(",[]{}").find(c) != std::string_view::npos) break;
      if (c == ':' && std::string_view(" ,[]{}").find(next) != std::string_view::npos) break;
      if (c == '#' && at_ > begin && text_[at_ - 1] == ' ') break;
      ++at_;
    }
    return plain_scalar(trim(text_.substr(begin, at_ - begin), " \t"));
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  std::optional<Value> list(int depth) {
    Value out{List()};
    ++at_;
    while (!take(']')) {
      auto item = value(depth + 1);
      skip();
      if (!item || at_ >= text_.size() || text_[at_] == ':') return std::nullopt;
      out.push_back(std::move(*item));
      if (!take(',') && text_[at_] != ']') return std::nullopt;
    }
    return out;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  std::optional<Value> map(int depth) {
    Value out{Map()};
    ++at_;
    while (!take('}')) {
      auto key = value(depth + 1);
      if (!key || key->is_map() || key->is_list()) return std::nullopt;
      Value part;
      if (take(':')) {
        skip();
        if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}') {
          auto read = value(depth + 1);
          if (!read) return std::nullopt;
          part = std::move(*read);
        }
      }
      out.mutable_map().set(std::move(*key), std::move(part));
      skip();
      if (at_ >= text_.size()) return std::nullopt;
      if (!take(',') && text_[at_] != '}') return std::nullopt;
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Value plain_scalar(std::string_view text) {
  if (is_one_of(kNulls, text)) return Value();
  if (is_one_of(kTrue, text)) return Value(true);
  if (is_one_of(kFalse, text)) return Value(false);
  if (auto number = number_of(text)) return std::move(*number);
  return Value(text);
}

std::optional<Value> read_flow(std::string_view text, std::size_t& length) {
  FlowReader reader(text);
  auto value = reader.value(0);
  length = reader.at();
  if (has_wide_break(text.substr(0, length))) return std::nullopt;
  return value;
}

bool has_wide_break(std::string_view text) {
  return std::ranges::any_of(
      std::array<std::string_view, 3>{"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"},
      [&](std::string_view one) { return text.find(one) != std::string_view::npos; });
}

std::size_t end_of_flow(std::string_view text) {
  std::string open;  ///< what closes the collections we are in
  char quote = 0;
  char before = ',';  ///< the last that was no blank: a quote within a word is none
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (quote == '"' && c == '\\') {
        ++at;
      } else if (quote == '\'' && text.substr(at, 2) == "''") {
        ++at;
      } else if (c == quote) {
        quote = 0;
        before = c;
        if (open.empty()) return at + 1;
      }
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    const bool is_alone =
        at == 0 || std::string_view(" \t\n").find(text[at - 1]) != std::string_view::npos;
    if (c == '#' && is_alone) {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if ((c == '"' || c == '\'') &&
        (is_alone || std::string_view(",[{:").find(before) != std::string_view::npos)) {
      quote = c;
    } else if (c == '[' || c == '{') {
      open += c == '[' ? ']' : '}';
    } else if (c == ']' || c == '}') {
      if (open.empty() || open.back() != c) return std::string_view::npos;
      open.pop_back();
      if (open.empty()) return at + 1;
    }
    before = c;
  }
  return std::string_view::npos;
}

std::size_t plain_end(std::string_view text) {
  const std::size_t comment = text.starts_with('#') ? 0 : text.find(" #");
  const std::size_t tab = text.find("\t#");
  return trim_right(text.substr(0, std::min({comment, tab, text.size()})), " \t").size();
}

std::string scalar_text(const Value& value, bool in_flow) {
  if (value.is_null()) return "null";
  if (!value.is_string()) {
    std::string text = to_json(value, {.redact_secrets = false});
    // YAML's infinity has a point in front, and so has what is no number.
    if (text == "Infinity") return ".inf";
    if (text == "-Infinity") return "-.inf";
    if (text == "NaN") return ".nan";
    // Without a point it would be a text.
    if (value.is_real() && text.find('.') == std::string::npos)
      text.insert(std::min(text.find('e'), text.size()), ".0");
    return text;
  }
  const std::string& text = value.as_string();
  if (reads_back_plain(text, in_flow)) return text;
  if (has_special(text)) {
    // JSON's text is one of YAML's, too, but for a few characters that YAML does not show.
    std::string out = to_json(value, {.indent = 0, .ensure_ascii = false, .redact_secrets = false});
    for (const auto& [what, escape] : kUnshown) out = replace_all(out, what, escape);
    return out;
  }
  return "'" + replace_all(text, "'", "''") + "'";
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the argument
std::string flow_text(const Value& value) {
  if (!value.is_map() && !value.is_list()) return scalar_text(value, true);
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (value.is_list()) {
    for (const Value& item : value.as_list()) add(flow_text(item));
    return "[" + out + "]";
  }
  for (const auto& [key, part] : value.as_map())
    add(scalar_text(key, true) + ": " + flow_text(part));
  return "{" + out + "}";
}

bool suits_literal(const Value& value) {
  if (!value.is_string()) return false;
  const std::string_view text = value.as_string();
  if (text.find('\n') == std::string_view::npos || text.front() == ' ' || text.front() == '\n' ||
      text.ends_with("\n\n"))
    return false;
  return !has_special(replace_all(text, "\n", ""));
}

}  // namespace gpustack::modules
