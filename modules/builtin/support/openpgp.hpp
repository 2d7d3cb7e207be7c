#pragma once
/// @file Which keys an OpenPGP file or keyring holds. gpg is not asked: it makes a home folder and
/// trust databases even when it only lists.

#include "core/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct OpenPgpKey {
  std::string fingerprint;   ///< 40 upper-case hexadecimal digits
  bool is_primary = false;   ///< or a subkey of the primary before it
  std::int64_t created = 0;  ///< seconds since 1970
  std::optional<std::int64_t> expires;

  /// The last 16 digits.
  [[nodiscard]] std::string id() const { return fingerprint.substr(fingerprint.size() - 16); }
  [[nodiscard]] bool is_expired(std::int64_t now) const { return expires && *expires <= now; }
};

/// Whether the text holds an armored public key.
bool is_armored_key(std::string_view text);

/// The public keys in binary or armored form (several blocks may follow each other), in order; keys
/// older than version 4 are left out, as gpg leaves them out.
/// @error module_failed  no OpenPGP data
/// @source RFC 4880, sections 4.2, 5.2.3, 5.5.2, 6.2 and 12.2
Result<std::vector<OpenPgpKey>> parse_openpgp_keys(std::string_view bytes);

}  // namespace gpustack::modules
