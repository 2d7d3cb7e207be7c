#pragma once
/// @file How messages write paths.

#include <string>

namespace gpustack {

/// `path` relative to the folder the program stands in when it is below that; else as it is.
std::string shown_path(const std::string& path);

}  // namespace gpustack
