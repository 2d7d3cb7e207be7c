#include "modules/builtin/support/mig_geometry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace gpustack::modules {
namespace {

using platform::MigShape;
using testing::HasSubstr;

constexpr const char* kH100 = "1g.10gb 1g.10gb+me 1g.20gb 2g.20gb 3g.40gb 4g.40gb 7g.80gb";

MigBoard h100() { return MigBoard::of_table(MigShape::seven_slices, kH100); }

std::string placed(const MigBoard& board, const std::vector<std::string>& wanted) {
  const auto instances = board.place(wanted);
  if (!instances) return instances.error().message();
  std::string out;
  for (const auto& one : *instances)
    out += (out.empty() ? "" : " ") + one.profile + "@" + std::to_string(one.start);
  return out;
}

TEST(MigGeometry, PlacesTheLargestFirst) {
  const MigBoard board = h100();

  EXPECT_EQ(placed(board, {"3g.40gb", "4g.40gb"}), "4g.40gb@0 3g.40gb@4");
  EXPECT_EQ(placed(board, {"7g.80gb"}), "7g.80gb@0");
  EXPECT_EQ(placed(board, {"1g.10gb", "1g.10gb", "2g.20gb", "3g.40gb"}),
            "3g.40gb@4 2g.20gb@0 1g.10gb@2 1g.10gb@3");
  EXPECT_EQ(placed(board, std::vector<std::string>(7, "1g.10gb")),
            "1g.10gb@0 1g.10gb@1 1g.10gb@2 1g.10gb@3 1g.10gb@4 1g.10gb@5 1g.10gb@6");
  EXPECT_EQ(placed(board, std::vector<std::string>(4, "1g.20gb")),
            "1g.20gb@0 1g.20gb@2 1g.20gb@4 1g.20gb@6");
}

TEST(MigGeometry, RefusesWhatDoesNotFit) {
  const MigBoard board = h100();

  EXPECT_THAT(placed(board, {"3g.40gb", "3g.40gb", "1g.10gb"}),
              testing::AllOf(HasSubstr("ERR-MIG-PLACEMENT: 3g.40gb, 3g.40gb, 1g.10gb do not fit"),
                             HasSubstr("3g.40gb, 3g.40gb would")));
  EXPECT_THAT(placed(board, std::vector<std::string>(8, "1g.10gb")),
              HasSubstr("ERR-MIG-PLACEMENT"));
  EXPECT_THAT(placed(board, {"1g.10gb+me", "1g.10gb+me"}), HasSubstr("1g.10gb+me would"));
  EXPECT_THAT(placed(board, {"8g.48gb"}),
              HasSubstr("ERR-MIG-PROFILE: this GPU has no profile '8g.48gb', it has 1g.10gb, "));
  EXPECT_THAT(placed(board, {"1g10gb"}), HasSubstr("'1g10gb' is no MIG profile"));
}

TEST(MigGeometry, KnowsFourSlices) {
  const MigBoard a30 =
      MigBoard::of_table(MigShape::four_slices, "1g.6gb 1g.6gb+me 2g.12gb 2g.12gb+me 4g.24gb");

  EXPECT_EQ(placed(a30, {"1g.6gb", "1g.6gb", "2g.12gb"}), "2g.12gb@0 1g.6gb@2 1g.6gb@3");
  EXPECT_EQ(a30.balanced(), (std::vector<std::string>{"2g.12gb", "1g.6gb", "1g.6gb"}));
  EXPECT_THAT(placed(a30, {"4g.24gb", "1g.6gb"}), HasSubstr("4g.24gb would"));
}

TEST(MigGeometry, TakesTheDriversWord) {
  const auto board = MigBoard::of_driver(
      0,
      "| GPU   Name               ID    Instances   Memory     P2P    SM    DEC   ENC  |\n"
      "|   0  MIG 1g.10gb         19     7/7        9.75       No     16     1     0   |\n"
      "|                                                               1     1     0   |\n"
      "|   0  MIG 3g.40gb          9     2/2        39.50      No     60     3     0   |\n"
      "|   1  MIG 7g.80gb          0     1/1        79.25      No     132    7     0   |\n",
      "GPU  0 Profile ID 19 Placements: {0,1,4,5}:1\nGPU  0 Profile ID  9 Placements: {0,4}:4\n"
      "GPU  1 Profile ID  0 Placement : {0}:8\n");

  ASSERT_TRUE(board);
  ASSERT_EQ(board->profiles().size(), 2U);
  EXPECT_EQ(board->find("1g.10gb")->id, 19);
  EXPECT_EQ(board->find("1g.10gb")->starts, (std::vector<int>{0, 1, 4, 5}));
  EXPECT_EQ(placed(*board, {"3g.40gb", "1g.10gb", "1g.10gb"}), "3g.40gb@0 1g.10gb@4 1g.10gb@5");
  EXPECT_FALSE(MigBoard::of_driver(0, "", ""));
}

TEST(MigGeometry, NeverOverlapsAndTheBalancedLayoutFits) {
  const MigBoard board = h100();
  std::mt19937 random(7);
  ASSERT_TRUE(board.place(board.balanced()));

  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> wanted;
    for (unsigned i = 0; i < 1 + random() % 7; ++i)
      wanted.push_back(board.profiles()[random() % board.profiles().size()].name);
    const auto instances = board.place(wanted);
    if (!instances) continue;
    ASSERT_EQ(instances->size(), wanted.size());
    unsigned taken = 0;
    for (const auto& one : *instances) {
      const MigProfile* profile = board.find(one.profile);
      const unsigned mask = ((1U << static_cast<unsigned>(profile->length)) - 1U)
                            << static_cast<unsigned>(one.start);
      EXPECT_EQ(taken & mask, 0U);
      taken |= mask;
    }
    EXPECT_LT(taken, 256U);
  }
}

}  // namespace
}  // namespace gpustack::modules
