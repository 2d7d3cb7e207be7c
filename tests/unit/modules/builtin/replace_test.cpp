#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec replace_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

Value with(std::initializer_list<std::pair<Value, Value>> entries) {
  Value arguments = Value::map(entries);
  arguments.set("path", "/f");
  return arguments;
}

TEST(Replace, ReplacesEveryMatchAndCountsThem) {
  MemorySystem system;
  system.file("/f", "a=1\nb=1\n", 0600);

  const Value result = expect_converges(
      replace_module, with({{"regexp", "^(\\w)=1$"}, {"replace", "\\1=2"}}), system);

  EXPECT_EQ(system.text("/f"), "a=2\nb=2\n");
  EXPECT_EQ(system.info("/f").mode, 0600U);
  EXPECT_EQ(result.get("msg"), Value("2 replacements made"));
}

TEST(Replace, StaysBetweenAfterAndBefore) {
  MemorySystem system;
  system.file("/f", "x\n[a]\nx\n[b]\nx\n");

  expect_converges(
      replace_module,
      with({{"regexp", "x"}, {"replace", "y"}, {"after", "\\[a\\]"}, {"before", "\\[b\\]"}}),
      system);

  EXPECT_EQ(system.text("/f"), "x\n[a]\ny\n[b]\nx\n");
}

TEST(Replace, SaysWhenThereIsNoSection) {
  MemorySystem system;
  system.file("/f", "x\n");

  const Value result = expect_unchanged(
      replace_module, with({{"regexp", "x"}, {"replace", "y"}, {"after", "nothing"}}), system);

  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("did not match"));
}

TEST(Replace, KeepsAnotherEncoding) {
  MemorySystem system;
  system.file("/f",
              "gr\xfc\xdf"
              "e\n");

  expect_converges(replace_module,
                   with({{"regexp", "\xc3\xbc"}, {"replace", "u"}, {"encoding", "latin-1"}}),
                   system);

  EXPECT_EQ(system.text("/f"),
            "gru\xdf"
            "e\n");
}

TEST(Replace, LeavesAFileWithoutMatches) {
  MemorySystem system;
  system.file("/f", "a\n");

  expect_unchanged(replace_module, with({{"regexp", "b"}, {"replace", "c"}}), system);
}

TEST(Replace, RefusesAnAbsentFileAndABadPattern) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(replace_module, with({{"regexp", "a"}}), system),
              HasSubstr("does not exist"));
  system.file("/f", "a\n");
  EXPECT_THAT(expect_refused(replace_module, with({{"regexp", "(a"}}), system),
              HasSubstr("regular expression"));
  EXPECT_THAT(expect_refused(replace_module, with({{"replace", "a"}}), system),
              HasSubstr("regexp"));
}

}  // namespace
}  // namespace gpustack::modules
