#pragma once
/// @file A site of one play with one task, for `gpustack run` and `gpustack facts`.

#include "core/play/model.hpp"

#include <memory>
#include <string>

namespace gpustack::cli {

/// @param arguments  a map, checked as far as literals can be
/// @error unknown_module, unknown_argument and the other argument errors
Result<std::unique_ptr<play::Site>> single_task_site(const std::string& pattern,
                                                     const std::string& module,
                                                     Value arguments);

}  // namespace gpustack::cli
