#pragma once
/// @file What the connections of one Connector share.

#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/transport/connector.hpp"
#include "core/transport/held_connections.hpp"
#include "core/transport/key_ring.hpp"
#include "core/transport/known_hosts_book.hpp"
#include "core/transport/ssh_config.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gpustack::transport {

class Bastion;

/// Thread: one strand.
class Connector::Shared {
 public:
  Shared(asio::any_io_executor strand, ConnectorSettings given);

  /// `~`, `%d` (home), `%h` (host), `%p` (port), `%r` (user) and `%%`, as ssh_config writes them.
  [[nodiscard]] std::string expand(const std::string& path, const Target& target) const;

  /// Fills in what the target leaves open: from ssh_config, then the defaults.
  /// @error connection_settings  ssh_config asks for something that is not supported
  Result<void> complete(Target& target);

  asio::any_io_executor executor;
  ConnectorSettings settings;
  async::Pool names{"names", 8};  ///< name resolution
  async::Pool keys{"keys", 4};    ///< key files, agent, known_hosts
  async::Pool logins{"logins", std::clamp(std::thread::hardware_concurrency(), 1U, 64U)};
  async::Gate handshakes;
  async::Gate runner_reading;  ///< and packing; then it is there for all hosts
  /// By architecture and whether it is packed.
  std::map<std::pair<std::string, bool>, std::shared_ptr<const std::string>> runner_bytes;
  KeyRing key_ring;
  KnownHostsBook known_hosts;
  std::map<std::string, std::weak_ptr<Bastion>> bastions;  ///< by the chain of jump hosts
  std::string default_user;
  std::optional<HoldFolder> hold_folder;  ///< empty: nothing is taken or left
  std::vector<HeldConnection> kept;

 private:
  std::optional<SshConfig> ssh_config_;  // read when the first host needs it
};

}  // namespace gpustack::transport
