// A link delays each piece alike and spaces them by its rate; both without a clock of its own.
#include "tests/bench/link.hpp"

#include <gtest/gtest.h>

namespace gpustack::bench {
namespace {

using std::chrono::milliseconds;

constexpr Link::Time kStart{std::chrono::hours(1)};

TEST(Link, DelaysWhatIsSent) {
  Link link(milliseconds(25), 0);

  EXPECT_EQ(link.arrival(kStart, 1U << 20U), kStart + milliseconds(25));
  EXPECT_EQ(link.arrival(kStart + milliseconds(1), 1), kStart + milliseconds(26));
}

TEST(Link, SendsPiecesOneAfterTheOther) {
  Link link(milliseconds(5), 1000);

  EXPECT_EQ(link.arrival(kStart, 100), kStart + milliseconds(105));
  EXPECT_EQ(link.arrival(kStart, 100), kStart + milliseconds(205));
}

TEST(Link, SavesNothingWhileItIsIdle) {
  Link link(milliseconds(0), 1000);
  link.arrival(kStart, 100);

  EXPECT_EQ(link.arrival(kStart + milliseconds(500), 100), kStart + milliseconds(600));
}

TEST(Link, CountsItsBytes) {
  Link link(milliseconds(0), 0);
  link.arrival(kStart, 3);
  link.arrival(kStart, 4);

  EXPECT_EQ(link.bytes(), 7U);
}

}  // namespace
}  // namespace gpustack::bench
