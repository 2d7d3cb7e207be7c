#pragma once
/// @file Async<T>, and how a coroutine waits, sleeps, is stopped and is started.

#include "core/async/asio.hpp"
#include "core/base/result.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace gpustack::async {

/// A coroutine that ends with a Result. Waiting for it: `Result<T> r = co_await work();`.
template <typename T>
using Async = asio::awaitable<Result<T>>;

/// Completion token: the operation's outcome as a tuple, never as an exception.
inline constexpr auto kAsResult = asio::as_tuple(asio::use_awaitable);

using Clock = std::chrono::steady_clock;
using Duration = Clock::duration;

/// The error every operation reports once its coroutine was stopped.
Error cancelled_error();

/// Whether the running coroutine was asked to stop. Cancel is terminal: once true it stays true.
asio::awaitable<bool> is_cancelled();

/// Waits; zero or less yields once to the other work of the strand.
/// @error cancelled
Async<void> sleep_for(Duration duration);

/// Runs the whole of `context` until `work` ends, and returns its result. For `main` and tests.
template <typename T>
Result<T> run_to_end(asio::io_context& context, Async<T> work);

namespace detail {

/// A child that was stopped before its first step ends by Asio's exception; any other exception is
/// a bug and goes on.
void rethrow_unless_stopped(const std::exception_ptr& failure);

/// Sets up a child: a cancel must reach it as a Result, never as an exception out of a co_await.
template <typename T>
asio::awaitable<void> run_into(Async<T> work, std::optional<Result<T>>* out) {
  co_await asio::this_coro::throw_if_cancelled(false);
  Result<T> result = co_await std::move(work);
  out->emplace(std::move(result));
}

}  // namespace detail

template <typename T>
Result<T> run_to_end(asio::io_context& context, Async<T> work) {
  std::optional<Result<T>> result;
  bool is_done = false;
  auto child = detail::run_into(std::move(work), &result);
  asio::co_spawn(context, std::move(child), [&](const std::exception_ptr& failure) {
    is_done = true;
    detail::rethrow_unless_stopped(failure);
  });
  context.restart();
  while (!is_done && context.run_one() > 0) {
  }
  GS_ASSERT(result.has_value(), "a coroutine that waits for nothing cannot go on");
  return std::move(*result);
}

}  // namespace gpustack::async

namespace gpustack {
using async::Async;
}
