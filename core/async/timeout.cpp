#include "core/async/timeout.hpp"

namespace gpustack::async::detail {

void Child::start(const std::shared_ptr<Child>& self,
                  const asio::any_io_executor& executor,
                  asio::awaitable<void> work) {
  auto on_end = [self](const std::exception_ptr& failure) {
    self->ended_.set();
    rethrow_unless_stopped(failure);
  };
  asio::co_spawn(executor,
                 std::move(work),
                 asio::bind_cancellation_slot(self->signal_.slot(), std::move(on_end)));
}

asio::awaitable<bool> wait_for_child(std::shared_ptr<Child> child, Clock::time_point deadline) {
  bool was_stopped = false;
  bool was_in_time = true;
  while (!child->ended().is_set()) {
    co_await child->ended().wait_shielded_until(was_stopped ? Clock::time_point::max() : deadline);
    if (child->ended().is_set()) break;
    const bool is_late = Clock::now() >= deadline;
    if (!was_stopped && (is_late || co_await is_cancelled())) {
      was_stopped = true;
      was_in_time = !is_late;
      child->stop();
    }
  }
  co_return was_in_time;
}

}  // namespace gpustack::async::detail
