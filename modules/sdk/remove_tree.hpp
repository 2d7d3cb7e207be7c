#pragma once
/// @file Removing a tree without ever leaving it through a symlink.

#include <string>

namespace gpustack::modules {

/// @return 0, or the errno of the first thing that could not be removed. An absent path is an error
/// (ENOENT).
int remove_tree_at(const std::string& path);

}  // namespace gpustack::modules
