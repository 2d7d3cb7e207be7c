#pragma once
/// @file Forward: bytes between a channel of a bastion and one end of a socket pair.

#include "core/async/net.hpp"
#include "core/async/task_group.hpp"
#include "core/transport/ssh_session.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace gpustack::transport {

/// Ends itself when either side does. Both sides are non-blocking: a pump that blocked would wait
/// for its own thread. Thread: one strand. Shared: lives until both directions have ended.
class Forward : public std::enable_shared_from_this<Forward> {
 public:
  Forward(const asio::any_io_executor& executor, FileHandle socket);

  /// What came from the channel; waits in memory until the socket takes it.
  void on_channel_bytes(std::string_view bytes);
  /// Begins to carry bytes.
  void start(std::shared_ptr<SshSession> session, std::shared_ptr<SshChannel> channel);

 private:
  static Async<void> carry_out(std::shared_ptr<Forward> self);
  static Async<void> carry_in(std::shared_ptr<Forward> self);
  void end();

  asio::posix::stream_descriptor socket_;
  async::TaskGroup directions_;
  std::shared_ptr<SshSession> session_;
  std::shared_ptr<SshChannel> channel_;
  std::string inbound_;
  bool has_ended_ = false;
};

}  // namespace gpustack::transport
