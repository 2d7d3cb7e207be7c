#pragma once
/// @file Base64, as slurp, fetch and HTTP authentication write it.

#include <string>
#include <string_view>

namespace gpustack::modules {

/// RFC 4648 with padding, no line ends.
std::string base64(std::string_view bytes);

}  // namespace gpustack::modules
