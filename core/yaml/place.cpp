#include "core/yaml/place.hpp"

#include <algorithm>

namespace gpustack::yaml {

namespace {

constexpr std::string_view kBlanks = " \t\n";

std::size_t line_end(std::string_view text, std::size_t from) {
  return std::min(text.find('\n', from), text.size());
}

// Of a piece only: a whole document may be one line, and each of its scalars comes here.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

/// Offset past the closing quote, or npos.
std::size_t quote_end(std::string_view text, std::size_t start) {
  const char quote = text[start];
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
        ++i;
        continue;
      }
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::size_t leading_spaces(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// The first line with text tells: what it has in front in the file, less what the value kept of it.
std::uint16_t block_indent(std::string_view text, std::size_t header, std::string_view value) {
  const std::size_t kept_from = std::min(value.find_first_not_of('\n'), value.size());
  const std::size_t kept = leading_spaces(value.substr(kept_from));
  for (std::size_t start = line_end(text, header) + 1; start < text.size();
       start = line_end(text, start) + 1) {
    const std::string_view line = text.substr(start, line_end(text, start) - start);
    const std::size_t spaces = leading_spaces(line);
    if (spaces == line.size() && kept == 0) continue;
    return static_cast<std::uint16_t>(
        std::min<std::size_t>(spaces > kept ? spaces - kept : 0, 0xFFFF));
  }
  return 0;
}

}  // namespace

SourceSpan Cursor::at(std::size_t offset, std::size_t length) {
  offset = std::min(offset, text_.size());
  if (offset < offset_) {
    const std::size_t breaks =
        static_cast<std::size_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(offset),
                                            text_.begin() + static_cast<std::ptrdiff_t>(offset_),
                                            '\n'));
    line_ -= static_cast<std::uint32_t>(breaks);
    const std::size_t previous_break =
        offset == 0 ? std::string_view::npos : text_.rfind('\n', offset - 1);
    const std::size_t start = previous_break == std::string_view::npos ? 0 : previous_break + 1;
    column_ = static_cast<std::uint32_t>(code_points(text_.substr(start, offset - start)) + 1);
    offset_ = offset;
  }
  const std::string_view passed = text_.substr(offset_, offset - offset_);
  const auto breaks = static_cast<std::uint32_t>(std::count(passed.begin(), passed.end(), '\n'));
  if (breaks == 0) {
    column_ += static_cast<std::uint32_t>(code_points(passed));
  } else {
    line_ += breaks;
    column_ = static_cast<std::uint32_t>(code_points(passed.substr(passed.rfind('\n') + 1)) + 1);
  }
  offset_ = offset;
  return SourceSpan{
      file_, line_, column_, static_cast<std::uint32_t>(std::max<std::size_t>(length, 1))};
}

std::size_t skip_properties(std::string_view text, std::size_t offset) {
  std::size_t at = offset;
  while (at < text.size() && (text[at] == '!' || text[at] == '&')) {
    at = std::min(text.find_first_of(kBlanks, at), text.size());
    while (at < text.size() &&
           (kBlanks.find(text[at]) != std::string_view::npos || text[at] == '#')) {
      at = text[at] == '#' ? line_end(text, at) : at + 1;
    }
  }
  return at;
}

ScalarPlace scalar_place(std::string_view text, std::size_t offset, std::string_view value) {
  ScalarPlace place;
  place.offset = std::min(skip_properties(text, offset), text.size());
  const char first = place.offset < text.size() ? text[place.offset] : '\0';
  if (first == '"' || first == '\'') {
    place.style = first == '"' ? ScalarStyle::double_quoted : ScalarStyle::single_quoted;
    const std::size_t end = quote_end(text, place.offset);
    place.is_closed = end != std::string_view::npos;
    const std::size_t last = place.is_closed ? end : text.size();
    place.length = code_points(first_line(text.substr(place.offset, last - place.offset)));
  } else if (first == '|' || first == '>') {
    place.style = first == '|' ? ScalarStyle::literal : ScalarStyle::folded;
    place.indent = block_indent(text, place.offset, value);
  } else {
    place.length = code_points(first_line(text.substr(place.offset, value.size())));
  }
  return place;
}

bool keeps_line_ends(std::string_view text, std::size_t offset) {
  return offset + 1 < text.size() &&
         text.substr(offset + 1, 2).find('+') != std::string_view::npos && text[offset + 1] != '\n';
}

std::string with_kept_line_ends(std::string_view text,
                                const ScalarPlace& place,
                                std::string_view value) {
  const std::size_t last = value.find_last_not_of('\n');
  if (last == std::string_view::npos) return std::string(value);
  std::size_t line_ends = 0;
  for (std::size_t start = line_end(text, place.offset) + 1; start < text.size();) {
    const std::size_t end = line_end(text, start);
    const std::size_t spaces = leading_spaces(text.substr(start, end - start));
    const bool is_blank = spaces == end - start;
    if (!is_blank && spaces < place.indent) break;
    line_ends = (is_blank ? line_ends : 0) + (end < text.size() ? 1 : 0);
    start = end + 1;
  }
  return std::string(value.substr(0, last + 1)) + std::string(line_ends, '\n');
}

}  // namespace gpustack::yaml
