#include "core/base/escapes.hpp"

#include <gtest/gtest.h>

namespace gpustack {
namespace {

TEST(Escapes, OfWordsAreThoseOfAnsiblesSplitter) {
  EXPECT_EQ(decode_escapes(R"(a\tb\\n\'\")"), "a\tb\\n'\"");
  EXPECT_EQ(decode_escapes(R"(\x41\u00e4\U0001f600)"), "A\u00e4\U0001f600");
  EXPECT_EQ(decode_escapes("no escapes"), "no escapes");
}

TEST(Escapes, OfWordsLeaveTheRestAlone) {
  for (const char* text :
       {R"(\101)", R"(\d+)", R"(\x4)", R"(\u00g0)", R"(\U00110000)", R"(end\)", R"(\ )"}) {
    EXPECT_EQ(decode_escapes(text), text);
  }
}

TEST(Escapes, OfBytesKnowOctalNumbersAndNoCodePoints) {
  EXPECT_EQ(decode_byte_escapes(R"(\101\x42\n\7)"), "AB\n\a");
  EXPECT_EQ(decode_byte_escapes(R"(\xff)"), "\xff");
  EXPECT_EQ(decode_byte_escapes(R"(\777)"), "\xff");
  EXPECT_EQ(decode_byte_escapes(R"(\u00e4\xg)"), R"(\u00e4\xg)");
}

}  // namespace
}  // namespace gpustack
