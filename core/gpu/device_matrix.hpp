#pragma once
/// @file Which device programs compute with in which situation, as a table to be read.

#include "core/base/value.hpp"

#include <span>
#include <string>
#include <string_view>

namespace gpustack::gpu {

struct DeviceRow {
  std::string_view situation;
  std::string_view backend;
  std::string_view deployment;  ///< where the program that computes runs: docker, native
  std::string_view label;       ///< of BYTEBOT_ARM64_PLATFORM; empty = none
  std::string_view seconds;     ///< one look at a screen with OmniParser; empty = not measured
};

std::span<const DeviceRow> device_rows();
std::string device_table();
Value device_data();

}  // namespace gpustack::gpu
