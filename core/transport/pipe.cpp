#include "core/transport/pipe.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::transport {

std::string ExitStatus::text() const {
  if (!signal.empty()) return fmt::format("signal {}", signal);
  return code >= 0 ? fmt::format("exit code {}", code) : std::string("no exit code");
}

Async<void> write_all(Pipe& pipe, std::string_view bytes, async::Duration stall) {
  constexpr std::size_t kPiece = 32U << 10U;
  // Hosts take a runner by the hundred, and what a link needs ahead is in the kernel's buffers.
  constexpr std::size_t kAhead = 32U << 10U;
  static_assert(kAhead <= kMostQueued);
  async::Clock::time_point last_progress = async::Clock::now();
  std::size_t last_queued = pipe.queued();
  while (!bytes.empty() || pipe.queued() > 0) {
    while (!bytes.empty() && pipe.queued() + kPiece <= kAhead) {
      pipe.write(bytes.substr(0, kPiece));
      bytes.remove_prefix(std::min(kPiece, bytes.size()));
    }
    if (pipe.failure()) co_return *pipe.failure();
    if (pipe.has_ended()) {
      co_return Error(ErrorCode::connection_lost,
                      fmt::format("the program on the host ended: {}", pipe.exit_status().text()));
    }
    const std::size_t queued = pipe.queued();
    if (queued == 0 && bytes.empty()) break;
    if (queued != last_queued) last_progress = async::Clock::now();
    last_queued = queued;
    const async::Clock::time_point deadline = last_progress + stall;
    GS_CO_TRY(const bool was_notified, co_await pipe.changed().wait_until(deadline));
    if (!was_notified && pipe.queued() == last_queued && async::Clock::now() >= deadline) {
      co_return Error(ErrorCode::transport_timeout,
                      fmt::format("no progress in sending for {} s",
                                  std::chrono::duration_cast<std::chrono::seconds>(stall).count()));
    }
  }
  co_return Result<void>();
}

}  // namespace gpustack::transport
