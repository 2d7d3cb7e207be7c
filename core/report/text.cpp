#include "core/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::report {

namespace {

/// @source Ansible 2.14, constants.py: COLOR_CODES and the colour settings' defaults
std::string_view code_of(Paint paint) {
  switch (paint) {
    case Paint::none:
      return {};
    case Paint::ok:
    case Paint::diff_added:
      return "0;32";
    case Paint::changed:
      return "0;33";
    case Paint::skipped:
    case Paint::diff_hunk:
      return "0;36";
    case Paint::failed:
    case Paint::diff_removed:
      return "0;31";
    case Paint::unreachable:
      return "1;31";
    case Paint::warning:
      return "1;35";
    case Paint::debug:
      return "1;30";
    case Paint::verbose:
      return "0;34";
  }
  return {};
}

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

CodePoint decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  const std::size_t bytes = first < 0x80    ? 1
                            : first >= 0xF0 ? 4
                            : first >= 0xE0 ? 3
                            : first >= 0xC0 ? 2
                                            : 1;
  if (bytes == 1 || at + bytes > text.size()) return {first, 1};
  char32_t value = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) value = (value << 6U) | (byte(at + i) & 0x3FU);
  return {value, bytes};
}

std::size_t width_of(char32_t point) {
  const auto within = [&](char32_t low, char32_t high) { return point >= low && point <= high; };
  if (point < 0x20 || within(0x7F, 0x9F)) return 0;
  if (within(0x300, 0x36F) || within(0x200B, 0x200F) || within(0xFE00, 0xFE0F) ||
      within(0x20D0, 0x20FF))
    return 0;
  const bool wide = within(0x1100, 0x115F) || within(0x2E80, 0x303E) || within(0x3041, 0xA4CF) ||
                    within(0xAC00, 0xD7A3) || within(0xF900, 0xFAFF) || within(0xFE30, 0xFE6F) ||
                    within(0xFF00, 0xFF60) || within(0xFFE0, 0xFFE6) || within(0x1F300, 0x1F64F) ||
                    within(0x1F900, 0x1F9FF) || within(0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string painted(Colour colour, Paint paint, std::string_view text) {
  if (colour == Colour::off || paint == Paint::none) return std::string(text);
  std::string out;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = text.find('\n', start);
    out.append("\x1b[")
        .append(code_of(paint))
        .append("m")
        .append(text.substr(start, end == std::string_view::npos ? end : end - start))
        .append("\x1b[0m");
    if (end == std::string_view::npos) return out;
    out += '\n';
    start = end + 1;
  }
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = decode(text, i);
    width += width_of(point.value);
    i += point.bytes;
  }
  return width;
}

std::string banner(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  const std::size_t stars = columns > width + 3 ? columns - width : 3;
  return std::string(text) + " " + std::string(stars, '*');
}

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string out;
  std::string line;
  std::size_t i = 0;
  const auto flush = [&] {
    if (line.empty()) return;
    if (!out.empty()) out += '\n';
    out += line;
    line.clear();
  };
  while (i < text.size()) {
    const std::size_t start = text.find_first_not_of(" \t\r\n", i);
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", start), text.size());
    std::string_view word = text.substr(start, end - start);
    i = end;
    if (!line.empty() && line.size() + 1 + word.size() > columns) flush();
    while (word.size() > columns) {
      flush();
      line = word.substr(0, columns);
      word.remove_prefix(columns);
    }
    if (word.empty()) continue;
    if (!line.empty() && line.size() + 1 + word.size() > columns) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return out;
}

std::string clock_text(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 3600;
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < kHour) return fmt::format("{:02}:{:02}", seconds / kMinute, seconds % kMinute);
  return fmt::format(
      "{}:{:02}:{:02}", seconds / kHour, seconds % kHour / kMinute, seconds % kMinute);
}

}  // namespace gpustack::report
