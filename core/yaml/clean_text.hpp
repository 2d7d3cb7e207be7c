#pragma once
/// @file What must hold for a text before it may be parsed: clean UTF-8, printable, one kind of
/// line end.

#include "core/base/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::yaml {

/// A text over this size is refused unread.
inline constexpr std::size_t kMaxTextBytes = 64ULL << 20U;

/// A byte of a text that YAML forbids.
struct TextFault {
  ErrorCode code;
  std::string message;
  std::string hint;
  std::size_t offset;  ///< byte in the text given
};

/// Drops a byte order mark and turns CRLF and CR into LF, so that lines count the same everywhere.
std::string with_plain_line_ends(std::string text);

/// The first thing that keeps `text` from being YAML text: UTF-16, NUL, ill-formed UTF-8, control
/// characters, size.
/// @source YAML 1.1, section 5.1 (printable characters)
std::optional<TextFault> find_text_fault(std::string_view text);

}  // namespace gpustack::yaml
