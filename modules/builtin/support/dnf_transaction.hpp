#pragma once
/// @file The table that dnf prints before it asks.

#include "modules/builtin/support/package_classes.hpp"

#include <string_view>
#include <vector>

namespace gpustack::modules {

/// Rows below `Installing:`, `Upgrading:`, `Removing:` and so on; old versions are not in the
/// table.
std::vector<PackageChange> parse_dnf_transaction(std::string_view output);

}  // namespace gpustack::modules
