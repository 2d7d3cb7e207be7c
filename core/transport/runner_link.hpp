#pragma once
/// @file RunnerLink: frames over a Pipe, with backpressure, pings and an end that says why.

#include "core/async/event.hpp"
#include "core/transport/clipped_text.hpp"
#include "core/transport/pipe.hpp"
#include "core/wire/frame.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace gpustack::transport {

struct PingSettings {
  std::chrono::milliseconds interval{15'000};
  int misses = 3;  ///< so many pings in a row without a byte from the runner mean that it is gone
};

/// Thread: one strand. Shared: the ping timer and the pipe's consumer may outlast the connection.
class RunnerLink : public std::enable_shared_from_this<RunnerLink> {
 public:
  RunnerLink(const asio::any_io_executor& executor, std::string host);

  /// Frames are written to `pipe` from now on.
  void attach(std::shared_ptr<Pipe> pipe);
  /// Begins to ping; `on_silence` is called once the runner counts as gone.
  void start_pings(PingSettings settings, std::function<void(Error)> on_silence);
  /// Forgets the pipe; what waits ends with connection_lost.
  void detach();

  void on_output(std::string_view bytes);
  void on_error_output(std::string_view bytes) { errors_.append(bytes); }
  std::string error_output() const { return errors_.text(); }

  Async<void> send(wire::Frame frame, Leave leave);
  /// send() where nothing must be waited for. @return false when it must, or when it would fail
  bool try_send(const wire::Frame& frame, Leave leave);
  void hurry();
  Async<wire::Frame> receive();
  /// Sends without waiting for room; for the last words.
  void send_now(const wire::Frame& frame, Leave leave = Leave::now);

 private:
  Error ended() const;
  void arm_ping();
  void on_ping_time();

  asio::any_io_executor executor_;
  std::string host_;
  std::shared_ptr<Pipe> pipe_;
  wire::FrameDecoder decoder_;
  std::deque<wire::Frame> inbox_;
  std::size_t inbox_bytes_ = 0;
  ClippedText errors_{8U << 10U};
  std::optional<Error> broken_;
  asio::steady_timer ping_timer_;
  PingSettings pings_;
  std::function<void(Error)> on_silence_;
  async::Clock::time_point last_heard_;
  int unanswered_ = 0;  ///< ping times since the last byte from the runner
};

}  // namespace gpustack::transport
