#include "core/base/decimal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace gpustack {
namespace {

/// The standard library's answer, whose tables are too large for what travels to hosts.
std::string standard_text(double number, std::chars_format format) {
  std::array<char, 512> buffer{};
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format);
  return {buffer.data(), done.ptr};
}

TEST(Decimal, AgreesWithTheStandardLibraryOnAnyBits) {
  std::mt19937_64 random(20);
  for (int i = 0; i < 20000; ++i) {
    const auto number = std::abs(std::bit_cast<double>(random()));
    if (!std::isfinite(number)) continue;

    EXPECT_EQ(scientific_text(shortest_decimal(number)),
              standard_text(number, std::chars_format::scientific));
  }
}

TEST(Decimal, AgreesOnPowersOfTwoAndTheSmallest) {
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    const double number = std::ldexp(1.0, exponent);

    EXPECT_EQ(scientific_text(shortest_decimal(number)),
              standard_text(number, std::chars_format::scientific));
  }
  const double largest = std::numeric_limits<double>::max();
  EXPECT_EQ(scientific_text(shortest_decimal(largest)), "1.7976931348623157e+308");
}

TEST(Decimal, WritesWhatPeopleReadWithoutAnExponent) {
  EXPECT_EQ(fixed_text(shortest_decimal(0.0)), "0.0");
  EXPECT_EQ(fixed_text(shortest_decimal(0.00012)), "0.00012");
  EXPECT_EQ(fixed_text(shortest_decimal(0.1 + 0.2)), "0.30000000000000004");
  EXPECT_EQ(fixed_text(shortest_decimal(20.0)), "20.0");
  EXPECT_EQ(fixed_text(shortest_decimal(1234.5678)), "1234.5678");
  EXPECT_EQ(fixed_text(shortest_decimal(9007199254740994.0)), "9007199254740994.0");
}

}  // namespace
}  // namespace gpustack
