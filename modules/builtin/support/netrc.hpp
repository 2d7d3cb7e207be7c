#pragma once
/// @file Users and passwords that a person keeps in ~/.netrc.

#include "modules/sdk/system.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

struct Login {
  std::string user;
  std::string password;
};

/// The entry of `host` in a netrc file, else its `default`.
/// @error module_failed  the text is no netrc file; the message names `path`
Result<std::optional<Login>> login_in_netrc(std::string_view text,
                                            const std::string& host,
                                            const std::string& path);

/// The same from $NETRC, else ~/.netrc; nothing when that cannot be read.
/// @error module_failed  others may read ~/.netrc, or it belongs to someone else
/// @source Python's netrc module, which Ansible asks
Result<std::optional<Login>> login_of_host(const SystemView& view, const std::string& host);

}  // namespace gpustack::modules
