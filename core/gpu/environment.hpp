#pragma once
/// @file Which device programs on a host compute with, and the variables that tell them so.

#include "core/gpu/host_facts.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::gpu {

/// The backends there are; `vulkan` is no device of PyTorch's and never chosen by itself.
inline constexpr std::string_view kBackends[] = {"cuda", "rocm", "xpu", "mps", "vulkan", "cpu"};

/// The backends that work on a host; the one it takes by itself comes first.
std::vector<std::string> usable_backends(const HostFacts& host);

/// Why CUDA does not work on a host that has an NVIDIA GPU; empty when it does.
std::string cuda_obstacle(const Value& platform);

struct Environment {
  /// Names in the order in which they are printed. All are there always: one that has no value on
  /// this host clears what a shell had before.
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::string> notes;  ///< what somebody who takes them should know
};

/// What is asked of the environment; what is `auto` or empty goes by the host.
struct EnvironmentWishes {
  std::string backend = "auto";        ///< one of kBackends
  std::string asked_by = "--backend";  ///< who asks for it, for the error
  std::string dtype = "auto";          ///< one of kNumberTypes
  std::string dtype_asked_by = "--dtype";
  std::string rocm;  ///< the version that is installed, `6.3.1`; empty = none, or not known
};

/// In how many bits programs hold a model's numbers; the first one is taken by itself.
inline constexpr std::string_view kNumberTypes[] = {"float16", "float32", "bfloat16"};

/// @error guard  the host has no such device, or one that does not work
Result<Environment> environment_of(const HostFacts& host, const EnvironmentWishes& wishes);

/// Does a model server fit into memory beside its services and the system?
struct MemoryAdvice {
  std::string verdict;        ///< fit, tight, short; empty when the memory is not known
  std::int64_t need_mib = 0;  ///< for a host of this size
  std::int64_t free_mib = 0;  ///< what that leaves; below 0 when it is short
};
MemoryAdvice memory_advice(std::int64_t total_mib);

/// Where pip finds PyTorch built for a backend on a host; empty when no index has it.
/// @param rocm  the version of ROCm on the host; empty = none, or not known
std::string torch_index(const Value& platform,
                        const std::string& backend,
                        const std::string& rocm = {});

}  // namespace gpustack::gpu
