#include "core/jinja/text.hpp"

#include "core/base/escapes.hpp"

#include <algorithm>
#include <clocale>
#include <cstdint>
#include <cstring>
#include <cwctype>
#include <optional>
#include <utility>

namespace gpustack::jinja {

namespace {

// The C library's tables in a fixed UTF-8 locale, so that the user's locale changes nothing.
locale_t utf8_locale() {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return kLocale;
}

template <typename Change>
std::string map_points(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();)
    append_code_point(out, change(read_code_point(text, at)));
  return out;
}

template <typename Change>
std::string map_ascii(std::string_view text, Change change) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t at = 0;
  for (; at + sizeof(kHighBits) <= text.size(); at += sizeof(kHighBits)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    if ((word & kHighBits) != 0) return false;
  }
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
}

char32_t read_code_point(std::string_view text, std::size_t& position) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(position++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  if (more == 0 || position + static_cast<std::size_t>(more) > text.size()) return 0xDC00U + first;
  char32_t point = first & (0x3FU >> static_cast<unsigned>(more));
  for (int i = 0; i < more; ++i) {
    if ((byte(position + static_cast<std::size_t>(i)) & 0xC0U) != 0x80U) return 0xDC00U + first;
    point = (point << 6U) | (byte(position + static_cast<std::size_t>(i)) & 0x3FU);
  }
  position += static_cast<std::size_t>(more);
  return point;
}

void append_code_point(std::string& out, char32_t point) {
  if (point >= 0xDC80 && point <= 0xDCFF) {
    out += static_cast<char>(point - 0xDC00);  // a byte that was ill-formed when it was read
  } else {
    gpustack::append_code_point(out, point);
  }
}

std::size_t code_point_offset(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) read_code_point(text, at);
  return at;
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    read_code_point(text, at);
    out.emplace_back(text.substr(begin, at - begin));
  }
  return out;
}

std::string pick_code_points(std::string_view text,
                             std::int64_t start,
                             std::int64_t step,
                             std::int64_t count) {
  if (count <= 0) return {};
  if (is_ascii(text)) {
    if (step == 1)
      return std::string(
          text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(count)));
    std::string out;
    for (std::int64_t i = 0; i < count; ++i)
      out += text[static_cast<std::size_t>(start + i * step)];
    return out;
  }
  const std::vector<std::string> points = characters(text);
  std::string out;
  for (std::int64_t i = 0; i < count; ++i)
    out += points[static_cast<std::size_t>(start + i * step)];
  return out;
}

bool is_space_point(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}
bool is_alpha_point(char32_t c) {
  return iswalpha_l(static_cast<wint_t>(c), utf8_locale()) != 0 && !is_digit_point(c);
}
bool is_digit_point(char32_t c) { return c >= '0' && c <= '9'; }
bool is_upper_point(char32_t c) { return iswupper_l(static_cast<wint_t>(c), utf8_locale()) != 0; }
bool is_lower_point(char32_t c) { return iswlower_l(static_cast<wint_t>(c), utf8_locale()) != 0; }
char32_t upper_point(char32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return static_cast<char32_t>(towupper_l(static_cast<wint_t>(c), utf8_locale()));
}
char32_t lower_point(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), utf8_locale()));
}

bool is_lower_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80 && (c < 'A' || c > 'Z');
  });
}

std::string upper(std::string_view text) {
  if (is_ascii(text)) return map_ascii(text, upper_point);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = read_code_point(text, at);
    if (point == 0xDF) {
      out += "SS";
    } else {
      append_code_point(out, upper_point(point));
    }
  }
  return out;
}
std::string lower(std::string_view text) {
  return is_ascii(text) ? map_ascii(text, lower_point) : map_points(text, lower_point);
}

std::string capitalize(std::string_view text) {
  bool first = true;
  return map_points(text, [&](char32_t point) {
    const bool was_first = std::exchange(first, false);
    return was_first ? upper_point(point) : lower_point(point);
  });
}

std::string title(std::string_view text) {
  bool in_word = false;
  return map_points(text, [&](char32_t point) {
    const bool letter = is_upper_point(point) || is_lower_point(point) || is_alpha_point(point);
    const char32_t out = !letter ? point : in_word ? lower_point(point) : upper_point(point);
    in_word = letter;
    return out;
  });
}

std::string swap_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t point = read_code_point(text, at);
    const std::string_view piece = text.substr(begin, at - begin);
    out += is_upper_point(point) ? lower(piece) : upper(piece);
  }
  return out;
}

