#include "modules/sdk/output_buffer.hpp"

#include <algorithm>

namespace gpustack::modules {

void OutputBuffer::append(std::string_view text) {
  if (head_.size() < half_) {
    const std::size_t part = std::min(half_ - head_.size(), text.size());
    head_ += text.substr(0, part);
    text.remove_prefix(part);
  }
  if (text.empty()) return;
  tail_ += text;
  if (tail_.size() > 2 * half_) {
    const std::size_t surplus = tail_.size() - half_;
    lost_ += surplus;
    tail_.erase(0, surplus);
  }
}

std::string OutputBuffer::take() {
  if (tail_.size() > half_) {
    lost_ += tail_.size() - half_;
    tail_.erase(0, tail_.size() - half_);
  }
  std::string out = std::move(head_);
  if (lost_ > 0) out += "\n[... " + std::to_string(lost_) + " bytes left out ...]\n";
  return out += tail_;
}

}  // namespace gpustack::modules
