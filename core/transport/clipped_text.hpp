#pragma once
/// @file ClippedText: output of any length, of which the beginning and the end are kept.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gpustack::transport {

class ClippedText {
 public:
  explicit ClippedText(std::size_t keep_each = 64U << 10U) : keep_(keep_each) {}

  void append(std::string_view bytes) {
    const std::size_t into_head =
        bytes.size() < keep_ - head_.size() ? bytes.size() : keep_ - head_.size();
    head_ += bytes.substr(0, into_head);
    tail_ += bytes.substr(into_head);
    if (tail_.size() > 2 * keep_) {
      dropped_ += tail_.size() - keep_;
      tail_.erase(0, tail_.size() - keep_);
    }
  }

  /// Everything, or the beginning and the end around a line that says how much is missing.
  [[nodiscard]] std::string text() const {
    if (dropped_ == 0) return head_ + tail_;
    return head_ + "\n[" + std::to_string(dropped_) + " bytes left out]\n" + tail_;
  }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] bool empty() const { return head_.empty(); }

 private:
  std::size_t keep_;
  std::string head_;
  std::string tail_;
  std::uint64_t dropped_ = 0;
};

}  // namespace gpustack::transport
