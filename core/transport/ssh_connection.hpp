#pragma once
/// @file SshConnection: a host reached over SSH.

#include "core/transport/bootstrap.hpp"
#include "core/transport/connection.hpp"
#include "core/transport/connector_shared.hpp"
#include "core/transport/dial.hpp"
#include "core/transport/held_session.hpp"
#include "core/transport/runner_link.hpp"
#include "core/transport/ssh_auth.hpp"
#include "core/transport/ssh_session.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gpustack::transport {

class Bastion;

class SshConnection : public Connection {
 public:
  SshConnection(std::shared_ptr<Connector::Shared> shared, Target target);
  SshConnection(const SshConnection&) = delete;
  SshConnection& operator=(const SshConnection&) = delete;
  ~SshConnection() override;

  Async<void> connect() override;
  Async<wire::Frame> open(std::string hello) override;
  Async<void> send(wire::Frame frame, Leave leave) override;
  bool try_send(const wire::Frame& frame, Leave leave) override;
  void hurry() override;
  Async<wire::Frame> receive() override;
  Async<CommandOutput> exec_raw(std::string command,
                                std::string input,
                                std::chrono::milliseconds limit) override;
  asio::awaitable<void> close() override;
  asio::awaitable<void> keep() override;
  [[nodiscard]] bool is_open() const override {
    return is_open_ && !is_closed_ && way_ != nullptr && !way_->failure();
  }
  [[nodiscard]] const OpenReport& report() const override { return report_; }
  /// For what goes through this host; connect() has succeeded.
  [[nodiscard]] const std::shared_ptr<SshSession>& session() const { return session_; }
  [[nodiscard]] const std::shared_ptr<Bastion>& bastion() const { return bastion_; }
  /// Gives up the session without closing it. @return nothing when there is none that is sound
  std::shared_ptr<SshSession> give_session();
  /// The keys that this host and the jump hosts before it have shown.
  [[nodiscard]] std::vector<HeldKey> keys() const;
  /// Whether known_hosts, as it is now, lets all these keys pass: this host's, and those of the
  /// jump hosts before it.
  bool would_accept(std::span<const HeldKey> keys);

 private:
  struct Start;

  Async<void> connect_with_retries();
  Async<void> connect_once();
  Async<DialledSocket> reach();
  Async<void> shake_hands(FileHandle socket,
                          std::string address,
                          std::chrono::milliseconds banner_limit);
  Async<void> check_host_key();
  Result<void> judge(const HostKey& key, const HostKeyVerdict& verdict);
  [[nodiscard]] Identity identity() const;
  [[nodiscard]] std::vector<std::string> known_hosts_files() const;

  Async<bool> take_held();
  [[nodiscard]] std::chrono::milliseconds hello_limit() const;
  void forget_held();
  [[nodiscard]] std::string held_name() const;
  [[nodiscard]] std::string secret_proof() const;
  [[nodiscard]] bool may_be_held() const;
  void leave_held();
  asio::awaitable<void> say_goodbye();

  Async<wire::Frame> start_runner(const std::string& hello);
  Async<std::shared_ptr<Pipe>> exec(std::string command, Pipe::Consumer consumer);
  Async<wire::Frame> try_runner(std::shared_ptr<Start> start, const std::string& hello);
  Async<BootstrapAnswer> next_answer(std::shared_ptr<Start> start);
  Async<void> upload(std::shared_ptr<Start> start, BootstrapAnswer need);
  /// The runner, as a gzip file where that is wanted; read once for all hosts.
  Async<std::shared_ptr<const std::string>> bytes_of(const RunnerBinary& binary, bool is_packed);

  Error describe(Error error) const;
  void drop();

  std::shared_ptr<Connector::Shared> shared_;  // until the last handler has run
  Target target_;
  std::shared_ptr<Bastion> bastion_;     // shared with the other hosts behind it
  std::shared_ptr<SshSession> session_;  // our own login
  std::shared_ptr<HeldSession> held_;    // or that of an earlier run
  std::shared_ptr<ExecSession> way_;     // whichever of them it is
  std::shared_ptr<Pipe> runner_;
  std::shared_ptr<RunnerLink> link_;
  OpenReport report_;
  std::optional<HostKey> key_;
  std::string start_command_;  ///< that finds the runner where it is now
  bool was_refused_ = false;
  bool is_connected_ = false;
  bool is_open_ = false;
  bool is_closed_ = false;
};

}  // namespace gpustack::transport
