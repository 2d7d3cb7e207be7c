#pragma once
/// @file Which pip and which Python a host offers, and what pip says is installed.

#include "modules/sdk/module.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// The queries that the functions below make. The program is whatever the task names.
inline constexpr std::string_view kPipQueries =
    "* -m pip.__main__ --version, * -m pip.__main__ list, * -m pip.__main__ freeze, * list, * "
    "freeze";

/// The host's Python 3; empty when it has none.
std::string find_python(const SystemView& view);

/// The words that start pip.
/// @param environment  folder of a virtual environment, empty for none
/// @param executable   the task's own pip, by path or by name; empty for none
/// @error module_failed  the host has no such pip
/// @source ansible-core 2.14, modules/pip.py: Python's pip module comes before the program pip3
Result<std::vector<std::string>> find_pip(const SystemView& view,
                                          const std::string& environment,
                                          const std::string& executable);

struct PipListing {
  std::string command;  ///< what was asked, as text
  std::string output;
  std::string errors;
  std::vector<std::pair<std::string, std::string>> packages;  ///< canonical name, version
};

/// @error module_failed  with pip's words
Result<PipListing> list_packages(const SystemView& view,
                                 const std::vector<std::string>& pip,
                                 const std::string& directory);

/// The message of a failed pip or virtualenv.
std::string pip_failure(const std::string& output, const std::string& errors);

}  // namespace gpustack::modules
