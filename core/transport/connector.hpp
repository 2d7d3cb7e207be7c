#pragma once
/// @file Connector: makes connections, and holds what they share: pools, loaded keys, runners,
/// pacing.

#include "core/async/async.hpp"
#include "core/transport/connection.hpp"
#include "core/transport/runner_store.hpp"
#include "core/transport/target.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {

struct HeldConnection;

struct ConnectorSettings {
  RunnerStore runners;
  /// How many hosts may be between TCP connect and the end of authentication at once.
  std::size_t handshakes = 25;
  /// A server that closes before its banner is asked again after this time and up to half of it
  /// more.
  std::chrono::milliseconds refused_pause{15'000};
  int refused_tries = 3;
  /// An open runner is pinged this often, and counts as gone after so many intervals without a byte
  /// from it.
  std::chrono::milliseconds ping_interval{15'000};
  int ping_misses = 3;
  /// $HOME of the user: default keys and known_hosts are looked for below it. Empty = from the
  /// environment.
  std::string home;
  /// The agent's socket. Empty = from the environment; "none" = no agent.
  std::string agent_socket;
  /// Where connections of earlier runs are looked for, and left for later ones. Empty = neither.
  std::string hold_folder;
  /// How long one that is left stays without being used.
  std::chrono::seconds hold_time{60};
};

/// Thread: the strand of `executor`. Outlives the connections it made.
class Connector {
 public:
  Connector(asio::any_io_executor executor, ConnectorSettings settings);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();

  /// A connection that is not open yet.
  std::unique_ptr<Connection> make(Target target);
  /// The logins that connections have left by keep().
  std::vector<HeldConnection> take_kept();

  class Shared;

 private:
  std::shared_ptr<Shared> shared_;  // connections keep it alive until their last handler has run
};

}  // namespace gpustack::transport
