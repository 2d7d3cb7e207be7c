#pragma once
/// @file Which results of a template Ansible reads as Python literals.

#include "core/base/value.hpp"

#include <string_view>

namespace gpustack::jinja {

/// Does Ansible try to read a result that begins so?
bool looks_like_literal(std::string_view text);
/// Would printing the value and reading it as a literal give the same value?
bool prints_as_literal(const Value& value);

}  // namespace gpustack::jinja
