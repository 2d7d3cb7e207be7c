#pragma once
/// @file Authentication: which proofs of identity are offered to a server, in which order.

#include "core/async/pool.hpp"
#include "core/transport/key_ring.hpp"
#include "core/transport/ssh_session.hpp"
#include "core/transport/target.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {

/// What the user can prove, with all paths absolute.
struct Identity {
  std::string user;
  std::string host;  ///< for messages
  std::vector<std::string> named_keys;
  std::vector<std::string> default_keys;
  std::string agent_socket;  ///< empty = no agent
  bool only_named = false;   ///< of the agent's keys, those of named files alone
  Secret passphrase;
  Secret password;

  Identity() = default;
};

/// Order: named keys (each with its certificate first), the agent's keys (named ones first),
/// default keys, password or keyboard-interactive. At most 5 attempts, since servers drop the
/// connection after 6. A loaded key is offered signed, without asking first whether it would do:
/// one round trip less.
/// @return what was accepted, e.g. "key /root/.ssh/id_ed25519"
/// @error auth_failed  lists each key with its outcome, and the methods the server takes
/// @error connection_lost, cancelled
Async<std::string> authenticate(std::shared_ptr<SshSession> session,
                                Identity identity,
                                KeyRing& keys,       // outlived by: Connector
                                async::Pool& pool);  // outlived by: Connector

}  // namespace gpustack::transport
