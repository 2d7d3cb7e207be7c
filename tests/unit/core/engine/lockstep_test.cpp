#include "core/engine/lockstep.hpp"

#include "core/async/task_group.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace gpustack::engine {
namespace {

using namespace std::chrono_literals;

/// Goes through `steps` positions; before the n-th it takes `pauses[n]` to come.
Async<void> go_through(Lockstep* lockstep,
                       std::size_t member,
                       std::vector<async::Duration> pauses,
                       std::string* log) {
  for (std::uint32_t step = 0; step < pauses.size(); ++step) {
    GS_CO_TRY_VOID(co_await async::sleep_for(pauses[step]));
    GS_CO_TRY_VOID(co_await lockstep->arrive(member, Position(1, step)));
    lockstep->go_on(member);
    *log += std::to_string(step) + static_cast<char>('a' + member) + " ";
  }
  lockstep->leave(member);
  co_return Result<void>();
}

Async<void> go_all(Lockstep::Mode mode,
                   std::vector<std::vector<async::Duration>> hosts,
                   std::string* log) {
  const auto executor = co_await asio::this_coro::executor;
  Lockstep lockstep(executor, hosts.size(), mode);
  async::TaskGroup group(executor, hosts.size());
  for (std::size_t member = 0; member < hosts.size(); ++member) {
    auto work = go_through(&lockstep, member, hosts[member], log);
    group.spawn_now(std::move(work));
  }
  co_return co_await group.join();
}

std::string order_of(Lockstep::Mode mode, std::vector<std::vector<async::Duration>> hosts) {
  asio::io_context context;
  std::string log;
  EXPECT_TRUE(async::run_to_end(context, go_all(mode, std::move(hosts), &log)).has_value());
  return log;
}

TEST(Lockstep, StartsEachTaskInBatchOrderWhoeverComesLast) {
  EXPECT_EQ(order_of(Lockstep::Mode::linear, {{9ms, 1ms, 1ms}, {1ms, 9ms, 1ms}, {5ms, 5ms, 1ms}}),
            "0a 0b 0c 1a 1b 1c 2a 2b 2c ");
}

TEST(Lockstep, StartsManyHostsInBatchOrderWhenTheLastOfTheBatchIsTheLastToCome) {
  EXPECT_EQ(order_of(Lockstep::Mode::linear,
                     {{1ms, 1ms}, {2ms, 2ms}, {1ms, 3ms}, {3ms, 1ms}, {5ms, 9ms}}),
            "0a 0b 0c 0d 0e 1a 1b 1c 1d 1e ");
}

TEST(Lockstep, LetsAHostGoOnAloneWhereOthersHaveLeft) {
  EXPECT_EQ(order_of(Lockstep::Mode::linear, {{1ms}, {1ms, 1ms}}), "0a 0b 1b ");
}

TEST(Lockstep, WaitsForNobodyWhenFree) {
  EXPECT_EQ(order_of(Lockstep::Mode::free, {{40ms}, {1ms, 1ms}}), "0b 1b 0a ");
}

/// Leaves slow hosts behind every few milliseconds, until nobody is left.
Async<void> watch(Lockstep* lockstep) {
  while (lockstep->members_left() > 0) {
    GS_CO_TRY_VOID(co_await async::sleep_for(10ms));
    lockstep->leave_slow_behind();
  }
  co_return Result<void>();
}

/// As order_of(), with hosts that are left behind. The tasks of `meetings` are for all hosts.
std::string order_with_watch(std::vector<std::vector<async::Duration>> hosts,
                             std::set<std::uint32_t> meetings) {
  asio::io_context context;
  std::string log;
  auto member = [&](Lockstep* lockstep, std::size_t number) -> Async<void> {
    for (std::uint32_t step = 0; step < hosts[number].size(); ++step) {
      const auto meeting =
          meetings.contains(step) ? Lockstep::Meeting::all : Lockstep::Meeting::company;
      GS_CO_TRY_VOID(co_await lockstep->arrive(number, Position(1, step), meeting));
      lockstep->go_on(number);
      log += std::to_string(step) + static_cast<char>('a' + number) + " ";
      GS_CO_TRY_VOID(co_await async::sleep_for(hosts[number][step]));
    }
    lockstep->leave(number);
    co_return Result<void>();
  };
  auto all = [&]() -> Async<void> {
    const auto executor = co_await asio::this_coro::executor;
    Lockstep lockstep(executor, hosts.size(), Lockstep::Mode::linear);
    async::TaskGroup group(executor, hosts.size() + 1);
    for (std::size_t number = 0; number < hosts.size(); ++number)
      group.spawn_now(member(&lockstep, number));
    group.spawn_now(watch(&lockstep));
    co_return co_await group.join();
  };
  EXPECT_TRUE(async::run_to_end(context, all()).has_value());
  return log;
}

TEST(Lockstep, LeavesAHostBehindThatKeepsTheOthersWaiting) {
  EXPECT_EQ(order_with_watch({{300ms, 1ms, 1ms}, {1ms, 1ms, 1ms}}, {}), "0a 0b 1b 2b 1a 2a ");
}

TEST(Lockstep, MeetsAgainWithTheHostLeftBehindWhereAllHostsTakePart) {
  EXPECT_EQ(order_with_watch({{300ms, 1ms, 1ms, 1ms}, {1ms, 1ms, 1ms, 1ms}}, {2}),
            "0a 0b 1b 1a 2a 2b 3a 3b ");
}

TEST(Lockstep, KeepsHostsTogetherThatMoveBetweenTwoLooks) {
  EXPECT_EQ(order_with_watch({{3ms, 3ms, 3ms}, {1ms, 1ms, 1ms}}, {}), "0a 0b 1a 1b 2a 2b ");
}

}  // namespace
}  // namespace gpustack::engine
