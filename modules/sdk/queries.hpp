#pragma once
/// @file Which commands a dry run may start: those a module declares as read-only.

#include "core/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// Whether `argv` begins with one of `queries`, the comma-separated argv prefixes of a ModuleSpec.
/// The program may be given with its folder. @error bug
Result<void> check_query(std::string_view queries, const std::vector<std::string>& argv);

}  // namespace gpustack::modules
