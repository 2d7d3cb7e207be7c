#pragma once
/// @file Kernel modules: what is loaded, and the folders that say what is loaded at boot.

#include "modules/sdk/system.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// Release of the running kernel, `uname -r`.
std::string kernel_release(const SystemView& view);
/// Loaded, or built into the kernel.
Result<bool> is_module_loaded(const SystemView& view, const std::string& name);
/// Regular files of a configuration folder, full paths; none when there is no folder.
Result<std::vector<std::string>> configuration_files(const SystemView& view,
                                                     const std::string& folder);

}  // namespace gpustack::modules
