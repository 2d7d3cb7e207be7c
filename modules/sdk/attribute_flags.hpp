#pragma once
/// @file The letters of lsattr(1) and the bits the kernel keeps for them.

#include "core/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// Letters in lsattr's order.
std::string attribute_letters(std::uint32_t bits);
/// `present` changed by chattr's text: "+i", "-a", "=e", or letters alone, which stand for "=".
/// @error invalid_argument  an unknown letter
Result<std::uint32_t> apply_attribute_text(std::uint32_t present, std::string_view text);

}  // namespace gpustack::modules
