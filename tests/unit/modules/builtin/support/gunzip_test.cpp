#include "modules/builtin/support/gunzip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kLimit = 1U << 20U;

std::string bytes(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

const std::string& dynamic() {
  static const std::string packed = bytes(
      "1f8b0800000000000203edd0bb0d80300c04d09e296e04fefbb87044242b207205e32336704971fdab5ed4e61871"
      "1618"
      "e80fc1c388db2f377654768f32c487a60c9a3368c9a03583b60cda3348052a50810a54a00215fcb3e005112bae08"
      "ac08"
      "0000");
  return packed;
}

const std::string& fixed() {
  static const std::string packed =
      bytes("1f8b0800000000000203cb48cdc9c957c840905c003b7c8adf12000000");
  return packed;
}

TEST(Gunzip, ReadsEveryKindOfBlock) {
  std::string expected;
  for (int i = 0; i < 60; ++i)
    expected += "line " + std::to_string(i % 7) + " of a text that repeats itself\n";

  EXPECT_EQ(*gunzip(dynamic(), kLimit), expected);
  EXPECT_EQ(*gunzip(fixed(), kLimit), "hello hello hello\n");
  EXPECT_EQ(*gunzip(bytes("1f8b0800000000000403010600f9ff73746f7265640bf9435606000000"), kLimit),
            "stored");
}

TEST(Gunzip, PassesOverNamesPaddingAndFurtherMembers) {
  const std::string named =
      bytes("1f8b08080000000002ff61206e616d6500cb4bcc4d4d010087cce07105000000");

  EXPECT_EQ(*gunzip(named, kLimit), "named");
  EXPECT_EQ(*gunzip(named + named + std::string(3, '\0'), kLimit), "namednamed");
}

TEST(Gunzip, RefusesEveryDamage) {
  for (std::size_t i = 0; i < dynamic().size(); ++i) {
    EXPECT_FALSE(gunzip(dynamic().substr(0, i), kLimit)) << "cut after " << i;
    std::string wrong = dynamic();
    wrong[i] = static_cast<char>(wrong[i] ^ 0x15);
    // Time, operating system and the like are of no account.
    const bool counts = i < 3 || i > 9;
    if (counts) EXPECT_FALSE(gunzip(wrong, kLimit)) << "byte " << i;
  }
}

TEST(Gunzip, KeepsToItsLimit) {
  const auto content = gunzip(dynamic(), 100);

  ASSERT_FALSE(content);
  EXPECT_THAT(content.error().message(), HasSubstr("larger than 100 bytes"));
}

}  // namespace
}  // namespace gpustack::modules
