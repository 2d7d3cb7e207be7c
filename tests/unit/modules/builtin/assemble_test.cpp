#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec assemble_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::HasSubstr;

TEST(Assemble, JoinsPartsInOrder) {
  MemorySystem system;
  system.file("/d/2", "two\n").file("/d/1", "one").file("/d/.h", "hidden\n").folder("/d/sub");

  expect_converges(
      assemble_module,
      Value::map({{"src", "/d"}, {"dest", "/out"}, {"ignore_hidden", true}, {"mode", "0600"}}),
      system);

  EXPECT_EQ(system.text("/out"), "one\ntwo\n");
  EXPECT_EQ(system.info("/out").mode, 0600U);
}

TEST(Assemble, PutsADelimiterBetweenThem) {
  MemorySystem system;
  system.file("/d/1", "one\n").file("/d/2", "two\n").file("/d/3.bak", "x");

  expect_converges(
      assemble_module,
      Value::map({{"src", "/d"}, {"dest", "/out"}, {"delimiter", "\\n# \\x41"}, {"regexp", "^.$"}}),
      system);

  EXPECT_EQ(system.text("/out"), "one\n\n# A\ntwo\n");
}

TEST(Assemble, KeepsABackup) {
  MemorySystem system;
  system.file("/d/1", "one\n").file("/out", "old");

  const Value result = test::run(
      assemble_module, Value::map({{"src", "/d"}, {"dest", "/out"}, {"backup", true}}), system);

  EXPECT_EQ(system.text(to_text(result.get("backup_file"))), "old");
}

TEST(Assemble, RefusesWhatIsNoFolder) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(assemble_module, Value::map({{"src", "/none"}, {"dest", "/out"}}), system),
      HasSubstr("does not exist"));
  EXPECT_THAT(expect_refused(
                  assemble_module, Value::map({{"src", "/etc/passwd"}, {"dest", "/out"}}), system),
              HasSubstr("is no folder"));
}

}  // namespace
}  // namespace gpustack::modules
