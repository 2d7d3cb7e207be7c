#pragma once
/// @file Python's format specifiers, shared by `%`, str.format and format().

#include "core/base/value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::jinja {

/// Widths and precisions beyond this are cut, so that a template cannot ask for gigabytes.
inline constexpr std::size_t kMaxWidth = 1'000'000;

inline Error format_error(std::string message) {
  return Error(ErrorCode::template_type, std::move(message));
}

/// `[[fill]align][sign][#][0][width][grouping][.precision][type]`
struct FormatSpec {
  std::string fill = " ";
  char align = 0;
  char sign = '-';
  bool alternate = false;
  bool zero = false;
  char grouping = 0;
  std::optional<std::size_t> width;
  std::optional<std::size_t> precision;
  char type = 0;
};

Result<FormatSpec> parse_spec(std::string_view text);
/// A number at `at`, which moves behind it; nothing when there is none.
std::optional<std::size_t> read_number(std::string_view text, std::size_t& at);
/// Fills up to the width, between sign and body for `=`.
std::string pad(std::string_view sign,
                std::string_view body,
                const FormatSpec& spec,
                char default_align);
Result<std::string> format_integer(std::int64_t number, const FormatSpec& spec);
Result<std::string> format_real(double number, const FormatSpec& spec);

}  // namespace gpustack::jinja
