#pragma once
/// @file HoldClient: one apply at a holder, with the commands that it has started.

#include "core/async/task_group.hpp"
#include "core/transport/holder.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace gpustack::transport {

/// Invariant: what waits here for a client that does not read is bounded; the session is paused
/// until the client has caught up. Input that the host does not take is not read from the client.
/// Thread: the holder's.
class HoldClient : public std::enable_shared_from_this<HoldClient> {
 public:
  HoldClient(const asio::any_io_executor& executor,
             std::shared_ptr<HeldEntry> entry,
             FileHandle socket);
  HoldClient(const HoldClient&) = delete;
  HoldClient& operator=(const HoldClient&) = delete;
  ~HoldClient();

  /// Until the client has gone. Then nothing of it is left on the host.
  static Async<void> serve(std::shared_ptr<HoldClient> self);
  /// The session has ended: says so and goes. Of what the client asked for and is not told to be
  /// started by then, the host hears nothing, now or later.
  void end(const std::string& reason);

 private:
  struct Command {
    std::shared_ptr<SshChannel> channel;  ///< null while it starts
    bool may_run = false;                 ///< the host may have heard of it
  };

  Async<void> read();
  Async<bool> handle(HoldFrame frame);
  bool attach(const HoldFrame& frame);
  void show();
  void begin(const HoldFrame& frame);
  static Async<void> run(std::shared_ptr<HoldClient> self,
                         std::uint32_t number,
                         HoldExec request,
                         bool may_be_ready);
  Pipe::Consumer consumer(std::uint32_t number);
  Async<std::shared_ptr<SshChannel>> take_ready(std::uint32_t number, const HoldExec& request);
  Async<std::shared_ptr<SshChannel>> open(std::uint32_t number);
  Async<std::shared_ptr<SshChannel>> start(std::uint32_t number, HoldExec request);
  Async<void> input(std::uint32_t number, std::string bytes);
  void release(std::uint32_t number);
  void not_started(std::uint32_t number, bool was_sent, const Error& error);
  void put(HoldType type, std::uint32_t channel, std::string_view payload);
  void flush();
  void leave();

  asio::any_io_executor executor_;
  std::shared_ptr<HeldEntry> entry_;
  asio::local::stream_protocol::socket socket_;
  async::TaskGroup commands_running_;
  HoldDecoder decoder_;
  std::array<char, 64U << 10U> input_{};
  std::string outbox_;
  std::string writing_;
  std::map<std::uint32_t, Command> commands_;
  bool is_attached_ = false;
  bool is_posted_ = false;
  bool is_gone_ = false;
  bool is_ending_ = false;
};

}  // namespace gpustack::transport
