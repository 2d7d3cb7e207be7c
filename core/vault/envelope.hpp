#pragma once
/// @file The text form of vault data: header, hexadecimal body, and the three parts inside it.

#include "core/base/result.hpp"

#include <string>
#include <string_view>

namespace gpustack::vault {

/// Vault text taken apart.
struct Envelope {
  std::string version;
  std::string vault_id;  ///< empty when the header has none; a hint only, nothing vouches for it
  std::string salt;
  std::string hmac;
  std::string ciphertext;
};

/// Whether `text` is vault text: ASCII only, with the vault's header at its first byte.
/// @source ansible-core 2.14, is_encrypted
bool is_encrypted(std::string_view text);

/// @param span  where the text stands, so that a fault names its own line
/// @error vault_header  with the line and column of the fault
Result<Envelope> read_envelope(std::string_view armoured, SourceSpan span = {});

/// Version 1.1 without a vault id (or with `default`), version 1.2 with one.
std::string write_envelope(const Envelope& envelope);

}  // namespace gpustack::vault
