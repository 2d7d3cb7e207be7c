#pragma once
/// @file An error's place, to be shown below a line that tells the error itself.

#include "core/base/error.hpp"

#include <string>

namespace gpustack {

/// For below a line that holds Error::one_line(): place, source line, caret, related places.
/// Empty without a known position.
std::string excerpt(const Error& error);

}  // namespace gpustack
