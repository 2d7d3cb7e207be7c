#pragma once
/// @file SHA-256, HMAC-SHA1 and base64, as known_hosts files, fingerprints and the runner cache
/// need them.

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::transport {

std::string sha256(std::string_view bytes);      ///< 32 bytes
std::string sha256_hex(std::string_view bytes);  ///< 64 digits, lower case
std::string hmac_sha1(std::string_view key, std::string_view bytes);
std::string base64_encode(std::string_view bytes);
/// @return nothing when `text` is not base64
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace gpustack::transport
