#pragma once
/// @file A folder for questions that cannot be answered without writing: gone once they are.

#include <string_view>

namespace gpustack::modules {

/// As the value of a variable of a query's environment: the path of a fresh empty folder that only
/// the task's user can read. It is removed with all in it when the command has ended, so that a dry
/// run leaves nothing behind.
inline constexpr std::string_view kScratchFolder = "{scratch folder}";

}  // namespace gpustack::modules
