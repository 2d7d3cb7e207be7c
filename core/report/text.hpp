#pragma once
/// @file Text for terminals: colours, widths, banners, wrapping.

#include "core/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::report {

/// Ansible's colours for what is shown.
enum class Paint : std::uint8_t {
  none,
  ok,
  changed,
  skipped,
  failed,
  unreachable,
  warning,
  debug,
  verbose,
  diff_added,
  diff_removed,
  diff_hunk
};

/// Each line of `text` in the colour; as it is without colours.
std::string painted(Colour colour, Paint paint, std::string_view text);
/// Columns a terminal needs: wide characters count two, combining ones none.
std::size_t display_width(std::string_view text);
/// `text ****` up to `columns`, at least three stars.
std::string banner(std::string_view text, std::size_t columns);
/// Words in lines of at most `columns`; white space collapses, words that are too long are cut.
std::string wrapped(std::string_view text, std::size_t columns);
/// `01:05` or `2:03:04`.
std::string clock_text(std::int64_t seconds);

}  // namespace gpustack::report
