#pragma once
/// @file Connection: one host, one way in, one channel to its runner.

#include "core/async/async.hpp"
#include "core/transport/pipe.hpp"
#include "core/transport/target.hpp"
#include "core/wire/frame.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::transport {

/// What a command left behind. Each stream keeps its first and last 64 KiB at least.
struct CommandOutput {
  int exit_code = -1;  ///< -1 when a signal ended it
  std::string signal;  ///< name without SIG, or empty
  std::string out;
  std::string err;
  std::uint64_t dropped = 0;  ///< bytes left out of the middle of `out` and `err`
};

/// How open() went; for the event log and `-v`.
struct OpenReport {
  std::string method;          ///< "ssh" or "local"
  std::string authentication;  ///< e.g. "key /root/.ssh/id_ed25519"
  std::string server;          ///< the server's banner
  bool runner_was_cached = false;
  std::uint64_t bytes_uploaded = 0;
  std::vector<std::string>
      notes;  ///< what went less well, e.g. a host key that could not be written down
  std::chrono::microseconds connect_time{0};  ///< TCP, handshake, authentication
  std::chrono::microseconds runner_time{0};   ///< from the exec to the runner's answer
};

/// One connection to one host.
/// Thread: the strand of the executor it was made with; its coroutines run there.
/// Requires: close() was awaited, or the connection is destroyed together with its event loop.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Logs in, without starting a runner: enough for exec_raw(). A second call returns at once.
  /// @error unreachable, host_key_changed, host_key_unknown, host_key_revoked, auth_failed,
  /// transport_timeout, cancelled
  /// @cancel leaves the connection closed
  virtual Async<void> connect() = 0;

  /// connect(), then finds or places the runner, starts it and sends `hello` as the first frame's
  /// payload.
  /// @return the runner's hello_reply frame
  /// @error those of connect(), runner_unusable, connection_lost, protocol
  /// @cancel leaves the connection closed
  virtual Async<wire::Frame> open(std::string hello) = 0;

  /// Queues a frame; waits while more than 256 KiB are on their way.
  /// @error connection_lost, cancelled (the frame was not queued)
  virtual Async<void> send(wire::Frame frame, Leave leave) = 0;
  /// send() where nothing must be waited for. @return false: it must, or the connection has ended
  virtual bool try_send(const wire::Frame& frame, Leave leave) = 0;
  /// What was sent to leave soon leaves now.
  virtual void hurry() = 0;

  /// The next frame of the runner, in order. Keep receiving: what piles up here is bounded (64
  /// MiB).
  /// @error connection_lost (with the text the runner left on stderr), protocol, cancelled
  virtual Async<wire::Frame> receive() = 0;

  /// Runs a command line by the user's login shell on the host, beside the runner.
  /// @param input  its standard input, whole
  /// @error connection_lost, transport_timeout (the command may still run on the host), cancelled
  virtual Async<CommandOutput> exec_raw(std::string command,
                                        std::string input,
                                        std::chrono::milliseconds limit) = 0;

  /// Ends the connection: says goodbye to the runner, waits at most 2 s for its end, closes. Safe
  /// to repeat. One that came from an earlier run ends there, too.
  virtual asio::awaitable<void> close() = 0;
  /// Like close(), but leaves the login for a later run where it may be left and is sound.
  virtual asio::awaitable<void> keep() = 0;

  [[nodiscard]] virtual bool is_open() const = 0;
  [[nodiscard]] virtual const OpenReport& report() const = 0;
};

}  // namespace gpustack::transport
