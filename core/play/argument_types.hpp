#pragma once
/// @file The types of role argument specs and how values become them.

#include "core/base/value.hpp"

#include <string>
#include <string_view>

namespace gpustack::play {

/// `<class 'str'>`: how Ansible's messages name a type.
std::string python_type(const Value& value);

/// Converts to str, list, dict, bool, int, float, path, raw, jsonarg, json, bytes or bits.
/// @error invalid_argument with the reason only, as Ansible words it
Result<Value> convert_role_argument(std::string_view type, const Value& value);

/// `1.5 GiB`-like sizes into bytes (or bits): a number and an optional unit.
/// @error invalid_argument
Result<std::int64_t> parse_size(std::string_view text, bool bits);

}  // namespace gpustack::play
