#pragma once
/// @file The types of scalars: YAML 1.1 as PyYAML's safe loader reads it.

#include "core/base/value.hpp"

#include <optional>
#include <string_view>

namespace gpustack::yaml {

/// The readings behind `!!int`, `!!float`, `!!bool`; nothing when the text is not of that type.
std::optional<Value> read_integer(std::string_view text);
std::optional<Value> read_real(std::string_view text);
std::optional<Value> read_boolean(std::string_view text);
bool is_null_word(std::string_view text);

}  // namespace gpustack::yaml
