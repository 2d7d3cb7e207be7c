#pragma once
/// @file The runner's own hash, computed once for each boot.

#include "core/base/result.hpp"

#include <string>

namespace gpustack::runner {

/// The SHA-256 of this program's file in hex. In a cache folder that only its owner can enter
/// (mode 0700), the file `verified` beside the program says which inode, size, times and boot had
/// `wanted`; then nothing is read: a 4 MB file costs milliseconds, more than most runs' tasks.
/// Whatever replaces or writes the file changes its times, and damage to the disk shows at the next
/// boot.
/// @error file_operation  the file cannot be read
Result<std::string> verified_hash(const std::string& wanted);

}  // namespace gpustack::runner
