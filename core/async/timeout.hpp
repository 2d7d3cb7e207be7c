#pragma once
/// @file with_timeout: an operation that must end within a duration.

#include "core/async/event.hpp"

#include <memory>
#include <utility>

namespace gpustack::async {

namespace detail {

/// A child on its own, so that it can be stopped without stopping its parent.
/// The parent waits for its end in every case, so what the child refers to stays alive.
class Child {
 public:
  explicit Child(const asio::any_io_executor& executor) : ended_(executor) {}

  /// `self` is kept until the child has ended.
  static void start(const std::shared_ptr<Child>& self,
                    const asio::any_io_executor& executor,
                    asio::awaitable<void> work);
  void stop() { signal_.emit(asio::cancellation_type::terminal); }
  Event& ended() { return ended_; }

 private:
  asio::cancellation_signal signal_;
  Event ended_;
};

/// Waits for the child; a cancel of the caller is passed on to the child once.
/// @return true when the child ended by itself before `deadline`
asio::awaitable<bool> wait_for_child(std::shared_ptr<Child> child, Clock::time_point deadline);

}  // namespace detail

/// Runs `work`; when it has not ended after `duration` it is stopped and `late` is the result.
/// A result that is there in spite of the stop is not thrown away.
/// @error cancelled  the caller was stopped; `work` was stopped too and has ended
template <typename T>
Async<T> with_timeout(Duration duration, Async<T> work, Error late) {
  if (co_await is_cancelled()) co_return cancelled_error();
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::optional<Result<T>> result;
  auto child = std::make_shared<detail::Child>(executor);
  auto wrapped = detail::run_into(std::move(work), &result);
  detail::Child::start(child, executor, std::move(wrapped));
  auto waiting = detail::wait_for_child(child, Clock::now() + duration);
  const bool was_in_time = co_await std::move(waiting);
  if (!result) result.emplace(cancelled_error());  // stopped before its first step
  const bool was_stopped = !result->has_value() && result->error().code() == ErrorCode::cancelled;
  if (!was_in_time && was_stopped && !co_await is_cancelled()) co_return std::move(late);
  co_return std::move(*result);
}

}  // namespace gpustack::async
