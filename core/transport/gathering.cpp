#include "core/transport/gathering.hpp"

#include <utility>

namespace gpustack::transport {

bool Gathering::add(std::size_t queued, std::function<void()> due) {
  if (queued >= kEnough) return false;
  if (std::exchange(waits_, true)) return true;
  timer_.expires_after(kAtMost);
  timer_.async_wait([due = std::move(due)](boost::system::error_code failure) {
    if (!failure) due();
  });
  return true;
}

}  // namespace gpustack::transport
