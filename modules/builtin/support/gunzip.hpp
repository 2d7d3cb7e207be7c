#pragma once
/// @file gzip, unpacked in memory.

#include "core/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// The content of all members of a gzip file, checksums compared.
/// @param limit  bytes the content may have
/// @error module_failed  damaged, or larger than `limit`
/// @source RFC 1951, RFC 1952
Result<std::string> gunzip(std::string_view packed, std::uint64_t limit);

}  // namespace gpustack::modules
