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

struct SharedPacking;

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

  /// `told` hears of each connection that stands.
  void on_open(
      std::function<void(const std::string& host, const transport::OpenReport& report)> told) {
    on_open_ = std::move(told);
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
  std::unique_ptr<SharedPacking> packing_;
  std::function<void(const std::string& host, const std::string& command)> on_become_;
  std::function<void(const std::string& host, const transport::OpenReport& report)> on_open_;
  std::map<std::string, std::shared_ptr<Live>> targets_;
};

}  // namespace gpustack::engine
