#pragma once
/// @file Source files and positions, so that every message can point at what the user wrote.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack {

/// A text the user wrote, kept for the process's life so that spans stay cheap to copy.
class SourceFile {
 public:
  SourceFile(std::string path, std::string text);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Line `number` (from 1) without its line end; empty when there is no such line.
  [[nodiscard]] std::string_view line(std::uint32_t number) const;

 private:
  std::string path_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

/// Keeps `text` under `path` and returns the one object for that pair.
/// @thread any
const SourceFile* intern_source(std::string path, std::string text);

/// Where something stands: line and column from 1, column and length in code points.
struct SourceSpan {
  const SourceFile* file = nullptr;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t length = 1;

  [[nodiscard]] bool known() const { return file != nullptr && line != 0; }
  /// `path:line:column`, or empty when unknown.
  [[nodiscard]] std::string text() const;
  bool operator==(const SourceSpan&) const = default;
};

/// How a scalar was written; needed to map an offset in its value back to the file.
enum class ScalarStyle : std::uint8_t { plain, single_quoted, double_quoted, literal, folded };

/// Where a string value begins in a file, and how it was written there.
struct Origin {
  SourceSpan span;
  ScalarStyle style = ScalarStyle::plain;
  std::uint16_t indent = 0;  ///< columns before each line of a block scalar

  /// Position of byte `offset` of `value`, as near as the scalar's style allows.
  [[nodiscard]] SourceSpan at(std::string_view value,
                              std::size_t offset,
                              std::size_t length = 1) const;
};

/// Code points in `text`; an ill-formed byte counts as one.
std::size_t code_points(std::string_view text);

}  // namespace gpustack
