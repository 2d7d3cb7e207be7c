#include "core/jinja/literal.hpp"

#include "core/jinja/text.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace gpustack::jinja {

namespace {

constexpr int kMaxDepth = 200;

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  std::optional<Value> read_all() {
    auto value = read_item();
    if (!value) return std::nullopt;
    skip_space();
    // A bare `1, 2` is a tuple in Python.
    if (at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  void skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
        at_ += 2;
      } else {
        return;
      }
    }
  }

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool starts_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    const std::size_t end = at_ + word.size();
    if (end < text_.size()) {
      const char c = text_[end];
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
        return false;
    }
    at_ = end;
    return true;
  }

  std::optional<Value> read_item() {
    if (depth_ >= kMaxDepth) return std::nullopt;
    ++depth_;
    auto value = read_here();
    --depth_;
    return value;
  }

  std::optional<Value> read_here() {
    skip_space();
    if (at_ >= text_.size()) return std::nullopt;
    const char c = text_[at_];
    if (c == '[') return read_list(']');
    if (c == '(') return read_list(')');
    if (c == '{') return read_map();
    if (starts_word("None") || starts_word("null")) return Value();
    if (starts_word("True") || starts_word("true")) return Value(true);
    if (starts_word("False") || starts_word("false")) return Value(false);
    if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') return read_number();
    return read_string();
  }

  std::optional<Value> read_list(char close) {
    ++at_;
    List items;
    bool comma = false;
    while (!take(close)) {
      auto item = read_item();
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
      comma = take(',');
      if (!comma) {
        if (!take(close)) return std::nullopt;
        break;
      }
    }
    if (close == ']') return Value(std::move(items));
    if (items.size() == 1 && !comma) return std::move(items.front());
    return Value(std::move(items)).as_tuple();
  }

  std::optional<Value> read_map() {
    ++at_;
    Map entries;
    if (take('}')) return Value(std::move(entries));
    List set_items;
    bool is_set = false;
    while (true) {
      auto key = read_item();
      if (!key || (key->is_list() && !key->is_tuple()) || key->is_map()) return std::nullopt;
      if (entries.empty() && set_items.empty()) {
        skip_space();
        is_set = at_ < text_.size() && text_[at_] != ':';
      }
      if (is_set) {
        set_items.push_back(std::move(*key));
      } else {
        if (!take(':')) return std::nullopt;
        auto value = read_item();
        if (!value) return std::nullopt;
        entries.set(std::move(*key), std::move(*value));
      }
      const bool comma = take(',');
      if (take('}')) break;
      if (!comma) return std::nullopt;
    }
    if (is_set) return Value(std::move(set_items));
    return Value(std::move(entries));
  }

  std::optional<Value> read_number() {
    bool negative = false;
    while (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) {
      negative ^= text_[at_] == '-';
      ++at_;
      skip_space();
    }
    const std::size_t begin = at_;
    std::string digits;
    bool real = false;
    int base = 10;
    if (text_.substr(at_).size() > 1 && text_[at_] == '0') {
      const char kind = static_cast<char>(text_[at_ + 1] | 0x20);
      base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
      if (base != 10) at_ += 2;
    }
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '_') {
        ++at_;
        continue;
      }
      const bool digit = c >= '0' && c <= '9';
      const bool hex = base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
      if (digit || hex) {
        digits += c;
      } else if (base == 10 && (c == '.' || c == 'e' || c == 'E')) {
        real = true;
        digits += c;
        if (c != '.' && at_ + 1 < text_.size() && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+'))
          digits += text_[++at_];
      } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return std::nullopt;
      } else {
        break;
      }
      ++at_;
    }
    if (digits.empty() || digits == "." || at_ == begin) return std::nullopt;
    if (real) {
      char* end = nullptr;
      const double number = std::strtod(digits.c_str(), &end);
      if (*end != '\0') return std::nullopt;
      return Value(negative ? -number : number);
    }
    // Python refuses 0755 (but takes 00).
    if (base == 10 && digits.size() > 1 && digits[0] == '0' &&
        digits.find_first_not_of('0') != std::string::npos)
      return std::nullopt;
    std::int64_t number = 0;
    if (negative) digits.insert(digits.begin(), '-');
    const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (done.ec != std::errc() || done.ptr != digits.data() + digits.size()) return std::nullopt;
    return Value(number);
  }

  std::optional<Value> read_string() {
    std::string out;
    bool any = false;
    while (true) {
      skip_space();
      std::size_t quote_at = at_;
      bool raw = false;
      while (quote_at < text_.size() && quote_at < at_ + 2 &&
             ((text_[quote_at] | 0x20) == 'r' || (text_[quote_at] | 0x20) == 'u')) {
        raw = raw || (text_[quote_at] | 0x20) == 'r';
        ++quote_at;
      }
      if (quote_at >= text_.size() || (text_[quote_at] != '\'' && text_[quote_at] != '"')) break;
      at_ = quote_at;
      if (!read_quoted(raw, out)) return std::nullopt;
      any = true;
    }
    if (!any) return std::nullopt;
    return Value(std::move(out));
  }

  bool read_quoted(bool raw, std::string& out) {
    const char quote = text_[at_];
    const bool triple =
        text_.substr(at_).size() >= 3 && text_[at_ + 1] == quote && text_[at_ + 2] == quote;
    const std::size_t width = triple ? 3 : 1;
    at_ += width;
    const std::size_t begin = at_;
    while (at_ < text_.size()) {
      if (text_[at_] == '\\') {
        at_ += 2;
        continue;
      }
      if (!triple && text_[at_] == '\n') return false;
      if (text_.substr(at_, width) == std::string(width, quote)) {
        const std::string_view inner = text_.substr(begin, at_ - begin);
        out += raw ? std::string(inner) : unescape_string(inner, false);
        at_ += width;
        return true;
      }
      ++at_;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<Value> parse_literal(std::string_view text) { return LiteralReader(text).read_all(); }

bool looks_like_literal(std::string_view text) {
  return !text.empty() && (text[0] == '{' || text[0] == '[' || text == "True" || text == "False");
}

bool prints_as_literal(const Value& value) {
  switch (value.kind()) {
    case Kind::real:
      return std::isfinite(value.as_real());
    case Kind::list:
      for (const Value& item : value.as_list()) {
        if (!prints_as_literal(item)) return false;
      }
      return true;
    case Kind::map:
      for (const auto& [key, item] : value.as_map()) {
        if (!prints_as_literal(key) || !prints_as_literal(item)) return false;
      }
      return true;
    case Kind::undefined:
    case Kind::object:
      return false;
    default:
      return true;
  }
}

}  // namespace gpustack::jinja
