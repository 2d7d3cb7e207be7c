#pragma once
/// @file Whether a host has SELinux, and how it runs, from the kernel's own files.

#include "modules/sdk/system.hpp"

#include <string>

namespace gpustack::modules {

inline constexpr const char* kSelinuxFolder = "/sys/fs/selinux";

struct SelinuxState {
  bool is_enabled = false;  ///< the kernel runs it
  bool is_enforcing = false;

  /// enforcing, permissive or disabled
  [[nodiscard]] std::string name() const;
};

/// @error file_operation
Result<SelinuxState> selinux_state(const SystemView& view);

}  // namespace gpustack::modules
