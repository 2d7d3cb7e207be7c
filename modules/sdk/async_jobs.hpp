#pragma once
/// @file Where tasks in the background leave their results.

#include "modules/sdk/system.hpp"

#include <string>

namespace gpustack::modules {

/// The folder of the user's jobs: $ANSIBLE_ASYNC_DIR, else ~/.ansible_async.
/// @source ansible-core 2.14, async_wrapper and the shell option `async_dir`
std::string async_folder(const SystemView& view);

}  // namespace gpustack::modules
