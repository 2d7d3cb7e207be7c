#pragma once
/// @file What may wait a moment before it leaves.

#include "core/async/asio.hpp"

#include <chrono>
#include <cstddef>
#include <functional>

namespace gpustack::transport {

/// Bytes that nobody waits for yet: a play begins its tasks one after the other on all hosts, and a
/// packet for each of them costs controller, sshd and runner more than many tasks do.
/// Thread: one strand.
class Gathering {
 public:
  static constexpr std::size_t kEnough = std::size_t{8} << 10U;
  static constexpr std::chrono::milliseconds kAtMost{5};

  explicit Gathering(const asio::any_io_executor& executor) : timer_(executor) {}

  /// There are more such bytes. @param due  called later, on the strand, when their time is over,
  /// perhaps after they have left
  /// @return whether they wait
  bool add(std::size_t queued, std::function<void()> due);
  /// What waits leaves now.
  void end() { waits_ = false; }
  [[nodiscard]] bool waits() const { return waits_; }

 private:
  asio::steady_timer timer_;
  bool waits_ = false;
};

}  // namespace gpustack::transport
