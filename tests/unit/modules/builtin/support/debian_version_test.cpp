#include "modules/builtin/support/debian_version.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

struct Pair {
  const char* smaller;
  const char* greater;
};

class DebianVersion : public testing::TestWithParam<Pair> {};

TEST_P(DebianVersion, ComesBefore) {
  EXPECT_TRUE(compare_debian_versions(GetParam().smaller, GetParam().greater) < 0);
  EXPECT_TRUE(compare_debian_versions(GetParam().greater, GetParam().smaller) > 0);
}

INSTANTIATE_TEST_SUITE_P(Pairs,
                         DebianVersion,
                         testing::Values(Pair{"1.0", "1.1"},
                                         Pair{"1.9", "1.10"},
                                         Pair{"1.0~rc1", "1.0"},
                                         Pair{"1.0", "1.0a"},
                                         Pair{"1.0a", "1.0+b1"},
                                         Pair{"9", "1:0"},
                                         Pair{"1.0-1", "1.0-1+b1"},
                                         Pair{"580.95.05-0ubuntu1", "580.126.09-0ubuntu1"},
                                         Pair{"5.2.15-2+b8", "5.2.15-2+b13"},
                                         Pair{"1.0-1~bpo12+1", "1.0-1"},
                                         Pair{"1.0.~", "1.0."},
                                         Pair{"0", "00001"}));

TEST(DebianVersionEquality, IgnoresLeadingZerosAndAbsentParts) {
  EXPECT_TRUE(compare_debian_versions("1.01", "1.1") == 0);
  EXPECT_TRUE(compare_debian_versions("0:1.0", "1.0-0") == 0);
}

}  // namespace
}  // namespace gpustack::modules
