#pragma once
/// @file Addresses and routes from the kernel's route socket, without ip(8).

#include "modules/sdk/kernel.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules::netlink {

/// All addresses in the kernel's order; empty when there is no route socket.
/// @source rtnetlink(7), RTM_GETADDR
std::vector<InterfaceAddress> addresses();

/// @source rtnetlink(7), RTM_GETROUTE for one destination
std::optional<Route> route_to(const std::string& address);

}  // namespace gpustack::modules::netlink
