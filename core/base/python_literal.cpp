#include "core/base/python_literal.hpp"

#include "core/base/escapes.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace gpustack {

namespace {

constexpr int kMaxDepth = 100;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Digits of one base with single underscores between them; an underscore may follow a prefix such
/// as `0x`.
std::optional<std::string> plain_digits(std::string_view text,
                                        std::string_view digits,
                                        bool may_start_with_underscore) {
  std::string out;
  bool last_was_digit = may_start_with_underscore;
  for (const char c : text) {
    if (c == '_') {
      if (!last_was_digit) return std::nullopt;
      last_was_digit = false;
      continue;
    }
    if (digits.find(c) == std::string_view::npos) return std::nullopt;
    out += c;
    last_was_digit = true;
  }
  if (out.empty() || !last_was_digit) return std::nullopt;
  return out;
}

class Reader {
 public:
  Reader(std::string_view text, LiteralNames names) : text_(text), names_(names) {}

  /// The whole text is one expression; a bare comma makes it a tuple.
  std::optional<Value> whole() {
    const std::size_t start = std::min(text_.find_first_not_of(" \t"), text_.size());
    text_.remove_prefix(start);
    skip_blanks();
    auto first = expression(0);
    if (!first) return std::nullopt;
    skip_blanks();
    if (peek() != ',') return at_end() ? first : std::nullopt;
    List items{std::move(*first)};
    while (take(',')) {
      skip_blanks();
      if (at_end()) break;
      auto item = expression(0);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
      skip_blanks();
    }
    return at_end() ? std::optional(Value(std::move(items)).as_tuple()) : std::nullopt;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  /// Blanks and comments; line ends count only as blanks inside brackets.
  void skip_blanks() {
    while (!at_end()) {
      const char c = peek();
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\f' || ((c == '\n' || c == '\r') && depth_ > 0)) {
        ++at_;
      } else if (c == '\n' && text_.find_first_not_of(" \t\f\r\n", at_) == std::string_view::npos) {
        at_ = text_.size();
      } else {
        return;
      }
    }
  }

  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }

  std::optional<Value> expression(int depth) {
    if (depth > kMaxDepth || at_end()) return std::nullopt;
    const char c = peek();
    if (c == '+' || c == '-') return signed_number();
    if (c == '(') return bracketed(depth, ')');
    if (c == '[') return bracketed(depth, ']');
    if (c == '{') return braced(depth);
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number(false);
    if (is_string_start()) return strings();
    return word();
  }

  std::optional<Value> signed_number() {
    const bool is_negative = peek() == '-';
    ++at_;
    skip_blanks();
    bool is_wrapped = false;
    if (take('(')) {
      is_wrapped = true;
      ++depth_;
      skip_blanks();
    }
    if (!is_digit(peek()) && !(peek() == '.' && is_digit(peek(1)))) return std::nullopt;
    auto value = number(is_negative);
    if (is_wrapped) {
      skip_blanks();
      --depth_;
      if (!take(')')) return std::nullopt;
    }
    return value;
  }

