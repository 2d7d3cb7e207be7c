#pragma once
/// @file One direction of a slow link: when bytes that are sent now arrive.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gpustack::bench {

/// Everything that is sent in one direction to or from one host, whatever its connection, shares
/// the direction's rate. No I/O, no clock of its own.
class Link {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// @param bytes_per_second  0 = no limit
  Link(Duration delay, std::uint64_t bytes_per_second)
      : delay_(delay), bytes_per_second_(bytes_per_second) {}

  /// When the last of `size` bytes that are sent at `now` is at the other end. What is sent later
  /// arrives later.
  Time arrival(Time now, std::size_t size) {
    bytes_ += size;
    if (bytes_per_second_ == 0) return now + delay_;
    const std::chrono::duration<double> takes(static_cast<double>(size) /
                                              static_cast<double>(bytes_per_second_));
    busy_until_ = std::max(now, busy_until_) + std::chrono::duration_cast<Duration>(takes);
    return busy_until_ + delay_;
  }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] Duration delay() const { return delay_; }

 private:
  Duration delay_;
  std::uint64_t bytes_per_second_;
  Time busy_until_;
  std::uint64_t bytes_ = 0;
};

}  // namespace gpustack::bench
