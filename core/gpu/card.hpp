#pragma once
/// @file The platform facts of a host for people to read.

#include "core/gpu/host_facts.hpp"

#include <string>

namespace gpustack::gpu {

/// One line for each thing that is known; what is not known has none.
std::string card(const HostFacts& facts);

/// `62.8 GiB`; less than one GiB in MiB.
std::string memory_size(std::int64_t mib);

}  // namespace gpustack::gpu
