#pragma once
/// @file Numbers in text, as Python's int() and float() read them.

#include <cstdint>
#include <optional>
#include <string_view>

namespace gpustack::jinja {

std::optional<std::int64_t> parse_integer(std::string_view text, int base = 10);
std::optional<double> parse_real(std::string_view text);

}  // namespace gpustack::jinja
