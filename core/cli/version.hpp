#pragma once
/// @file The version users see.

#include <string_view>

namespace gpustack::cli {

inline constexpr std::string_view kVersionText =
    "gpustack 0.1.0 (language level: Ansible 2.14; wire protocol 1)";

}  // namespace gpustack::cli
