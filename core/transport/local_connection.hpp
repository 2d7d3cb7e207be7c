#pragma once
/// @file LocalConnection: the machine gpustack runs on, for `connection: local`.

#include "core/transport/connection.hpp"
#include "core/transport/connector_shared.hpp"
#include "core/transport/process_pipe.hpp"
#include "core/transport/runner_link.hpp"

#include <memory>
#include <string>

namespace gpustack::transport {

class LocalConnection : public Connection {
 public:
  LocalConnection(std::shared_ptr<Connector::Shared> shared, Target target);
  LocalConnection(const LocalConnection&) = delete;
  LocalConnection& operator=(const LocalConnection&) = delete;
  ~LocalConnection() override;

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
  asio::awaitable<void> keep() override { return close(); }
  [[nodiscard]] bool is_open() const override {
    return runner_ != nullptr && !runner_->has_ended();
  }
  [[nodiscard]] const OpenReport& report() const override { return report_; }

 private:
  void drop();

  std::shared_ptr<Connector::Shared> shared_;
  Target target_;
  std::shared_ptr<ProcessPipe> runner_;
  std::shared_ptr<RunnerLink> link_;
  OpenReport report_;
  bool is_closed_ = false;
};

}  // namespace gpustack::transport
