#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec shell_module;

namespace {

using test::MemorySystem;

TEST(Shell, RunsTheLineAsItIs) {
  MemorySystem system;
  system.when({"/bin/sh", "-c"}, "2\n").program("sh", "/bin");

  const Value result = test::run(shell_module, Value::map({{"cmd", "ls $HOME | wc -l"}}), system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv.back(), "ls $HOME | wc -l");
  EXPECT_EQ(to_text(result.get("cmd")), "ls $HOME | wc -l");
  EXPECT_EQ(to_text(result.get("stdout")), "2");
}

TEST(Shell, UsesTheShellAskedFor) {
  MemorySystem system;
  system.when({"/bin/bash", "-c"}, "").program("bash", "/bin");

  test::run(
      shell_module,
      Value::map({{"cmd", "set -o pipefail"}, {"executable", "/bin/bash"}, {"chdir", "/tmp"}}),
      system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv.front(), "/bin/bash");
  EXPECT_EQ(system.commands()[0].directory, "/tmp");
}

TEST(Shell, FailsWithTheExitCode) {
  MemorySystem system;
  system.when({"/bin/sh"}, "half", 7).program("sh", "/bin");

  const Value result = test::run(shell_module, Value::map({{"cmd", "exit 7"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("rc"), Value(7));
}

TEST(Shell, IsSkippedInADryRun) {
  MemorySystem system;
  system.program("sh", "/bin");

  const Value result = test::dry_run(shell_module, Value::map({{"cmd", "reboot"}}), system);

  EXPECT_TRUE(result.get("skipped").truthy());
}

}  // namespace
}  // namespace gpustack::modules
