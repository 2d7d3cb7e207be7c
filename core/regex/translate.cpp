#include "core/regex/regex.hpp"

#include <optional>

namespace gpustack::regex {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string code_point(std::string_view hex) { return "\\x{" + std::string(hex) + "}"; }

std::string code_point(unsigned value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return std::string("\\x{") + kDigits[(value >> 4U) & 15U] + kDigits[value & 15U] + "}";
}

/// Walks a Python pattern once and writes PCRE2's spelling of it.
class Translator {
 public:
  Translator(std::string_view pattern, Flag flags) : pattern_(pattern), flags_(flags) {
    verbose_.push_back(has(flags, Flag::verbose));
  }

  Result<std::string> run() {
    while (at_ < pattern_.size()) GS_TRY_VOID(step());
    if (verbose_.size() > 1) return fault("missing ), unterminated group", pattern_.size());
    return std::move(out_);
  }

  [[nodiscard]] Flag flags() const { return flags_; }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  [[nodiscard]] Error fault(std::string_view what, std::size_t where) const {
    return Error(ErrorCode::regex,
                 "regular expression '" + std::string(pattern_) + "': " + std::string(what) +
                     " at position " + std::to_string(where));
  }

  Result<void> step() {
    const char c = pattern_[at_];
    if (c == '\\') return escape_outside();
    if (c == '[') return character_class();
    if (c == '(') return group();
    if (c == '{') return braces();
    if (c == ')') {
      if (verbose_.size() == 1) return fault("unbalanced parenthesis", at_);
      verbose_.pop_back();
    }
    if (c == '#' && verbose_.back()) {
      // A comment runs to the end of its line; its characters mean nothing, so it is dropped.
      while (at_ < pattern_.size() && pattern_[at_] != '\n') ++at_;
      return {};
    }
    if (verbose_.back() &&
        (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v')) {
      ++at_;
      return {};
    }
    out_ += c;
    ++at_;
    return {};
  }

  /// `{,n}` counts from zero in Python and is plain text in PCRE2 10.42.
  Result<void> braces() {
    std::size_t i = at_ + 1;
    while (i < pattern_.size() && is_digit(pattern_[i])) ++i;
    const std::string low(pattern_.substr(at_ + 1, i - at_ - 1));
    std::string high = low;
    const bool comma = i < pattern_.size() && pattern_[i] == ',';
    if (comma) {
      const std::size_t start = ++i;
      while (i < pattern_.size() && is_digit(pattern_[i])) ++i;
      high = pattern_.substr(start, i - start);
    }
    if (i >= pattern_.size() || pattern_[i] != '}' || (low.empty() && !comma)) {
      out_ += "\\{";
      ++at_;
      return {};
    }
    out_ += "{" + (low.empty() ? "0" : low) + (comma ? "," + high : "") + "}";
    at_ = i + 1;
    return {};
  }

  Result<void> group() {
    const std::size_t start = at_;
    if (peek(1) == '*') return fault("nothing to repeat", at_ + 1);
    if (peek(1) != '?') {
      ++at_;
      out_ += '(';
      verbose_.push_back(verbose_.back());
      return {};
    }
    const char kind = peek(2);
    const std::size_t lookbehind = kind == '<' ? 1 : 0;
    if (kind == ':' || kind == '=' || kind == '!' || kind == '>' || kind == '(' ||
        (lookbehind != 0 && (peek(3) == '=' || peek(3) == '!'))) {
      const std::size_t length = kind == '(' ? 2 : 3 + lookbehind;
      out_ += pattern_.substr(at_, length);
      at_ += length;
      verbose_.push_back(verbose_.back());
      if (kind == '(') return condition(start);
      return {};
    }
    if (kind == '#') {
      const std::size_t close = pattern_.find(')', at_);
      if (close == std::string_view::npos) return fault("missing ), unterminated comment", start);
      at_ = close + 1;
      return {};
    }
    if (kind == 'P') return named(start);
    return inline_flags(start);
  }

  Result<void> condition(std::size_t start) {
    const std::size_t close = pattern_.find(')', at_);
    if (close == std::string_view::npos) return fault("missing ), unterminated name", start);
    const std::string_view name = pattern_.substr(at_ + 1, close - at_ - 1);
    if (name.empty()) return fault("missing group name", at_ + 1);
    bool number = true;
    for (const char c : name) number = number && is_digit(c);
    out_ += number ? "(" + std::string(name) + ")" : "(<" + std::string(name) + ">)";
    at_ = close + 1;
    return {};
  }

  Result<void> named(std::size_t start) {
    const char kind = peek(3);
    if (kind != '<' && kind != '=')
      return fault("unknown extension ?P" + std::string(1, kind), start + 1);
    const std::size_t close = pattern_.find(kind == '<' ? '>' : ')', at_ + 4);
    if (close == std::string_view::npos) return fault("unterminated group name", at_ + 4);
    out_ += pattern_.substr(at_, close - at_ + 1);
    at_ = close + 1;
    if (kind == '<') verbose_.push_back(verbose_.back());
    return {};
  }

  /// The flag of a letter in `(?…)`; `u` is the default.
  static std::optional<Flag> flag_of(char letter) {
    switch (letter) {
      case 'i':
        return Flag::ignore_case;
      case 'm':
        return Flag::multiline;
      case 's':
        return Flag::dot_all;
      case 'x':
        return Flag::verbose;
      case 'a':
        return Flag::ascii;
      case 'u':
        return Flag::none;
      default:
        return std::nullopt;
    }
  }

  /// `(?i)` at the very start sets flags for the whole pattern; `(?i-s:…)` for a part.
  Result<void> inline_flags(std::size_t start) {
    std::size_t i = at_ + 2;
    bool on = true;
    bool verbose = verbose_.back();
    std::string kept;
    Flag flags = Flag::none;
    for (; i < pattern_.size() && pattern_[i] != ')' && pattern_[i] != ':'; ++i) {
      const char c = pattern_[i];
      const auto flag = flag_of(c);
      if (c == '-' && on) {
        on = false;
        kept += c;
        continue;
      }
      if (!flag) return fault(std::string("unknown extension ?") + c, start + 1);
      flags = flags | *flag;
      if (*flag == Flag::verbose) verbose = on;
      if (c == 'i' || c == 'm' || c == 's') kept += c;
    }
    if (i >= pattern_.size()) return fault("missing ), unterminated group", start);
    if (pattern_[i] == ')') {
      if (!on) return fault("missing :", i);
      if (start != 0) return fault("global flags not at the start of the expression", start);
      flags_ = flags_ | flags;
      verbose_.back() = verbose_.back() || has(flags, Flag::verbose);
    } else {
      if (has(flags, Flag::ascii))
        return fault("the flag 'a' for a part of the expression is not supported", start);
      // Verbose text is already rewritten here, so PCRE2 need not know of `x`.
      if (kept == "-") kept.clear();
      out_ += "(?" + kept + ":";
      verbose_.push_back(verbose);
    }
    at_ = i + 1;
    return {};
  }

  Result<void> hex_escape(std::size_t digits) {
    std::size_t i = at_ + 2;
    while (i < pattern_.size() && i < at_ + 2 + digits && is_hex(pattern_[i])) ++i;
    if (i != at_ + 2 + digits) {
      return fault("incomplete escape " + std::string(pattern_.substr(at_, i - at_)), at_);
    }
    out_ += code_point(pattern_.substr(at_ + 2, digits));
    at_ = i;
    return {};
  }

  /// Escapes that mean the same inside and outside a class. @return false when `c` is none of them
  Result<bool> common_escape(char c) {
    switch (c) {
      case 'x':
        GS_TRY_VOID(hex_escape(2));
        return true;
      case 'u':
        GS_TRY_VOID(hex_escape(4));
        return true;
      case 'U':
        GS_TRY_VOID(hex_escape(8));
        return true;
      case 'v':
        out_ += "\\x0b";
        break;
      case 'a':
      case 'f':
      case 'n':
      case 'r':
      case 't':
      case 'd':
      case 'D':
      case 's':
      case 'S':
      case 'w':
      case 'W':
        out_ += '\\';
        out_ += c;
        break;
      default:
        if (is_letter(c)) return false;
        if (is_digit(c)) return false;
        out_ += '\\';
        if (c == '\n' || c == ' ' || c == '\t' || static_cast<unsigned char>(c) >= 0x80)
          out_.pop_back();
        out_ += c;
    }
    at_ += 2;
    return true;
  }

  Result<void> octal(std::size_t most) {
    unsigned value = 0;
    std::size_t i = at_ + 1;
    for (; i < pattern_.size() && i < at_ + 1 + most && is_octal(pattern_[i]); ++i) {
      value = value * 8 + static_cast<unsigned>(pattern_[i] - '0');
    }
    if (value > 0377) return fault("octal escape value outside of range 0-0o377", at_);
    out_ += code_point(value);
    at_ = i;
    return {};
  }

  Result<void> escape_outside() {
    if (at_ + 1 >= pattern_.size()) return fault("bad escape (end of pattern)", at_);
    const char c = pattern_[at_ + 1];
    if (c == 'A' || c == 'b' || c == 'B') {
      out_ += pattern_.substr(at_, 2);
      at_ += 2;
      return {};
    }
    if (c == 'Z') {
      out_ += "\\z";
      at_ += 2;
      return {};
    }
    if (c == '0') return octal(3);
    if (is_digit(c)) {
      if (is_octal(c) && is_octal(peek(2)) && is_octal(peek(3))) return octal(3);
      const std::size_t digits = is_digit(peek(2)) ? 2 : 1;
      out_ += "\\g{" + std::string(pattern_.substr(at_ + 1, digits)) + "}";
      at_ += 1 + digits;
      return {};
    }
    GS_TRY(const bool known, common_escape(c));
    if (!known) return fault(std::string("bad escape \\") + c, at_);
    return {};
  }

  Result<void> character_class() {
    const std::size_t start = at_++;
    out_ += '[';
    if (peek() == '^') {
      out_ += '^';
      ++at_;
    }
    bool first = true;
    while (true) {
      if (at_ >= pattern_.size()) return fault("unterminated character set", start);
      const char c = pattern_[at_];
      if (c == ']' && !first) break;
      first = false;
      if (c == '\\') {
        GS_TRY_VOID(escape_inside());
      } else {
        // `[` would open a POSIX class in PCRE2; Python has none.
        if (c == '[' || c == ']') out_ += '\\';
        out_ += c;
        ++at_;
      }
    }
    out_ += ']';
    ++at_;
    return {};
  }

  Result<void> escape_inside() {
    if (at_ + 1 >= pattern_.size()) return fault("bad escape (end of pattern)", at_);
    const char c = pattern_[at_ + 1];
    if (c == 'b') {
      out_ += "\\x08";
      at_ += 2;
      return {};
    }
    if (is_octal(c)) return octal(3);
    GS_TRY(const bool known, common_escape(c));
    if (!known) return fault(std::string("bad escape \\") + c, at_);
    return {};
  }

  std::string_view pattern_;
  Flag flags_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<bool> verbose_;  ///< one entry per open group: is whitespace ignored here?
};

}  // namespace

Result<std::string> translate(std::string_view pattern, Flag& flags) {
  Translator translator(pattern, flags);
  GS_TRY(std::string text, translator.run());
  flags = translator.flags();
  return text;
}

std::string escape(std::string_view text) {
  constexpr std::string_view kSpecial = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace gpustack::regex
