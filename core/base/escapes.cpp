#include "core/base/escapes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace gpustack {

namespace {

constexpr std::string_view kLetters = "\\'\"abfnrtv";
constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";

unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

/// How many of the first `most` characters are digits of `base`, and the number they make.
struct Number {
  std::size_t digits = 0;
  std::uint32_t value = 0;
};

Number read_number(std::string_view text, std::size_t most, unsigned base) {
  Number number;
  while (number.digits < most && number.digits < text.size()) {
    const unsigned digit = digit_value(text[number.digits]);
    if (digit >= base) break;
    number.value = number.value * base + digit;
    ++number.digits;
  }
  return number;
}

/// What stands behind a backslash: the code it means and its length; nothing when it means nothing.
struct Escape {
  char32_t code = 0;
  std::size_t length = 0;
};

std::optional<Escape> hexadecimal(std::string_view behind, std::size_t digits) {
  const Number number = read_number(behind.substr(1), digits, 16);
  if (number.digits < digits) return std::nullopt;
  return Escape{number.value, 1 + digits};
}

std::optional<Escape> letter(std::string_view behind) {
  const std::size_t known = kLetters.find(behind.front());
  if (known == std::string_view::npos) return std::nullopt;
  return Escape{static_cast<unsigned char>(kMeanings[known]), 1};
}

std::optional<Escape> text_escape(std::string_view behind) {
  if (const auto simple = letter(behind)) return simple;
  const char kind = behind.front();
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0) return std::nullopt;
  const auto escape = hexadecimal(behind, digits);
  return escape && escape->code <= 0x10FFFF ? escape : std::nullopt;
}

std::optional<Escape> byte_escape(std::string_view behind) {
  if (const auto simple = letter(behind)) return simple;
  if (behind.front() == 'x') return hexadecimal(behind, 2);
  const Number octal = read_number(behind, 3, 8);
  if (octal.digits == 0) return std::nullopt;
  return Escape{octal.value & 0xFFU, octal.digits};
}

template <typename Find, typename Put>
std::string decode(std::string_view text, Find find, Put put) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view behind = text.substr(at + 1);
    const auto escape =
        text[at] == '\\' && !behind.empty() ? find(behind) : std::optional<Escape>();
    if (!escape) {
      out += text[at];
      continue;
    }
    put(out, escape->code);
    at += escape->length;
  }
  return out;
}

}  // namespace

void append_code_point(std::string& out, char32_t point) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte & 0xFFU); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0U | (point >> 6U));
    put(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0U | (point >> 12U));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  } else {
    put(0xF0U | (point >> 18U));
    put(0x80U | ((point >> 12U) & 0x3FU));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  }
}

std::string decode_escapes(std::string_view text) {
  return decode(text, text_escape, append_code_point);
}

std::string decode_byte_escapes(std::string_view text) {
  return decode(
      text, byte_escape, [](std::string& out, char32_t code) { out += static_cast<char>(code); });
}

}  // namespace gpustack
