#pragma once
/// @file The parts of an http or https address.

#include "core/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

struct Url {
  std::string scheme;    ///< http or https
  std::string user;      ///< percent-decoded
  std::string password;  ///< percent-decoded
  std::string host;      ///< lower case, without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string target;  ///< path and query; begins with a slash

  [[nodiscard]] bool is_secure() const { return scheme == "https"; }
  [[nodiscard]] bool has_default_port() const { return port == (is_secure() ? 443 : 80); }
  /// `host`, or `host:port` where the port is not the scheme's: the Host header.
  [[nodiscard]] std::string authority() const;
  /// The whole address, without user and fragment.
  [[nodiscard]] std::string text() const;
};

/// @error invalid_argument  no http or https address, or one with control characters
Result<Url> parse_url(std::string_view text);

/// Where `reference` (a Location header) leads from `base`.
Result<Url> resolve_url(const Url& base, std::string_view reference);

/// The last part of the path, as it stands there; empty when the path ends with a slash.
std::string url_file_name(const Url& url);

/// The path that a `file:` address names; nothing for any other scheme.
/// @error invalid_argument  the address names another host
Result<std::optional<std::string>> file_of_url(std::string_view text);

/// The address for people: a password in it is not shown.
std::string shown_url(std::string_view text);

std::string percent_decode(std::string_view text);

/// Whether `no_proxy` (comma separated suffixes, `*` for all) covers the host.
bool bypasses_proxy(std::string_view no_proxy, const Url& url);

}  // namespace gpustack::modules
