#pragma once
/// @file Pool and on_pool: calls that block, away from the event loop.

#include "core/async/event.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace gpustack::async {

/// A few named threads for calls that cannot be made non-blocking (key decryption, name resolution,
/// SQLite). Thread: any. The destructor waits for the calls that run.
class Pool {
 public:
  /// @param name     at most 15 characters, shown by `ps -L` and debuggers
  /// @param threads  at most so many; each starts when a call finds none free
  Pool(const std::string& name, std::size_t threads);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  void post(std::function<void()> call);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs `call` on `pool` and comes back to the coroutine's strand with its result.
/// @param call  returns Result<T>; owns what it touches, since a stopped caller does not wait for
/// it
/// @error cancelled  the caller was stopped; the call ends alone and its result is dropped
template <typename Call>
auto on_pool(Pool& pool, Call call) -> asio::awaitable<std::invoke_result_t<Call>> {
  using Outcome = std::invoke_result_t<Call>;
  struct Shared {
    Shared(asio::any_io_executor executor, Call work)
        : done(std::move(executor)), call(std::move(work)) {}
    Event done;
    Call call;
    std::optional<Outcome> outcome;
  };
  if (co_await is_cancelled()) co_return cancelled_error();
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  // Shared: the caller may leave before the thread is done.
  auto shared = std::make_shared<Shared>(executor, std::move(call));
  std::function<void()> job = [shared, executor] {
    shared->outcome.emplace(shared->call());
    asio::post(executor, [shared] { shared->done.set(); });
  };
  pool.post(std::move(job));
  const Result<void> waited = co_await shared->done.wait();
  if (!waited) co_return waited.error();
  co_return std::move(*shared->outcome);
}

}  // namespace gpustack::async
