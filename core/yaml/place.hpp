#pragma once
/// @file From the parser's byte offsets to what stands there in the text: line, column, style,
/// extent.

#include "core/base/source.hpp"

#include <string>
#include <string_view>

namespace gpustack::yaml {

/// Turns byte offsets into lines and columns; cheap when offsets grow, as a parser's do.
class Cursor {
 public:
  /// `file` may be null: then spans have line and column only.
  Cursor(std::string_view text, const SourceFile* file) : text_(text), file_(file) {}

  SourceSpan at(std::size_t offset, std::size_t length = 1);

 private:
  std::string_view text_;
  const SourceFile* file_;
  std::size_t offset_ = 0;
  std::uint32_t line_ = 1;
  std::uint32_t column_ = 1;
};

/// Offset of the node itself: past the tags and anchors written before it.
std::size_t skip_properties(std::string_view text, std::size_t offset);

/// How a scalar stands in the text.
struct ScalarPlace {
  ScalarStyle style = ScalarStyle::plain;
  std::size_t offset = 0;
  std::size_t length = 1;    ///< code points on its first line, quotes included
  std::uint16_t indent = 0;  ///< of a block scalar's lines
  bool is_closed = true;     ///< false for a quote without its partner
};

ScalarPlace scalar_place(std::string_view text, std::size_t offset, std::string_view value);

/// Whether the block scalar at `offset` keeps its last line ends (`|+`, `>+`).
bool keeps_line_ends(std::string_view text, std::size_t offset);
/// yaml-cpp 0.7 drops the empty lines at the end of `>+`; this puts them back.
std::string with_kept_line_ends(std::string_view text,
                                const ScalarPlace& place,
                                std::string_view value);

}  // namespace gpustack::yaml
