#include "core/report/text.hpp"

#include <gtest/gtest.h>

namespace gpustack::report {
namespace {

TEST(Banner, FillsTheLineWithStars) {
  EXPECT_EQ(banner("PLAY RECAP", 20), "PLAY RECAP **********");
  EXPECT_EQ(banner("a title that is longer than the line", 20),
            "a title that is longer than the line ***");
  EXPECT_EQ(display_width(banner("TASK [日本]", 30)), 31U);
}

TEST(DisplayWidth, CountsWideAndCombiningCharacters) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("héllo"), 5U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);
  EXPECT_EQ(display_width("\xFF\xFE"), 2U);
}

TEST(Wrapped, BreaksBetweenWords) {
  EXPECT_EQ(wrapped("one two  three\nfour", 9), "one two\nthree\nfour");
  EXPECT_EQ(wrapped("abcdefghij", 4), "abcd\nefgh\nij");
  EXPECT_EQ(wrapped("", 4), "");
}

TEST(Painted, ColoursEachLine) {
  EXPECT_EQ(painted(Colour::on, Paint::ok, "a\nb"), "\x1b[0;32ma\x1b[0m\n\x1b[0;32mb\x1b[0m");
  EXPECT_EQ(painted(Colour::off, Paint::ok, "a"), "a");
}

TEST(ClockText, ShowsHoursOnlyWhenThereAreSome) {
  EXPECT_EQ(clock_text(65), "01:05");
  EXPECT_EQ(clock_text(7384), "2:03:04");
}

}  // namespace
}  // namespace gpustack::report
