#pragma once
/// @file Backslash escapes as Python reads them, and UTF-8.

#include <string>
#include <string_view>

namespace gpustack {

/// Appends `point` as UTF-8.
void append_code_point(std::string& out, char32_t point);

/// The escapes of `key=value` words: \n and its kind, \x41, \u00e4, \U0001f600. Anything else stays
/// as it is, octal numbers included, and so does a number that is no code point.
/// @source ansible-core 2.14, parsing/splitter.py
std::string decode_escapes(std::string_view text);

/// The escapes of a bytes literal: \n and its kind, \x41, octal numbers; each stands for one byte.
/// @source Python's codecs.escape_decode
std::string decode_byte_escapes(std::string_view text);

}  // namespace gpustack
