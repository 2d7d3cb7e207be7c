#pragma once
/// @file What the connections of one Connector share.

#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/transport/connector.hpp"
#include "core/transport/key_ring.hpp"
#include "core/transport/known_hosts_book.hpp"

#include <string>
#include <vector>

namespace gpustack::transport {

/// Thread: one strand.
class Connector::Shared {
 public:
  Shared(asio::any_io_executor strand, ConnectorSettings given);

  /// `~`, `%d` (home), `%h` (host), `%p` (port), `%r` (user) and `%%`, as ssh_config writes them.
  std::string expand(const std::string& path, const Target& target) const;

  asio::any_io_executor executor;
  ConnectorSettings settings;
  async::Pool names{"names", 8};  ///< name resolution
  async::Pool keys{"keys", 4};    ///< key files, agent, known_hosts
  async::Gate handshakes;
  KeyRing key_ring;
  KnownHostsBook known_hosts;
  std::string default_user;
};

}  // namespace gpustack::transport