  std::optional<Value> number(bool is_negative) {
    const std::size_t start = at_;
    const bool has_prefix = peek() == '0' &&
                            std::string_view("xXoObB").find(peek(1)) != std::string_view::npos &&
                            peek(1) != '\0';
    while (!at_end()) {
      const char c = peek();
      const bool is_exponent_sign = (c == '+' || c == '-') && !has_prefix && at_ > start &&
                                    (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (!is_word_character(c) && c != '.' && !is_exponent_sign) break;
      ++at_;
    }
    const std::string_view word = text_.substr(start, at_ - start);
    if (has_prefix) return prefixed_integer(word, is_negative);
    if (word.find_first_of(".eE") == std::string_view::npos)
      return decimal_integer(word, is_negative);
    return real(word, is_negative);
  }

  static std::optional<Value> to_integer(const std::string& digits, int base, bool is_negative) {
    const std::string text = (is_negative ? "-" : "") + digits;
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return Value(number);
  }

  static std::optional<Value> prefixed_integer(std::string_view word, bool is_negative) {
    const char kind = static_cast<char>(word[1] | 0x20);
    const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : 2;
    const auto digits =
        plain_digits(word.substr(2),
                     std::string_view("0123456789abcdefABCDEF")
                         .substr(0, base == 16 ? 22 : static_cast<std::size_t>(base)),
                     true);
    return digits ? to_integer(*digits, base, is_negative) : std::nullopt;
  }

  static std::optional<Value> decimal_integer(std::string_view word, bool is_negative) {
    const auto digits = plain_digits(word, "0123456789", false);
    if (!digits) return std::nullopt;
    const bool is_zero = digits->find_first_not_of('0') == std::string::npos;
    if (digits->size() > 1 && digits->front() == '0' && !is_zero) return std::nullopt;
    return to_integer(*digits, 10, is_negative);
  }

  static std::optional<Value> real(std::string_view word, bool is_negative) {
    constexpr std::string_view kDigits = "0123456789";
    std::string out = is_negative ? "-" : "";
    std::string_view mantissa = word.substr(0, std::min(word.find_first_of("eE"), word.size()));
    const std::string_view exponent = word.substr(mantissa.size());
    const std::size_t point = mantissa.find('.');
    const std::string_view whole = mantissa.substr(0, std::min(point, mantissa.size()));
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view() : mantissa.substr(point + 1);
    for (const std::string_view part : {whole, fraction}) {
      if (part.empty()) continue;
      const auto digits = plain_digits(part, kDigits, false);
      if (!digits) return std::nullopt;
      out += (part.data() == fraction.data() ? "." : "") + *digits;
    }
    if (whole.empty() && fraction.empty()) return std::nullopt;
    if (!exponent.empty()) {
      std::string_view power = exponent.substr(1);
      const bool has_sign = power.starts_with('+') || power.starts_with('-');
      const auto digits = plain_digits(power.substr(has_sign ? 1 : 0), kDigits, false);
      if (!digits) return std::nullopt;
      out += (power.starts_with('-') ? "e-" : "e+") + *digits;
    }
    return Value(std::strtod(out.c_str(), nullptr));
  }

  /// Items up to `end`; one item in parentheses without a comma is that item.
  std::optional<Value> bracketed(int depth, char end) {
    ++at_;
    ++depth_;
    List items;
    bool had_comma = false;
    skip_blanks();
    while (!take(end)) {
      if (!items.empty() && !had_comma) return std::nullopt;
      auto item = expression(depth + 1);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
      skip_blanks();
      had_comma = take(',');
      skip_blanks();
    }
    --depth_;
    if (end == ']') return Value(std::move(items));
    if (items.size() == 1 && !had_comma) return items.front();
    return Value(std::move(items)).as_tuple();
  }

  std::optional<Value> braced(int depth) {
    ++at_;
    ++depth_;
    Map entries;
    List members;
    bool had_comma = true;
    bool is_set = false;
    skip_blanks();
    while (!take('}')) {
      if (!had_comma) return std::nullopt;
      auto key = expression(depth + 1);
      if (!key) return std::nullopt;
      skip_blanks();
      const bool is_entry = take(':');
      if (entries.empty() && members.empty()) is_set = !is_entry;
      if (is_set == is_entry) return std::nullopt;
      if (key->is_map() || (key->is_list() && !key->is_tuple())) return std::nullopt;
      if (is_set) {
        if (std::ranges::find(members, *key) == members.end()) members.push_back(std::move(*key));
      } else {
        skip_blanks();
        auto value = expression(depth + 1);
        if (!value) return std::nullopt;
        entries.set(std::move(*key), std::move(*value));
      }
      skip_blanks();
      had_comma = take(',');
      skip_blanks();
    }
    --depth_;
    if (is_set) return Value(std::move(members));
    return Value(std::move(entries));
  }

  std::optional<Value> word() {
    const std::size_t start = at_;
    while (!at_end() && is_word_character(peek())) ++at_;
    const std::string_view found = text_.substr(start, at_ - start);
    if (found == "True") return Value(true);
    if (found == "False") return Value(false);
    if (found == "None") return Value();
    if (names_ == LiteralNames::python) return std::nullopt;
    if (found == "true") return Value(true);
    if (found == "false") return Value(false);
    if (found == "null") return Value();
    return std::nullopt;
  }

  [[nodiscard]] bool is_string_start() const {
    std::size_t ahead = 0;
    while (ahead < 2 && std::string_view("rRuU").find(peek(ahead)) != std::string_view::npos &&
           peek(ahead) != '\0')
      ++ahead;
    const bool has_both = ahead == 2;  // `ur''` is not Python 3
    return !has_both && (peek(ahead) == '\'' || peek(ahead) == '"');
  }

  /// Adjacent strings are one.
  std::optional<Value> strings() {
    std::string out;
    while (is_string_start()) {
      if (!one_string(out)) return std::nullopt;
      skip_blanks();
    }
    return Value(std::move(out));
  }

  bool one_string(std::string& out) {
    const bool has_prefix = peek() != '\'' && peek() != '"';
    const bool is_raw = peek() == 'r' || peek() == 'R';
    if (has_prefix) ++at_;
    const char quote = peek();
    const bool is_triple = peek(1) == quote && peek(2) == quote;
    at_ += is_triple ? 3 : 1;
    while (!at_end()) {
      const char c = peek();
      if (c == quote && (!is_triple || (peek(1) == quote && peek(2) == quote))) {
        at_ += is_triple ? 3 : 1;
        return true;
      }
      if ((c == '\n' && !is_triple) || c == '\0') return false;
      ++at_;
      if (c != '\\') {
        out += c;
      } else if (is_raw) {
        if (at_end()) return false;
        out += c;
        out += text_[at_++];
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  /// What follows a backslash; an unknown escape keeps its backslash.
  bool escape(std::string& out) {
    if (at_end()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kNames = "\\'\"abfnrtv";
    constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
    if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
      out += kMeanings[known];
      return true;
    }
    if (c == '\n') return true;
    if (c == 'x') return coded(out, 2, 16);
    if (c == 'u') return coded(out, 4, 16);
    if (c == 'U') return coded(out, 8, 16);
    if (c == 'N') return false;  // names of characters
    if (c >= '0' && c <= '7') {
      --at_;
      std::size_t digits = 0;
      while (digits < 3 && peek(digits) >= '0' && peek(digits) <= '7') ++digits;
      return coded(out, digits, 8);
    }
    out += '\\';
    out += c;
    return true;
  }

  bool coded(std::string& out, std::size_t digits, int base) {
    if (at_ + digits > text_.size()) return false;
    std::uint32_t code = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, begin + digits, code, base);
    if (error != std::errc() || end != begin + digits) return false;
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    at_ += digits;
    append_code_point(out, code);
    return true;
  }

  std::string_view text_;
  LiteralNames names_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<Value> read_python_literal(std::string_view text, LiteralNames names) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  return Reader(text, names).whole();
}

}  // namespace gpustack
