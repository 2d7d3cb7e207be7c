#include "core/jinja/text.hpp"

#include "core/base/escapes.hpp"

#include <algorithm>
#include <clocale>
#include <cwctype>
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

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_ascii(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
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

std::string upper(std::string_view text) {
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
std::string lower(std::string_view text) { return map_points(text, lower_point); }

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
  return map_points(text, [](char32_t point) {
    return is_upper_point(point) ? lower_point(point) : upper_point(point);
  });
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

std::string unescape_string(std::string_view inner, bool literal) {
  std::string out;
  out.reserve(inner.size());
  for (std::size_t at = 0; at < inner.size(); ++at) {
    const char c = inner[at];
    if (c == '\r') {  // line ends inside a literal read as one newline
      out += '\n';
      if (at + 1 < inner.size() && inner[at + 1] == '\n') ++at;
      continue;
    }
    if (c != '\\' || at + 1 >= inner.size()) {
      out += c;
      continue;
    }
    const char next = inner[at + 1];
    if (literal) {
      if (next != '\'' && next != '"') out += c;
      out += next;
      ++at;
      continue;
    }
    const auto hex = [&](std::size_t digits) {
      char32_t point = 0;
      if (at + 2 + digits > inner.size()) return false;
      for (std::size_t i = 0; i < digits; ++i) {
        const int digit = hex_digit(inner[at + 2 + i]);
        if (digit < 0) return false;
        point = point * 16 + static_cast<char32_t>(digit);
      }
      append_code_point(out, point);
      at += 1 + digits;
      return true;
    };
    switch (next) {
      case '\n':
        break;
      case '\\':
      case '\'':
      case '"':
        out += next;
        break;
      case 'a':
        out += '\a';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'v':
        out += '\v';
        break;
      case 'x':
      case 'u':
      case 'U': {
        const std::size_t digits = next == 'x' ? 2 : next == 'u' ? 4 : 8;
        if (hex(digits)) continue;
        out += c;
        out += next;
        break;
      }
      default:
        if (next >= '0' && next <= '7') {
          char32_t point = 0;
          std::size_t used = 0;
          while (used < 3 && at + 1 + used < inner.size() && inner[at + 1 + used] >= '0' &&
                 inner[at + 1 + used] <= '7') {
            point = point * 8 + static_cast<char32_t>(inner[at + 1 + used] - '0');
            ++used;
          }
          append_code_point(out, point);
          at += used;
          continue;
        }
        out += c;
        out += next;
    }
    ++at;
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
