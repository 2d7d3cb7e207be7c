#pragma once
/// @file A file that an option names, read whole.

#include "core/base/result.hpp"

#include <string>

namespace gpustack::cli {

/// @param option  for errors: `--from`
/// @param path  `-` is standard input
/// @param hint  what the file has to be
/// @error usage  not there, a folder, not readable, empty, or no text
Result<std::string> given_file(const std::string& option,
                               const std::string& path,
                               const std::string& hint);

}  // namespace gpustack::cli