std::string_view strip(std::string_view text, std::string_view chars, Side side) {
  const auto stripped = [&](std::string_view piece) {
    std::size_t at = 0;
    return chars.empty() ? is_space_point(read_code_point(piece, at))
                         : chars.find(piece) != std::string_view::npos;
  };
  if (side != Side::right) {
    while (!text.empty()) {
      std::size_t at = 0;
      read_code_point(text, at);
      if (!stripped(text.substr(0, at))) break;
      text.remove_prefix(at);
    }
  }
  if (side != Side::left) {
    while (!text.empty()) {
      std::size_t begin = text.size() - 1;
      while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) --begin;
      if (!stripped(text.substr(begin))) break;
      text.remove_suffix(text.size() - begin);
    }
  }
  return text;
}

std::vector<std::string> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at;
    const char32_t c = read_code_point(text, at);
    const bool breaks = c == '\n' || c == '\r' || c == '\v' || c == '\f' ||
                        (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!breaks) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    out.emplace_back(text.substr(begin, (keep_ends ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) out.emplace_back(text.substr(begin));
  return out;
}

std::string replace_all(std::string_view text,
                        std::string_view from,
                        std::string_view to,
                        std::int64_t count) {
  std::string out;
  if (from.empty()) {
    // Python puts `to` before every character and at the end.
    std::size_t at = 0;
    while (count != 0) {
      out += to;
      if (count > 0) --count;
      if (at >= text.size()) return out;
      const std::size_t begin = at;
      read_code_point(text, at);
      out += text.substr(begin, at - begin);
    }
    out += text.substr(at);
    return out;
  }
  std::size_t begin = 0;
  while (count != 0) {
    const std::size_t found = text.find(from, begin);
    if (found == std::string_view::npos) break;
    out += text.substr(begin, found - begin);
    out += to;
    begin = found + from.size();
    if (count > 0) --count;
  }
  out += text.substr(begin);
  return out;
}

namespace {

/// The number that so many hexadecimal digits make; nothing when one is missing.
std::optional<char32_t> hex_number(std::string_view text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  char32_t number = 0;
  for (const char c : text.substr(0, digits)) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    number = number * 16 + static_cast<char32_t>(digit);
  }
  return number;
}

/// Up to three octal digits. @return how many there are
std::size_t append_octal(std::string& out, std::string_view text) {
  char32_t point = 0;
  std::size_t digits = 0;
  while (digits < 3 && digits < text.size() && text[digits] >= '0' && text[digits] <= '7')
    point = point * 8 + static_cast<char32_t>(text[digits++] - '0');
  append_code_point(out, point);
  return digits;
}

/// Appends what the text behind a backslash stands for. @return how much of it
std::size_t append_escape(std::string& out, std::string_view behind) {
  constexpr std::string_view kLetters = "\\'\"abfnrtv";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const char kind = behind.front();
  if (kind == '\n') return 1;
  if (kind >= '0' && kind <= '7') return append_octal(out, behind);
  if (const std::size_t known = kLetters.find(kind); known != std::string_view::npos) {
    out += kMeanings[known];
    return 1;
  }
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (const auto point = hex_number(behind.substr(1), digits); point && digits > 0) {
    append_code_point(out, *point);
    return 1 + digits;
  }
  out += '\\';
  out += kind;
  return 1;
}

}  // namespace

std::string unescape_string(std::string_view inner, bool literal) {
  std::string out;
  out.reserve(inner.size());
  for (std::size_t at = 0; at < inner.size(); ++at) {
    const char c = inner[at];
    const std::string_view behind = inner.substr(at + 1);
    if (c == '\r') {  // line ends inside a literal read as one newline
      out += '\n';
      at += behind.starts_with('\n') ? 1 : 0;
    } else if (c != '\\' || behind.empty()) {
      out += c;
    } else if (literal) {
      if (behind.front() != '\'' && behind.front() != '"') out += c;
      out += behind.front();
      ++at;
    } else {
      at += append_escape(out, behind);
    }
  }
  return out;
}

std::string normalise_newlines(std::string_view text, std::string_view newline) {
  if (newline == "\n" && text.find('\r') == std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\r') {
      if (at + 1 < text.size() && text[at + 1] == '\n') ++at;
      out += newline;
    } else if (text[at] == '\n') {
      out += newline;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace gpustack::jinja
