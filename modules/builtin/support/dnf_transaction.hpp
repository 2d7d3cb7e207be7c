#pragma once
/// @file The table that dnf prints before it asks.

#include <string_view>
#include <vector>

#include "modules/builtin/support/package_classes.hpp"

namespace gpustack::modules {

/// Rows below `Installing:`, `Upgrading:`, `Removing:` and so on; old versions are not in the table.
std::vector<PackageChange> parse_dnf_transaction(std::string_view output);

}  // namespace gpustack::modules
