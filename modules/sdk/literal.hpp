#pragma once
/// @file Python literals in text, as some playbooks pass maps and lists: {'a': [1, True, None]}.

#include <string_view>

#include "core/base/value.hpp"

namespace gpustack::modules {

/// Strings, numbers, True, False, None, lists, tuples and maps; nothing that computes.
/// @error invalid_argument
Result<Value> parse_python_literal(std::string_view text);

}  // namespace gpustack::modules
