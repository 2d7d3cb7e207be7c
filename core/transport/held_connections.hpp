#pragma once
/// @file What a run leaves behind: logins that the next run may use.

#include "core/async/asio.hpp"
#include "core/transport/hold_folder.hpp"
#include "core/transport/hold_frame.hpp"
#include "core/transport/ssh_session.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gpustack::transport {

/// A session that no connection owns any more; several hosts share that of their jump host. The
/// last share closes it.
class KeptSession {
 public:
  explicit KeptSession(std::shared_ptr<SshSession> session) : session_(std::move(session)) {}
  KeptSession(const KeptSession&) = delete;
  KeptSession& operator=(const KeptSession&) = delete;
  ~KeptSession() { session_->close(); }

  [[nodiscard]] SshSession& session() const { return *session_; }

 private:
  std::shared_ptr<SshSession> session_;
};

/// One login. Nothing of it tells a password: `proof` is a hash that is compared in memory.
struct HeldConnection {
  std::string name;  ///< of its socket: a hash of everything that makes the connection what it is
  std::string proof;
  HeldInfo info;
  /// Starts the runner, which does nothing before it is greeted: one waits for the next run.
  std::string start_command;
  std::chrono::seconds time{60};  ///< how long it stays without being used
  std::shared_ptr<KeptSession> session;
  std::vector<std::shared_ptr<KeptSession>> jumps;  ///< the jump hosts that it goes through
};

/// The logins of a run and the event loop that drives them.
struct HeldConnections {
  std::unique_ptr<asio::io_context> context;
  HoldFolder folder;
  std::vector<HeldConnection> connections;
  std::chrono::milliseconds ping_interval{15'000};

  HeldConnections(std::unique_ptr<asio::io_context> loop, HoldFolder place)
      : context(std::move(loop)), folder(std::move(place)) {}
};

/// Who is held in a folder.
std::vector<HeldInfo> list_held(const HoldFolder& folder);
/// Ends all of them. @return how many there were
std::size_t end_held(const HoldFolder& folder);

}  // namespace gpustack::transport
