#pragma once
/// @file Ansible Vault's cryptography, byte for byte.

#include "core/base/secret.hpp"
#include "core/vault/envelope.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::vault {

inline constexpr std::size_t kSaltBytes = 32;

/// The plain text; nothing when `password` is not the right one.
/// @error vault_header  the password fits, and the padding below is broken
/// @source ansible-core 2.14, VaultAES256: PBKDF2-HMAC-SHA256 with 10000 rounds, AES-256-CTR,
/// PKCS#7, HMAC-SHA256
Result<std::optional<std::string>> decrypt(const Envelope& envelope, const Secret& password);

/// @param salt  kSaltBytes random bytes; tests give their own
Envelope encrypt(std::string_view plain,
                 const Secret& password,
                 std::string_view vault_id,
                 std::string_view salt);
Envelope encrypt(std::string_view plain, const Secret& password, std::string_view vault_id);

}  // namespace gpustack::vault
