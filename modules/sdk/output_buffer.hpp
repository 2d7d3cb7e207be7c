#pragma once
/// @file A program's output within a limit: all of it, or its head and its tail.

#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::modules {

class OutputBuffer {
 public:
  explicit OutputBuffer(std::size_t limit) : half_(limit / 2) {}

  void append(std::string_view text);
  /// Everything, or head, a line that says how much is missing, tail.
  std::string take();

 private:
  std::size_t half_;
  std::string head_;
  std::string tail_;  ///< up to twice `half_`, so that it is not moved at every append
  std::uint64_t lost_ = 0;
};

}  // namespace gpustack::modules
