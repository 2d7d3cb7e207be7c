#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec service_module;

namespace {

using test::MemorySystem;

MemorySystem& init_host(MemorySystem& system, const std::string& status, int code) {
  system.file("/etc/init.d/ssh", "#!/bin/sh\n", 0755).folder("/etc/rc0.d").folder("/etc/rc2.d");
  system.when({"service", "ssh", "status"}, status, code)
      .when({"update-rc.d"}, "")
      .when({"/etc/init.d/ssh"}, "");
  return system;
}

TEST(Service, UsesSystemdWhereItRuns) {
  MemorySystem system;
  system.folder("/run/systemd/system").when({"systemctl", "start"}, "");
  system.when({"systemctl", "show"},
              "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n");

  const Value result =
      test::run(service_module,
                Value::map({{"name", "docker"}, {"state", "started"}, {"pattern", "dockerd"}}),
                system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"systemctl", "start", "docker"}));
  EXPECT_EQ(result.get("warnings").size(), 1U);
}

TEST(Service, ReloadsSystemdWithoutAUnit) {
  MemorySystem system;
  system.folder("/run/systemd/system").when({"systemctl", "daemon-reload"}, "");

  test::run(service_module, Value::map({{"daemon_reload", true}}), system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"systemctl", "daemon-reload"}));
}

TEST(Service, NeedsANameForAState) {
  MemorySystem system;
  system.folder("/run/systemd/system");

  const Value result = test::run(service_module, Value::map({{"state", "started"}}), system);

  EXPECT_NE(to_text(result.get("msg")).find("name"), std::string::npos);
  EXPECT_TRUE(system.commands().empty());
}

TEST(Service, StartsAndEnablesAnInitScript) {
  MemorySystem system;
  init_host(system, "sshd is not running ... failed!\n", 3);

  const Value result =
      test::run(service_module,
                Value::map({{"name", "ssh"}, {"state", "started"}, {"enabled", true}}),
                system);

  EXPECT_TRUE(result.get("changed").truthy());
  ASSERT_EQ(system.commands().size(), 3U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"update-rc.d", "ssh", "defaults"}));
  EXPECT_EQ(system.commands()[1].argv, (std::vector<std::string>{"update-rc.d", "ssh", "enable"}));
  EXPECT_EQ(system.commands()[2].argv, (std::vector<std::string>{"/etc/init.d/ssh", "start"}));
}

TEST(Service, LeavesARunningInitScriptAlone) {
  MemorySystem system;
  init_host(system, "sshd is running.\n", 0).link("../init.d/ssh", "/etc/rc2.d/S01ssh");

  const Value result =
      test::run(service_module,
                Value::map({{"name", "ssh"}, {"state", "started"}, {"enabled", true}}),
                system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_TRUE(system.commands().empty());
}

TEST(Service, RestartsAnInitScriptByStopAndStart) {
  MemorySystem system;
  init_host(system, "sshd is running.\n", 0);

  test::run(service_module,
            Value::map({{"name", "ssh"}, {"state", "restarted"}, {"arguments", "--fast 'a b'"}}),
            system);

  ASSERT_EQ(system.commands().size(), 2U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"/etc/init.d/ssh", "stop", "--fast", "a b"}));
  EXPECT_EQ(system.commands()[1].argv[1], "start");
}

TEST(Service, FindsAProcessByItsPattern) {
  MemorySystem system;
  init_host(system, "", 1).file("/proc/812/cmdline", std::string("/usr/sbin/sshd\0-D\0", 18));

  const Value result =
      test::run(service_module,
                Value::map({{"name", "ssh"}, {"state", "started"}, {"pattern", "sshd -D"}}),
                system);

  EXPECT_FALSE(result.get("changed").truthy());
}

TEST(Service, LeavesTheHostAloneInADryRun) {
  MemorySystem system;
  init_host(system, "sshd is running.\n", 0);

  EXPECT_TRUE(
      test::dry_run(service_module, Value::map({{"name", "ssh"}, {"state", "stopped"}}), system)
          .get("changed")
          .truthy());
}

TEST(Service, FailsWithTheScriptsError) {
  MemorySystem system;
  init_host(system, "stopped\n", 3);
  system.when({"/etc/init.d/ssh", "start"}, "", 1, "no host keys\n");

  const Value result =
      test::run(service_module, Value::map({{"name", "ssh"}, {"state", "started"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "Failed to start service: ssh: no host keys");
}

TEST(Service, SaysThatAServiceIsNotThere) {
  MemorySystem system;

  const Value result =
      test::run(service_module, Value::map({{"name", "nope"}, {"state", "started"}}), system);

  EXPECT_NE(to_text(result.get("msg")).find("Could not find the requested service nope"),
            std::string::npos);
}

TEST(Service, RefusesWhatOnlySystemdCan) {
  MemorySystem system;
  init_host(system, "", 3);

  const Value result =
      test::run(service_module,
                Value::map({{"name", "ssh"}, {"state", "started"}, {"daemon_reload", true}}),
                system);

  EXPECT_NE(to_text(result.get("msg")).find("'daemon_reload' needs systemd"), std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
