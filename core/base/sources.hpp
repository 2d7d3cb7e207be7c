#pragma once
/// @file All sources that were read so far.

#include "core/base/source.hpp"

#include <cstddef>
#include <vector>

namespace gpustack {

/// What intern_source() keeps, in the order it came, without the first `first`.
/// @thread any
std::vector<const SourceFile*> sources_from(std::size_t first);

}  // namespace gpustack
