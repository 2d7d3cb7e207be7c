#pragma once
/// @file ssh-agent: listing its keys, and authentication with a chosen few of them.

#include "core/async/pool.hpp"
#include "core/transport/ssh_session.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {

struct AgentKey {
  std::string blob;  ///< the public key, as on the wire
  std::string comment;

  AgentKey(std::string key_blob, std::string key_comment)
      : blob(std::move(key_blob)), comment(std::move(key_comment)) {}
  /// `comment (SHA256:...)`
  [[nodiscard]] std::string text() const;
};

/// @error unreachable  no agent there, or it does not speak its protocol; cancelled
Async<std::vector<AgentKey>> list_agent_keys(std::string socket_path);

struct AgentOutcome {
  int code = -1;            ///< SSH_AUTH_*
  std::size_t tried = 0;    ///< how many of the keys were offered
  bool has_signed = false;  ///< the last one was wanted by the server and the agent signed

  AgentOutcome() = default;
};

/// Offers `keys` in order. libssh asks the agent by blocking calls and offers every key it lists;
/// so it runs on the pool (L12) against an agent of ours that lists only `keys` and passes
/// signatures on. When the coroutine is stopped, ours hangs up, which ends the blocking call.
/// @error connection_lost, cancelled
Async<AgentOutcome> authenticate_by_agent(std::shared_ptr<SshSession> session,
                                          async::Pool& pool,  // outlived by: Connector
                                          std::string socket_path,
                                          std::vector<AgentKey> keys);

}  // namespace gpustack::transport
