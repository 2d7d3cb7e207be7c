#pragma once
/// @file Targets on real connections: frames to and from a runner, one connection per host and
/// settings.

#include "core/engine/run.hpp"
#include "core/transport/connector.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gpustack::engine {

/// Opens connections through a transport::Connector and keeps them for the run.
/// Thread: the strand of the executor.
class LiveTargetPool final : public TargetPool {
 public:
  LiveTargetPool(const asio::any_io_executor& executor, transport::ConnectorSettings settings);
  ~LiveTargetPool() override;

  /// Where contents that runners ask for come from. Called once, before the first get(). Outlives
  /// the pool.
  void serve(const ContentStore& contents) { contents_ = &contents; }

  /// `told` hears each command that starts a child runner for `become`; what it refers to outlives
  /// the tasks.
  void on_become(std::function<void(const std::string& host, const std::string& command)> told) {
    on_become_ = std::move(told);
  }

  Async<Target*> get(std::string host, ConnectionSettings settings) override;
  Async<void> close_all() override;
  /// After close_all(): the logins that a later run may use.
  std::vector<transport::HeldConnection> take_kept();

 private:
  class Live;
  asio::any_io_executor executor_;
  std::chrono::milliseconds ping_interval_;
  transport::Connector connector_;
  const ContentStore* contents_ = nullptr;
  std::function<void(const std::string& host, const std::string& command)> on_become_;
  std::map<std::string, std::shared_ptr<Live>> targets_;
};

}  // namespace gpustack::engine
