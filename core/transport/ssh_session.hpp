#pragma once
/// @file SshSession: libssh driven by readiness, without blocking; and its exec channels.

#include "core/async/net.hpp"
#include "core/async/pool.hpp"
#include "core/transport/exec_session.hpp"
#include "core/transport/gathering.hpp"
#include "core/transport/pipe.hpp"
#include "core/transport/ssh_handle.hpp"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::transport {

class SshSession;

/// One exec channel.
/// Invariant: the callbacks, which run deep inside libssh, only copy and count (L9).
class SshChannel : public Pipe {
 public:
  SshChannel(std::shared_ptr<SshSession> session, Consumer consumer);
  SshChannel(const SshChannel&) = delete;
  SshChannel& operator=(const SshChannel&) = delete;
  ~SshChannel() override = default;

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
  friend class SshSession;

  void queue(std::string_view bytes);
  void install_callbacks();
  /// Hands over what the callbacks collected.
  void deliver();
  /// Gives libssh what it takes now (L14).
  /// @return whether bytes were given
  bool flush(ssh_session session);

  static int on_data(
      ssh_session, ssh_channel, void* data, std::uint32_t length, int is_stderr, void* self);
  static void on_close(ssh_session, ssh_channel, void* self);
  static void on_exit_status(ssh_session, ssh_channel, int status, void* self);
  static void on_exit_signal(ssh_session,
                             ssh_channel,
                             const char* signal,
                             int core,
                             const char* text,
                             const char* lang,
                             void* self);

  std::shared_ptr<SshSession> session_;
  Consumer consumer_;
  async::Condition changed_;
  ssh_channel channel_ = nullptr;  // freed with the session at the latest
  ssh_channel_callbacks_struct callbacks_ = {};
  std::string queue_;
  std::size_t sent_ = 0;
  std::string out_;
  std::string err_;
  ExitStatus exit_;
  bool may_write_ = false;
  bool wants_eof_ = false;
  bool sent_eof_ = false;
  bool was_closed_ = false;
  bool has_ended_ = false;
};

/// One session on one socket.
/// Thread: one strand. Shared: Asio's handlers may outlast the connection.
class SshSession final : public ExecSession, public std::enable_shared_from_this<SshSession> {
 public:
  explicit SshSession(asio::any_io_executor executor);
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;
  ~SshSession() override;

  /// Version exchange and key exchange on a connected socket, up to the server's host key.
  /// @param logins  does the keys' arithmetic, which is most of a login (core/docs/adr/0011)
  /// @error unreachable, connection_lost; was_refused() tells a server that does not want to talk
  /// now
  /// @cancel leaves the session unusable
  Async<void> handshake(FileHandle socket,
                        SshOptions options,
                        std::chrono::milliseconds banner_limit,
                        async::Pool& logins);  // outlived by: Connector
  bool was_refused() const { return was_refused_; }
  std::string server_banner() const;

  ssh_session raw() const { return handle_->session(); }
  const std::shared_ptr<SshHandle>& handle() const { return handle_; }
  /// Repeats `call` until it returns something else than `again` (L10), waiting for the socket in
  /// between.
  Async<int> repeat(std::function<int()> call, int again);
  /// After authentication: from here on the event loop reads and writes.
  void begin_events();

  Async<std::shared_ptr<Pipe>> exec(std::string command,
                                    std::string ahead,
                                    Pipe::Consumer consumer) override;
  /// The two halves of exec(): a channel, whose opening the server has answered, and the command in
  /// it. Where the first one fails, the server has seen nothing of a command.
  Async<std::shared_ptr<SshChannel>> open_channel(Pipe::Consumer consumer);
  Async<void> start(std::shared_ptr<SshChannel> channel, std::string command, std::string ahead);
  /// Opens a connection from the server to `host`.
  /// @error unreachable  the server cannot or may not connect there
  Async<std::shared_ptr<SshChannel>> forward(std::string host,
                                             std::uint16_t port,
                                             Pipe::Consumer consumer);
  void release(const std::shared_ptr<Pipe>& pipe) override;

  /// Waits for readiness of the socket or a change of state.
  Async<void> wait();
  /// Queued bytes leave now.
  void kick();
  /// They may wait for more.
  void kick_soon();
  void close() override;
  /// Closes the descriptors and says nothing: another process has the session now.
  void abandon();
  const std::optional<Error>& failure() const override { return failure_; }
  void fail(Error error) override;
  /// `told` is called once, when the session has failed.
  void on_failure(std::function<void()> told) { on_failure_ = std::move(told); }
  /// Nothing is read nor written until resume(): what comes waits at the host.
  void pause() { is_paused_ = true; }
  void resume();
  /// Asks the server for a sign of life.
  /// @return false when nothing came from it since the last call
  bool ping();
  const asio::any_io_executor& executor() const { return executor_; }

 private:
  friend class SshChannel;

  Result<std::shared_ptr<SshChannel>> make_channel(Pipe::Consumer consumer);
  void arm();
  void on_ready();
  void drive();
  void deliver_all();

  asio::any_io_executor executor_;
  asio::posix::stream_descriptor socket_;
  std::shared_ptr<SshHandle> handle_;
  async::Condition progress_;
  std::vector<std::shared_ptr<SshChannel>> channels_;
  std::optional<Error> failure_;
  Gathering gathering_;
  bool was_refused_ = false;
  bool is_connecting_ = false;
  bool has_events_ = false;
  bool waits_read_ = false;
  bool waits_write_ = false;
  bool is_driving_ = false;
  bool is_posted_ = false;
  bool is_paused_ = false;
  bool was_pinged_ = false;
  std::uint64_t heard_ = 0;  ///< bytes that had come at the last ping
  std::function<void()> on_failure_;
};

}  // namespace gpustack::transport
