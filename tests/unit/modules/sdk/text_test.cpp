#include "modules/sdk/text.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gpustack::modules {
namespace {

TEST(ParseReal, TakesWhatPythonCallsANumber) {
  EXPECT_EQ(parse_real("1.5"), 1.5);
  EXPECT_EQ(parse_real(" +2e3\n"), 2000.0);
  EXPECT_EQ(parse_real("-.25"), -0.25);
  EXPECT_EQ(parse_real("7"), 7.0);
  EXPECT_EQ(parse_real("1e-400"), 0.0);
  EXPECT_EQ(parse_real("-inf"), -INFINITY);
  EXPECT_TRUE(std::isnan(parse_real("nan").value_or(0)));
}

TEST(ParseReal, RefusesEverythingElse) {
  for (const char* text :
       {"", " ", "+", "++1", "+-1", "-+1", "1 2", "1,5", "0x10", "1e", "1e400"}) {
    EXPECT_FALSE(parse_real(text).has_value()) << "'" << text << "'";
  }
  EXPECT_FALSE(parse_real(std::string_view("1\0", 2)).has_value());
}

}  // namespace
}  // namespace gpustack::modules
