#include "core/transport/gathering.hpp"

#include <gtest/gtest.h>

namespace gpustack::transport {
namespace {

struct Waiting {
  asio::io_context context;
  Gathering gathering{context.get_executor()};
  int due = 0;

  bool add(std::size_t queued) {
    return gathering.add(queued, [this] { ++due; });
  }
};

TEST(Gathering, IsDueOnceForAllThatWaits) {
  Waiting waiting;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(waiting.add(100));
  EXPECT_TRUE(waiting.add(200));
  EXPECT_TRUE(waiting.gathering.waits());
  waiting.context.run();
  EXPECT_EQ(waiting.due, 1);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, Gathering::kAtMost);
}

TEST(Gathering, BeginsAnewAfterItsEnd) {
  Waiting waiting;
  EXPECT_TRUE(waiting.add(100));
  waiting.gathering.end();
  EXPECT_FALSE(waiting.gathering.waits());
  EXPECT_TRUE(waiting.add(100));
  waiting.context.run();
  EXPECT_EQ(waiting.due, 1) << "the first time was forgotten";
}

TEST(Gathering, DoesNotWaitForMoreThanEnough) {
  Waiting waiting;
  EXPECT_FALSE(waiting.add(Gathering::kEnough));
  EXPECT_FALSE(waiting.gathering.waits());
  waiting.context.run();
  EXPECT_EQ(waiting.due, 0);
}

}  // namespace
}  // namespace gpustack::transport
