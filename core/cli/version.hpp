#pragma once
/// @file The version users see.

#include <string>
#include <string_view>

namespace gpustack::cli {

inline constexpr std::string_view kVersionText =
    "gpustack 0.1.0 (language level: Ansible 2.14; wire protocol 1)";

/// What a verb that takes an Ansible program's place says of itself: first the language level,
/// where scripts look for it.
inline std::string version_of(std::string_view program) {
  return std::string(program) + " [core 2.14.18]\n  " + std::string(kVersionText);
}

}  // namespace gpustack::cli
