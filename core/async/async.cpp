#include "core/async/async.hpp"

namespace gpustack::async {

Error cancelled_error() { return Error(ErrorCode::cancelled, "stopped on request"); }

asio::awaitable<bool> is_cancelled() {
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

Async<void> sleep_for(Duration duration) {
  if (co_await is_cancelled()) co_return cancelled_error();
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(duration);
  co_await timer.async_wait(kAsResult);
  if (co_await is_cancelled()) co_return cancelled_error();
  co_return Result<void>();
}

namespace detail {

void rethrow_unless_stopped(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
}

}  // namespace detail

}  // namespace gpustack::async
