#pragma once
/// @file The kernel's table of TCP connections, /proc/net/tcp and tcp6.

#include "modules/sdk/system.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// `ESTABLISHED` -> `01`; empty for a name that is not known.
std::string tcp_state_code(std::string_view name);

struct TcpQuery {
  std::vector<std::string>
      addresses;  ///< local addresses, as text; the wildcard addresses match all
  std::uint16_t port = 0;
  std::vector<std::string> states;              ///< codes
  std::vector<std::string> excluded_addresses;  ///< remote addresses that do not count
};

/// Connections of that local address and port in one of the states.
std::size_t count_connections(const SystemView& view, const TcpQuery& query);

}  // namespace gpustack::modules
