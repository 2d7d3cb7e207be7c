#pragma once
/// @file ExecSession: a way to a host on which commands can be started, our own login or a held
/// one.

#include "core/transport/pipe.hpp"

#include <memory>
#include <optional>
#include <string>

namespace gpustack::transport {

/// Thread: one strand.
class ExecSession {
 public:
  virtual ~ExecSession() = default;

  /// Starts a command; `ahead` is sent right behind the request, without waiting for its answer.
  /// @error runner_unusable  the server refuses the channel or the command; connection_lost,
  /// cancelled
  virtual Async<std::shared_ptr<Pipe>> exec(std::string command,
                                            std::string ahead,
                                            Pipe::Consumer consumer) = 0;
  /// Frees the command's channel; no more output is consumed.
  virtual void release(const std::shared_ptr<Pipe>& pipe) = 0;
  /// Ends everything that waits with `error`.
  virtual void fail(Error error) = 0;
  virtual void close() = 0;
  [[nodiscard]] virtual const std::optional<Error>& failure() const = 0;
};

}  // namespace gpustack::transport
