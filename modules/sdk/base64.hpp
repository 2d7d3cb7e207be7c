#pragma once
/// @file Base64, as slurp, fetch and HTTP authentication write it.

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// RFC 4648 with padding, no line ends.
std::string base64(std::string_view bytes);
/// Nothing when the text is not base64; padding may be missing.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace gpustack::modules
