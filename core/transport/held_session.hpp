#pragma once
/// @file HeldSession: the connection that an earlier run left to its holder, used from here.

#include "core/async/net.hpp"
#include "core/transport/exec_session.hpp"
#include "core/transport/file_io.hpp"
#include "core/transport/gathering.hpp"
#include "core/transport/hold_frame.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace gpustack::transport {

class HeldSession;

/// A command on a held connection.
/// Thread: one strand.
class HeldPipe final : public Pipe {
 public:
  HeldPipe(std::shared_ptr<HeldSession> session, std::uint32_t number, Consumer consumer);

  void write(std::string_view bytes) override;
  void write_soon(std::string_view bytes) override;
  void hurry() override;
  [[nodiscard]] std::size_t queued() const override { return queue_.size() - sent_; }
  void end_input() override;
  [[nodiscard]] bool has_ended() const override { return has_ended_; }
  [[nodiscard]] const ExitStatus& exit_status() const override { return exit_; }
  [[nodiscard]] const std::optional<Error>& failure() const override;
  async::Condition& changed() override { return changed_; }

 private:
  friend class HeldSession;

  void queue(std::string_view bytes);

  enum class Start : std::uint8_t { waits, done, failed };

  std::shared_ptr<HeldSession> session_;
  std::uint32_t number_;
  Consumer consumer_;
  async::Condition changed_;
  std::string queue_;
  std::size_t sent_ = 0;
  ExitStatus exit_;
  HoldFailure not_started_;
  Start start_ = Start::waits;
  bool wants_end_ = false;
  bool has_ended_ = false;
};

/// Thread: one strand. Shared: Asio's handlers may outlast the connection.
class HeldSession final : public ExecSession, public std::enable_shared_from_this<HeldSession> {
 public:
  /// Asks the holder at the other end of `socket` for its connection.
  /// @error connection_lost  it is in use, was made with another password, or nobody answers in
  /// time; cancelled
  static Async<std::shared_ptr<HeldSession>> attach(asio::any_io_executor executor,
                                                    FileHandle socket,
                                                    std::string proof,
                                                    async::Duration limit);
  HeldSession(const asio::any_io_executor& executor, FileHandle socket);
  HeldSession(const HeldSession&) = delete;
  HeldSession& operator=(const HeldSession&) = delete;
  ~HeldSession() override = default;

  [[nodiscard]] const HeldInfo& info() const { return info_; }

  /// The command does nothing before its input comes: the holder may have started it already.
  Async<std::shared_ptr<Pipe>> exec(std::string command,
                                    std::string ahead,
                                    Pipe::Consumer consumer) override;
  /// Starts a command now.
  /// @return nothing when the host has certainly seen nothing of the command, so that it may be
  /// started another way
  Async<std::shared_ptr<Pipe>> exec_if_alive(std::string command,
                                             std::string ahead,
                                             Pipe::Consumer consumer);
  void release(const std::shared_ptr<Pipe>& pipe) override;
  void fail(Error error) override;
  /// Leaves the connection to its holder.
  void close() override;
  /// Has the holder end the connection.
  void end();
  [[nodiscard]] const std::optional<Error>& failure() const override { return failure_; }
  [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }

 private:
  friend class HeldPipe;

  Async<void> greet(std::string proof);
  Async<std::shared_ptr<Pipe>> ask(HoldType type, HoldExec request, Pipe::Consumer consumer);
  void read();
  void take(const HoldFrame& frame);
  void take_for(HeldPipe& pipe, const HoldFrame& frame);
  /// Bytes that wait leave as soon as the socket takes them.
  void kick();
  /// They may wait for more.
  void kick_soon();
  void fill();
  void on_written();

  asio::any_io_executor executor_;
  asio::local::stream_protocol::socket socket_;
  async::Condition changed_;
  HoldDecoder decoder_;
  std::array<char, 64U << 10U> input_{};
  std::string outbox_;   ///< frames that are ready
  std::string writing_;  ///< those being written
  std::map<std::uint32_t, std::shared_ptr<HeldPipe>> pipes_;
  HeldInfo info_;
  std::optional<Error> failure_;
  bool is_certain_ = false;  ///< the holder has said so: what was not started will not be
  Gathering gathering_;
  std::uint32_t last_number_ = 0;
  bool is_attached_ = false;
  bool is_posted_ = false;
};

}  // namespace gpustack::transport
