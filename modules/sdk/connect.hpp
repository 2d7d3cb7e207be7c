#pragma once
/// @file Names and TCP connections without the C library's resolver, which a static program lacks.

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/system.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gpustack::modules {

/// Addresses of a host, as text: a literal address itself, then /etc/hosts, then the name servers
/// of /etc/resolv.conf. Empty when nothing answers in time.
std::vector<std::string> resolve_host(const SystemView& view,
                                      const std::string& host,
                                      std::chrono::milliseconds timeout);

/// Whether one of the host's addresses accepts a TCP connection within `timeout`.
bool try_connect(const SystemView& view,
                 const std::string& host,
                 std::uint16_t port,
                 std::chrono::milliseconds timeout,
                 int cancel_descriptor = -1);

/// Connects and collects what comes until `enough` says so, the other side closes, or the time is
/// over.
/// @return nothing when the connection was not accepted
std::optional<std::string> receive_from(const SystemView& view,
                                        const std::string& host,
                                        std::uint16_t port,
                                        std::chrono::milliseconds timeout,
                                        const std::function<bool(std::string_view)>& enough,
                                        int cancel_descriptor = -1);

/// A non-blocking socket that is connected to the host.
/// @error module_failed  no address, or no answer in time; cancelled
Result<Descriptor> connect_tcp(const SystemView& view,
                               const std::string& host,
                               std::uint16_t port,
                               std::chrono::milliseconds timeout,
                               int cancel_descriptor = -1);

/// The same for a socket of this host. @error module_failed, invalid_argument
Result<Descriptor> connect_unix(const std::string& path);

}  // namespace gpustack::modules
