#include "core/async/async.hpp"

#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/async/task_group.hpp"
#include "core/async/timeout.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <optional>
#include <thread>

namespace gpustack::async {
namespace {

using namespace std::chrono_literals;

Async<int> answer_after(Duration duration, int answer) {
  GS_CO_TRY_VOID(co_await sleep_for(duration));
  co_return answer;
}

Async<int> answer_within(Duration limit, Duration duration) {
  auto work = answer_after(duration, 7);
  Error late(ErrorCode::transport_timeout, "too late");
  auto limited = with_timeout(limit, std::move(work), std::move(late));
  co_return co_await std::move(limited);
}

TEST(Async, RunToEndGivesTheResult) {
  asio::io_context context;

  const Result<int> result = run_to_end(context, answer_after(1ms, 42));

  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(*result, 42);
}

TEST(WithTimeout, PassesAResultThatIsInTime) {
  asio::io_context context;

  EXPECT_EQ(run_to_end(context, answer_within(10s, 1ms)).value(), 7);
}

TEST(WithTimeout, StopsWorkThatIsLate) {
  asio::io_context context;
  const auto start = Clock::now();

  const Result<int> result = run_to_end(context, answer_within(10ms, 60s));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::transport_timeout);
  EXPECT_LT(Clock::now() - start, 10s);
}

Async<void> count_up(int* running, int* most, int* done) {
  *most = std::max(*most, ++*running);
  const Result<void> slept = co_await sleep_for(2ms);
  --*running;
  if (slept) ++*done;
  co_return slept;
}

Async<void> run_many(int count, std::size_t limit, int* most, int* done) {
  TaskGroup group(co_await asio::this_coro::executor, limit);
  int running = 0;
  for (int i = 0; i < count; ++i) {
    auto work = count_up(&running, most, done);
    GS_CO_TRY_VOID(co_await group.spawn(std::move(work)));
  }
  co_return co_await group.join();
}

TEST(TaskGroup, RunsAtMostItsLimitAtATime) {
  asio::io_context context;
  int most = 0;
  int done = 0;

  ASSERT_TRUE(run_to_end(context, run_many(20, 3, &most, &done)).has_value());

  EXPECT_EQ(done, 20);
  EXPECT_EQ(most, 3);
}

Async<void> fail_soon() {
  GS_CO_TRY_VOID(co_await sleep_for(1ms));
  co_return Error(ErrorCode::engine, "no luck");
}

Async<void> sleep_long(bool* was_cancelled) {
  const Result<void> slept = co_await sleep_for(60s);
  *was_cancelled = !slept && slept.error().code() == ErrorCode::cancelled;
  co_return slept;
}

Async<void> fail_beside_sleeper(bool* was_cancelled) {
  TaskGroup group(co_await asio::this_coro::executor, 8, TaskGroup::OnError::stop_all);
  group.spawn_now(sleep_long(was_cancelled));
  group.spawn_now(fail_soon());
  co_return co_await group.join();
}

TEST(TaskGroup, StopsTheOthersWhenAskedToAndReportsTheFirstError) {
  asio::io_context context;
  bool was_cancelled = false;

  const Result<void> result = run_to_end(context, fail_beside_sleeper(&was_cancelled));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::engine);
  EXPECT_TRUE(was_cancelled);
}

Async<void> group_of_sleepers(bool* first, bool* second) {
  TaskGroup group(co_await asio::this_coro::executor, 8);
  group.spawn_now(sleep_long(first));
  group.spawn_now(sleep_long(second));
  co_return co_await group.join();
}

Async<void> stop_group_late(bool* first, bool* second) {
  auto work = group_of_sleepers(first, second);
  Error late(ErrorCode::transport_timeout, "late");
  auto limited = with_timeout(5ms, std::move(work), std::move(late));
  co_return co_await std::move(limited);
}

TEST(TaskGroup, PassesACancelOfItsParentToEveryChild) {
  asio::io_context context;
  bool first = false;
  bool second = false;

  const Result<void> result = run_to_end(context, stop_group_late(&first, &second));

  EXPECT_FALSE(result.has_value());
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}

Async<void> stop_before_start(bool* was_cancelled) {
  TaskGroup group(co_await asio::this_coro::executor, 8);
  group.spawn_now(sleep_long(was_cancelled));
  group.stop();
  co_return co_await group.join();
}

TEST(TaskGroup, AChildStoppedBeforeItsFirstStepReportsCancelled) {
  asio::io_context context;
  bool was_cancelled = false;

  const Result<void> result = run_to_end(context, stop_before_start(&was_cancelled));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::cancelled);
}

