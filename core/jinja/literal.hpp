#pragma once
/// @file Python literals in text: Ansible reads results that look like a list, dict or boolean as
/// one.

#include "core/base/value.hpp"

#include <optional>
#include <string_view>

namespace gpustack::jinja {

/// The value a Python literal stands for; `true`, `false` and `null` count too. Nothing when the
/// text is not one.
std::optional<Value> parse_literal(std::string_view text);
/// Does Ansible try to read a result that begins so?
bool looks_like_literal(std::string_view text);
/// Would printing the value and reading it as a literal give the same value?
bool prints_as_literal(const Value& value);

}  // namespace gpustack::jinja
