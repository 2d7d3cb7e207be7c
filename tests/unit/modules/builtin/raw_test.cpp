#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec raw_module;

namespace {

using test::MemorySystem;

TEST(Raw, ReportsOutputAndNothingElse) {
  MemorySystem system;
  system.when({"/bin/sh", "-c", "uname -a"}, "Linux jetson\n").program("sh", "/bin");

  const Value result = test::run(raw_module, Value::map({{"cmd", "uname -a"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("stdout")), "Linux jetson\n");
  EXPECT_EQ(result.find("start"), nullptr);
}

TEST(Raw, FailsWithTheExitCode) {
  MemorySystem system;
  system.when({"/bin/sh"}, "", 1).program("sh", "/bin");

  const Value result = test::run(raw_module, Value::map({{"cmd", "false"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "non-zero return code");
}

TEST(Raw, IsSkippedInADryRun) {
  MemorySystem system;

  EXPECT_TRUE(
      test::dry_run(raw_module, Value::map({{"cmd", "reboot"}}), system).get("skipped").truthy());
}

TEST(Raw, NeedsALine) {
  MemorySystem system;

  EXPECT_TRUE(test::run(raw_module, Value(Map()), system).get("failed").truthy());
}

}  // namespace
}  // namespace gpustack::modules
