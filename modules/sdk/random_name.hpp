#pragma once
/// @file Names nobody can guess, for temporary files and prompts.

#include <string>

namespace gpustack::modules {

/// Sixteen letters and digits from the kernel's random numbers.
std::string random_name();

}  // namespace gpustack::modules
