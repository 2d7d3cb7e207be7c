#pragma once
/// @file What a template writes: text, or a single value that keeps its type.

#include "core/base/value.hpp"
#include "core/jinja/text_buffer.hpp"

namespace gpustack::jinja {

/// Is the text the end (template module, files), is it read as a literal when it looks like a list
/// or dict (YAML values), or when it is any literal at all (jinja2_native)?
enum class Mode : std::uint8_t { text, convert, native };

/// Collects what a body writes. A single value keeps its type until a second one arrives, unless
/// text is wanted.
class Output {
 public:
  Output(std::size_t limit, Mode mode) : limit_(limit), mode_(mode) {}
  Result<void> value(const Value& piece);
  /// The result as text, or read as a literal (Mode::convert).
  Result<Value> finish(std::size_t trailing_newlines = 0, std::string_view newline = "\n");

  /// Is whatever comes next added to a text, so that write() may be used?
  [[nodiscard]] bool is_text() const { return mode_ == Mode::text || count_ > 1; }
  /// Adds a value that is neither container nor object. @return false beyond the limit
  [[nodiscard]] bool write(const Value& piece) {
    marks_ = marks_ | piece.marks();
    if (piece.is_string()) {
      text_.append(piece.as_string());
    } else if (piece.is_integer()) {
      text_.append(piece.as_integer());
    } else {
      write_rare(piece);
    }
    return !is_too_large();
  }
  /// @return false beyond the limit
  [[nodiscard]] bool write(std::int64_t number) {
    text_.append(number);
    return !is_too_large();
  }
  /// @return false beyond the limit
  [[nodiscard]] bool write(const PiecedText& text) {
    text_.append(text);
    return !is_too_large();
  }
  /// Where a filter writes, with the marks of what it reads. Requires is_text().
  TextBuffer& text(Mark marks) {
    marks_ = marks_ | marks;
    return text_;
  }
  [[nodiscard]] bool is_too_large() const { return text_.size() > limit_; }
  [[nodiscard]] Error too_large() const;

 private:
  void write_rare(const Value& piece);
  Result<void> flush(const Value& piece);
  /// The result of jinja2_native. @param trailing  line ends that a text keeps
  Value finish_native(std::size_t trailing, std::string_view newline);
  /// The text with as many line ends as its template had.
  Value ended_text(std::size_t trailing_newlines, std::string_view newline);
  /// Is the single value the result as it is, and not what its text reads as?
  [[nodiscard]] bool keeps_type(Mode mode, std::size_t trailing_newlines) const;

  TextBuffer text_;
  Value single_;
  std::size_t count_ = 0;
  Mark marks_ = Mark::none;
  std::size_t limit_;
  Mode mode_;
};

}  // namespace gpustack::jinja
