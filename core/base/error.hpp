#pragma once
/// @file The one error type: a stable code, a message, where it happened, what to do next.

#include "core/base/source.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack {

enum class ErrorCode : int {
#define GS_ERROR_CODE(name, number, meaning) name = number,
#include "core/base/error_codes.def"
#undef GS_ERROR_CODE
};

/// `GS2104` and so on.
std::string error_id(ErrorCode code);
/// The enumerator's name, for JSON records and documentation.
std::string_view error_name(ErrorCode code);
/// One line on what the code stands for.
std::string_view error_meaning(ErrorCode code);

/// A second place that takes part in an error, with what it has to do with it.
struct RelatedSpan {
  SourceSpan span;
  std::string note;
};

enum class Colour { off, on };

/// An expected failure. Cheap to move; everything beyond the pointer is on the heap, since errors
/// are rare.
class [[nodiscard]] Error {
 public:
  /// @param message lower case, no full stop, quotes what the user wrote, says what was expected
  /// and found
  Error(ErrorCode code, std::string message);
  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  [[nodiscard]] ErrorCode code() const { return body_->code; }
  [[nodiscard]] const std::string& message() const { return body_->message; }
  [[nodiscard]] const SourceSpan& span() const { return body_->span; }
  [[nodiscard]] const std::vector<RelatedSpan>& related() const { return body_->related; }
  [[nodiscard]] const std::string& hint() const { return body_->hint; }
  [[nodiscard]] const std::vector<std::string>& context() const { return body_->context; }

  Error&& at(SourceSpan span) &&;
  /// Like at(), but keeps a position that is already there: the innermost place is the best one.
  Error&& at_if_unknown(SourceSpan span) &&;
  Error&& related(SourceSpan span, std::string note) &&;
  Error&& hint(std::string text) &&;
  /// Adds an outer frame: `while …`.
  Error&& while_doing(std::string frame) &&;

  /// The block shown on a terminal: header, place, source line with caret, related places, hint.
  [[nodiscard]] std::string render(Colour colour = Colour::off) const;
  /// `message (path:line:column)`: for places that have one line only.
  [[nodiscard]] std::string one_line() const;

 private:
  struct Body {
    ErrorCode code;
    std::string message;
    SourceSpan span;
    std::vector<RelatedSpan> related;
    std::string hint;
    std::vector<std::string> context;
  };

  std::unique_ptr<Body> body_;
};

}  // namespace gpustack
