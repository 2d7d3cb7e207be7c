#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec reboot_module;

namespace {

using test::MemorySystem;

MemorySystem& install_shutdown(MemorySystem& system) {
  system.program("sh", "/bin")
      .when({"/bin/sh", "-c"}, "abc-123\n")
      .file("/sbin/shutdown", "", 0755)
      .when({"/sbin/shutdown"}, "");
  return system;
}

TEST(Reboot, AsksShutdownAndNotesTheBoot) {
  MemorySystem system;
  install_shutdown(system);

  const Value result = test::run(
      reboot_module, Value::map({{"pre_reboot_delay", 130}, {"msg", "new driver"}}), system);

  EXPECT_TRUE(result.get("changed").truthy()) << to_text(result);
  EXPECT_EQ(to_text(result.get("boot_id")), "abc-123");
  EXPECT_EQ(to_text(result.get("change_classes")), "['reboot']");
  EXPECT_EQ(system.commands().back().argv,
            (std::vector<std::string>{"/sbin/shutdown", "-r", "2", "new driver"}));
}

TEST(Reboot, UsesTheCommandGiven) {
  MemorySystem system;
  install_shutdown(system);
  system.file("/usr/sbin/kexec", "", 0755);

  test::run(reboot_module, Value::map({{"reboot_command", "kexec -e 'a b'"}}), system);

  EXPECT_EQ(system.commands().back().argv,
            (std::vector<std::string>{"/bin/sh", "-c", "/usr/sbin/kexec -e 'a b'"}));
}

TEST(Reboot, LeavesTheHostAloneInADryRun) {
  MemorySystem system;
  install_shutdown(system);

  const Value result = test::dry_run(reboot_module, Value(Map()), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_TRUE(result.get("rebooted").truthy());
}

TEST(Reboot, FailsWithShutdownsError) {
  MemorySystem system;
  install_shutdown(system);
  system.when({"/sbin/shutdown"}, "", 1, "Failed to talk to init\n");

  const Value result = test::run(reboot_module, Value(Map()), system);

  EXPECT_EQ(to_text(result.get("msg")),
            "Reboot command failed. Error was: ', Failed to talk to init'");
  EXPECT_FALSE(result.get("rebooted").truthy());
}

TEST(Reboot, SaysThatShutdownIsNotThere) {
  MemorySystem system;

  EXPECT_NE(test::expect_refused(reboot_module, Value::map({{"search_paths", "/opt"}}), system)
                .find("Unable to find command \"shutdown\""),
            std::string::npos);
}

TEST(Reboot, SaysThatTheCommandGivenIsNotThere) {
  MemorySystem system;

  EXPECT_NE(
      test::expect_refused(reboot_module, Value::map({{"reboot_command", "kexec -e"}}), system)
          .find("Unable to find command \"kexec\""),
      std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
