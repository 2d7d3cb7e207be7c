#pragma once
/// @file Where a role's files are.

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::play {

/// The files that make up `role/subfolder`: `main` (or `wanted`) with .yml, .yaml, .json or no
/// ending.
/// @param wanted  empty = main; a name with or without its ending, which may hold folders below
/// `subfolder`
/// @param folders_too  a folder of that name counts, with all its files in order (vars and
/// defaults)
/// @return absolute paths in the order they are merged; empty when there is none
/// @source Ansible 2.14, playbook/role/__init__.py and parsing/dataloader.py
std::vector<std::string> role_files(const std::string& role,
                                    std::string_view subfolder,
                                    const std::string& wanted,
                                    bool folders_too);

}  // namespace gpustack::play
