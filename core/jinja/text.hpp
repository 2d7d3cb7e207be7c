#pragma once
/// @file Text as Python sees it: code points, white space, letter case, escapes.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

bool is_ascii(std::string_view text);
/// ASCII without capital letters: what lower() would not change.
bool is_lower_ascii(std::string_view text);
/// Reads the code point at `position` and moves behind it; an ill-formed byte reads as itself.
char32_t read_code_point(std::string_view text, std::size_t& position);
void append_code_point(std::string& out, char32_t point);
/// Byte offset of code point number `index` (text.size() beyond the end).
std::size_t code_point_offset(std::string_view text, std::size_t index);
/// Each code point as a text of its own.
std::vector<std::string> characters(std::string_view text);
/// Code points `start`, `start + step`, … as Python's slice does, `count` of them.
std::string pick_code_points(std::string_view text,
                             std::int64_t start,
                             std::int64_t step,
                             std::int64_t count);

bool is_space_point(char32_t point);
bool is_alpha_point(char32_t point);
bool is_digit_point(char32_t point);
bool is_upper_point(char32_t point);
bool is_lower_point(char32_t point);
char32_t upper_point(char32_t point);
char32_t lower_point(char32_t point);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);
std::string swap_case(std::string_view text);

enum class Side : std::uint8_t { left, right, both };
/// Python's strip(); empty `chars` means white space.
std::string_view strip(std::string_view text, std::string_view chars = {}, Side side = Side::both);
std::vector<std::string> split_lines(std::string_view text, bool keep_ends = false);
std::string replace_all(std::string_view text,
                        std::string_view from,
                        std::string_view to,
                        std::int64_t count = -1);

/// The value of a string literal between its quotes.
/// @param literal  Ansible's rule for `{{ }}` in playbooks: backslashes stay as they are
std::string unescape_string(std::string_view inner, bool literal);
std::string normalise_newlines(std::string_view text, std::string_view newline);

}  // namespace gpustack::jinja