Async<bool> wait_for_notice(Condition* condition, Duration limit) {
  co_return co_await condition->wait_until(Clock::now() + limit);
}

TEST(Condition, WaitUntilEndsAtTheDeadline) {
  asio::io_context context;
  Condition condition(context.get_executor());

  EXPECT_FALSE(run_to_end(context, wait_for_notice(&condition, 5ms)).value());
}

TEST(Condition, WaitUntilEndsWithTheNotification) {
  asio::io_context context;
  Condition condition(context.get_executor());
  asio::post(context, [&] { asio::post(context, [&] { condition.notify_all(); }); });

  EXPECT_TRUE(run_to_end(context, wait_for_notice(&condition, 30s)).value());
}

TEST(Condition, ForgetsWaitersThatLeft) {
  asio::io_context context;
  Condition condition(context.get_executor());

  ASSERT_TRUE(run_to_end(context, wait_for_notice(&condition, 1ms)).has_value());

  EXPECT_FALSE(condition.has_waiters());
}

Async<void> hold(Gate* gate, int* inside, int* most) {
  GS_CO_TRY(const Gate::Pass pass, co_await gate->enter());
  *most = std::max(*most, ++*inside);
  GS_CO_TRY_VOID(co_await sleep_for(1ms));
  --*inside;
  co_return Result<void>();
}

Async<void> crowd(Gate* gate, int* most) {
  TaskGroup group(co_await asio::this_coro::executor, 100);
  int inside = 0;
  for (int i = 0; i < 10; ++i) group.spawn_now(hold(gate, &inside, most));
  co_return co_await group.join();
}

/// Says when it is gone.
struct Witness {
  explicit Witness(bool* gone) : is_gone(gone) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { *is_gone = true; }
  bool* is_gone;
};

Async<void> wait_as(Event* event, bool* is_gone) {
  const Witness witness(is_gone);
  co_return co_await event->wait();
}

TEST(Event, AContextThatEndsTakesThoseWhoWaitWithIt) {
  std::optional<asio::io_context> context(std::in_place);
  Event event(context->get_executor());
  bool is_gone = false;
  auto work = wait_as(&event, &is_gone);
  asio::co_spawn(*context, std::move(work), [](const std::exception_ptr&, const Result<void>&) {});
  context->poll();
  EXPECT_FALSE(is_gone);

  context.reset();

  EXPECT_TRUE(is_gone);
}

Async<void> set_and_reset(Event* event) {
  event->set();
  GS_CO_TRY_VOID(co_await event->wait());
  event->reset();
  auto work = event->wait();
  Error late(ErrorCode::transport_timeout, "late");
  auto limited = with_timeout(5ms, std::move(work), std::move(late));
  co_return co_await std::move(limited);
}

TEST(Event, IsWaitedForAnewAfterAReset) {
  asio::io_context context;
  Event event(context.get_executor());

  const Result<void> result = run_to_end(context, set_and_reset(&event));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::transport_timeout);
}

TEST(Gate, LetsInNoMoreThanItsLimit) {
  asio::io_context context;
  Gate gate(context.get_executor(), 4);
  int most = 0;

  ASSERT_TRUE(run_to_end(context, crowd(&gate, &most)).has_value());

  EXPECT_EQ(most, 4);
}

Async<std::thread::id> thread_of_call(Pool* pool) {
  auto call = [] { return Result<std::thread::id>(std::this_thread::get_id()); };
  co_return co_await on_pool(*pool, std::move(call));
}

TEST(Pool, RunsTheCallOnAnotherThread) {
  asio::io_context context;
  Pool pool("test", 1);

  const Result<std::thread::id> result = run_to_end(context, thread_of_call(&pool));

  ASSERT_TRUE(result.has_value());
  EXPECT_NE(*result, std::this_thread::get_id());
}

Async<int> slow_call(Pool* pool) {
  auto call = [] {
    std::this_thread::sleep_for(200ms);
    return Result<int>(1);
  };
  auto work = on_pool(*pool, std::move(call));
  Error late(ErrorCode::transport_timeout, "late");
  auto limited = with_timeout(5ms, std::move(work), std::move(late));
  co_return co_await std::move(limited);
}

TEST(Pool, ACallerThatIsStoppedDoesNotWaitForTheCall) {
  asio::io_context context;
  Pool pool("test", 1);
  const auto start = Clock::now();

  const Result<int> result = run_to_end(context, slow_call(&pool));

  EXPECT_FALSE(result.has_value());
  EXPECT_LT(Clock::now() - start, 150ms);
}

}  // namespace
}  // namespace gpustack::async
