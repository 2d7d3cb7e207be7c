#include "core/engine/lockstep.hpp"

#include "core/async/task_group.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gpustack::engine
