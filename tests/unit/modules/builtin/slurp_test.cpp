#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec slurp_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

TEST(Slurp, GivesBase64OfEveryLength) {
  MemorySystem system;
  for (const auto& [text, expected] :
       {std::pair{"", ""}, {"a", "YQ=="}, {"ab", "YWI="}, {"abc", "YWJj"}, {"abcd", "YWJjZA=="}}) {
    system.file("/f", text);

    const Value result = expect_unchanged(slurp_module, Value::map({{"src", "/f"}}), system);

    EXPECT_EQ(result.get("content"), Value(expected));
    EXPECT_EQ(result.get("encoding"), Value("base64"));
    EXPECT_EQ(result.get("source"), Value("/f"));
  }
}

TEST(Slurp, SaysWhyItCannotRead) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(slurp_module, Value::map({{"src", "/none"}}), system),
              HasSubstr("file not found"));
  EXPECT_THAT(expect_refused(slurp_module, Value::map({{"path", "/etc"}}), system),
              HasSubstr("is a directory"));
}

}  // namespace
}  // namespace gpustack::modules
