#pragma once
/// @file Versions as the `version` test and version_sort compare them.

#include "core/base/result.hpp"

#include <string>
#include <string_view>

namespace gpustack::jinja {

enum class VersionKind : std::uint8_t { loose, strict, semantic, pep440 };

/// -1, 0 or 1. @error filter_failed for versions that are not of that kind or do not compare
Result<int> compare_versions(const std::string& left, const std::string& right, VersionKind kind);

}  // namespace gpustack::jinja
