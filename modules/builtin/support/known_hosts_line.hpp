#pragma once
/// @file Lines of ssh's known_hosts files.

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

struct KnownHost {
  std::string marker;  ///< @cert-authority or @revoked
  std::string hosts;   ///< patterns between commas, or a hashed name: |1|SALT|HASH
  std::string type;
  std::string key;

  bool operator==(const KnownHost&) const = default;
  [[nodiscard]] bool is_hashed() const { return hosts.starts_with("|1|"); }
};

/// Nothing for blank lines, comments and what has too few words.
std::optional<KnownHost> parse_known_host(std::string_view line);

/// Whether the line is about the host, as ssh-keygen(1) -F finds it: patterns with `*`, `?` and
/// `!`, or a hashed name.
bool names_host(const KnownHost& line, std::string_view host);

/// |1|SALT|HASH of a host name. @param salt 20 random bytes
std::string hashed_host(std::string_view host, std::string_view salt);

}  // namespace gpustack::modules
