#pragma once
/// @file Order of Debian package versions.

#include <compare>
#include <string_view>

namespace gpustack::modules {

/// @source Debian Policy 5.6.12: epoch, upstream version, revision; `~` sorts before the end
std::strong_ordering compare_debian_versions(std::string_view left, std::string_view right);

}  // namespace gpustack::modules
