#pragma once
/// @file SshConnection: a host reached over SSH.

#include "core/transport/bootstrap.hpp"
#include "core/transport/connection.hpp"
#include "core/transport/connector_shared.hpp"
#include "core/transport/dial.hpp"
#include "core/transport/runner_link.hpp"
#include "core/transport/ssh_auth.hpp"
#include "core/transport/ssh_session.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

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
  Async<void> send(wire::Frame frame) override;
  bool try_send(const wire::Frame& frame) override;
  Async<wire::Frame> receive() override;
  Async<CommandOutput> exec_raw(std::string command,
                                std::string input,
                                std::chrono::milliseconds limit) override;
  asio::awaitable<void> close() override;
  [[nodiscard]] bool is_open() const override {
    return is_open_ && !is_closed_ && session_ != nullptr && !session_->failure();
  }
  [[nodiscard]] const OpenReport& report() const override { return report_; }
  /// For what goes through this host; connect() has succeeded.
  [[nodiscard]] const std::shared_ptr<SshSession>& session() const { return session_; }

 private:
  struct Start;

  Async<void> connect_with_retries();
  Async<void> connect_once();
  Async<DialledSocket> reach();
  Async<void> shake_hands(FileHandle socket, std::string address);
  Async<void> check_host_key();
  Result<void> judge(const HostKey& key, const HostKeyVerdict& verdict);
  [[nodiscard]] Identity identity() const;
  [[nodiscard]] std::vector<std::string> known_hosts_files() const;

  Async<wire::Frame> start_runner(const std::string& hello);
  Async<wire::Frame> try_runner(std::shared_ptr<Start> start, const std::string& hello);
  Async<BootstrapAnswer> next_answer(std::shared_ptr<Start> start);
  Async<void> upload(std::shared_ptr<Start> start, BootstrapAnswer need);
  /// The runner as a gzip file, made once for all hosts.
  Async<std::shared_ptr<const std::string>> packed(const RunnerBinary& binary);

  Error describe(Error error) const;
  void drop();

  std::shared_ptr<Connector::Shared> shared_;  // until the last handler has run
  Target target_;
  std::shared_ptr<Bastion> bastion_;  // shared with the other hosts behind it
  std::shared_ptr<SshSession> session_;
  std::shared_ptr<SshChannel> runner_;
  std::shared_ptr<RunnerLink> link_;
  OpenReport report_;
  bool was_refused_ = false;
  bool is_connected_ = false;
  bool is_open_ = false;
  bool is_closed_ = false;
};

}  // namespace gpustack::transport
