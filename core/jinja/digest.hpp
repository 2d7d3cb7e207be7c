#pragma once
/// @file Checksums, base64 and password hashes.

#include "core/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::jinja {

/// Raw bytes of a digest by hashlib's name (`md5`, `sha1`, `sha256`, …); nothing for an unknown
/// one.
std::optional<std::string> digest(std::string_view algorithm, std::string_view data);
std::string to_hex(std::string_view bytes);
std::string base64_encode(std::string_view bytes);
/// Characters outside of the alphabet are skipped, as Python does. Nothing when the padding is
/// wrong.
std::optional<std::string> base64_decode(std::string_view text);

/// Bytes from the system's random source. @error lookup_failed
Result<std::string> random_bytes(std::size_t count);
/// `count` characters picked evenly from `alphabet`.
Result<std::string> random_text(std::size_t count, std::string_view alphabet);

/// Wishes for a password hash; empty = the algorithm's own choice.
struct PasswordHash {
  std::string algorithm = "sha512_crypt";
  std::string salt;
  std::optional<int> rounds;
  std::string ident;
};
/// crypt(3) with Ansible's names: sha512_crypt, sha256_crypt, md5_crypt, bcrypt (also sha512,
/// sha256, md5, blowfish).
/// @error filter_failed
Result<std::string> hash_password(const std::string& password, const PasswordHash& wish);
/// Length of the salts the algorithm takes. @error filter_failed for an unknown algorithm
Result<std::size_t> salt_size(const std::string& algorithm);

}  // namespace gpustack::jinja
