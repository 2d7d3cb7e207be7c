#pragma once
/// @file Password hashes as web servers and Linux keep them.

#include "core/base/result.hpp"

#include <string>
#include <string_view>

namespace gpustack::modules {

/// Names of the schemes that hash_password() knows, comma separated; passlib's names.
inline constexpr std::string_view kPasswordSchemes =
    "apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, ldap_sha1, plaintext";

/// @param salt  letters and digits; the scheme takes as many as it uses
/// @error invalid_argument  no such scheme
Result<std::string> hash_password(std::string_view scheme,
                                  std::string_view password,
                                  std::string_view salt);

/// Whether `hash` is one of `password`, by any of those schemes. A hash of another scheme is not.
bool verify_password(std::string_view password, std::string_view hash);

}  // namespace gpustack::modules
