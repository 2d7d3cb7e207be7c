#pragma once
/// @file Pipe: standard input and output of a program, here or on a host.

#include "core/async/event.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::transport {

/// When what is sent leaves.
enum class Leave : std::uint8_t {
  now,
  soon,  ///< within milliseconds, together with what comes behind it
};

enum class Stream : std::uint8_t { out, err };

/// How a program ended.
struct ExitStatus {
  int code = -1;       ///< -1: by a signal, or not told
  std::string signal;  ///< without SIG; empty when there was none

  /// `exit code 3`, `signal KILL`, `no exit code`.
  [[nodiscard]] std::string text() const;
};

/// Thread: one strand.
class Pipe {
 public:
  /// Takes what the program prints. Called on the strand, outside libssh.
  using Consumer = std::function<void(Stream, std::string_view)>;

  virtual ~Pipe() = default;

  /// Queues bytes for the program. Whoever writes keeps queued() within 256 KiB (L14).
  virtual void write(std::string_view bytes) = 0;
  /// write() of what may wait a moment for more of its kind.
  virtual void write_soon(std::string_view bytes) { write(bytes); }
  /// What waits so leaves now.
  virtual void hurry() {}
  [[nodiscard]] virtual std::size_t queued() const = 0;
  /// Closes the program's standard input once all is written.
  virtual void end_input() = 0;
  /// The program's end, with all its output consumed; or the loss of the connection (see
  /// failure()).
  [[nodiscard]] virtual bool has_ended() const = 0;
  [[nodiscard]] virtual const ExitStatus& exit_status() const = 0;
  [[nodiscard]] virtual const std::optional<Error>& failure() const = 0;
  /// Notified when queued() has shrunk, after output was consumed, and at the end.
  virtual async::Condition& changed() = 0;
};

inline constexpr std::size_t kMostQueued = 256U << 10U;

/// Writes `bytes` in pieces as the queue empties.
/// @error transport_timeout  nothing moved for `stall`
/// @error connection_lost, cancelled
Async<void> write_all(Pipe& pipe,
                      std::string_view bytes,
                      async::Duration stall);  // outlived by: the caller's frame

}  // namespace gpustack::transport
