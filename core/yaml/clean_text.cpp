#include "core/yaml/clean_text.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace gpustack::yaml {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Decoded {
  std::uint32_t code_point = 0;
  std::size_t bytes = 0;  ///< 0 = ill-formed
};

// Refuses overlong forms, surrogates and everything beyond U+10FFFF, as the Unicode standard asks.
Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(at);
  if (first < 0x80) return {first, 1};
  std::size_t bytes = 0;
  std::uint32_t lowest = 0;
  std::uint32_t code = 0;
  if ((first & 0xE0U) == 0xC0U) {
    bytes = 2, lowest = 0x80, code = first & 0x1FU;
  } else if ((first & 0xF0U) == 0xE0U) {
    bytes = 3, lowest = 0x800, code = first & 0x0FU;
  } else if ((first & 0xF8U) == 0xF0U) {
    bytes = 4, lowest = 0x10000, code = first & 0x07U;
  } else {
    return {};
  }
  if (at + bytes > text.size()) return {};
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return {};
    code = (code << 6U) | (byte(at + i) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < lowest || surrogate || code > 0x10FFFF) return {};
  return {code, bytes};
}

bool printable(std::uint32_t code) {
  if (code == '\t' || code == '\n' || code == '\r' || code == 0x85) return true;
  if (code < 0x20 || code == 0x7F || (code >= 0x80 && code < 0xA0)) return false;
  return code != 0xFFFE && code != 0xFFFF;
}

std::string hexadecimal(const char* format, std::uint32_t number) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, number);
  return buffer.data();
}

bool looks_like_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  return text.size() >= 4 && (text[0] == '\0') != (text[1] == '\0') &&
         (text[0] == '\0') == (text[2] == '\0') && (text[1] == '\0') == (text[3] == '\0');
}

}  // namespace

std::string with_plain_line_ends(std::string text) {
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (text.find('\r') == std::string::npos) return text;
  std::size_t out = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    text[out++] = text[i] == '\r' ? '\n' : text[i];
  }
  text.resize(out);
  return text;
}

std::optional<TextFault> find_text_fault(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return TextFault{ErrorCode::yaml_limit,
                     "the text has " + std::to_string(text.size() >> 20U) +
                         " MiB, more than the limit of " + std::to_string(kMaxTextBytes >> 20U) +
                         " MiB",
                     "",
                     0};
  }
  if (looks_like_utf16(text)) {
    return TextFault{
        ErrorCode::yaml_encoding, "expected UTF-8 text, found UTF-16", "save the file as UTF-8", 0};
  }
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first >= 0x20 && first < 0x7F) {
      ++i;
      continue;
    }
    const Decoded one = decode(text, i);
    if (one.bytes == 0) {
      return TextFault{ErrorCode::yaml_encoding,
                       "expected UTF-8 text, found the byte " + hexadecimal("0x%02x", first),
                       "save the file as UTF-8",
                       i};
    }
    if (one.code_point == 0) {
      return TextFault{
          ErrorCode::yaml_encoding, "expected text, found a NUL byte", "is this a binary file?", i};
    }
    if (!printable(one.code_point)) {
      return TextFault{ErrorCode::yaml_encoding,
                       "the control character " + hexadecimal("U+%04X", one.code_point) +
                           " is not allowed in YAML",
                       "write it as an escape in a double-quoted string",
                       i};
    }
    i += one.bytes;
  }
  return std::nullopt;
}

}  // namespace gpustack::yaml
