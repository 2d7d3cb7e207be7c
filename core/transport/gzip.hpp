#pragma once
/// @file gzip files in memory: what any host can unpack.

#include "core/base/result.hpp"

#include <string>
#include <string_view>

namespace gpustack::transport {

/// @error runner_unusable  zlib has no memory
Result<std::string> gzip(std::string_view bytes);

}  // namespace gpustack::transport
