#pragma once
/// @file Modules that users bring along: executables that take JSON and print JSON.

#include "modules/sdk/module.hpp"

#include <string_view>

namespace gpustack::runner {

inline constexpr std::string_view kLibraryName = "__library__";

/// Runs an executable from a playbook's `library/`; see core/docs/wire.md.
extern const modules::ModuleSpec library_module;

}  // namespace gpustack::runner
