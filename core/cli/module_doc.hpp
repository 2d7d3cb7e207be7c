#pragma once
/// @file What `gpustack doc` says about a module, as text and as data.

#include "modules/sdk/module.hpp"

#include <string>

namespace gpustack::cli {

/// Arguments of the user; those that the program adds for itself have names with a `_` before.
bool is_for_users(const modules::ArgSpec& spec);

/// The page of a terminal.
std::string module_text(const modules::ModuleSpec& spec);

/// The same as data: docs/modules and its tests are made from it.
Value module_data(const modules::ModuleSpec& spec);

}  // namespace gpustack::cli
