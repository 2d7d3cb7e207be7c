#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec systemd_module;

namespace {

using test::MemorySystem;

void install_unit(MemorySystem& system, const std::string& active, const std::string& file_state) {
  system.when({"systemctl"}, "");
  system.when({"systemctl", "show"},
              "LoadState=loaded\nActiveState=" + active + "\nUnitFileState=" + file_state + "\n");
  system.when({"systemctl", "is-enabled"}, file_state + "\n", file_state == "enabled" ? 0 : 1);
}

std::vector<std::string> actions(const MemorySystem& system) {
  std::vector<std::string> out;
  for (const Command& command : system.commands()) out.push_back(command.argv[1]);
  return out;
}

TEST(Systemd, StartsAndEnablesWhatIsDown) {
  MemorySystem system;
  install_unit(system, "inactive", "disabled");

  const Value result =
      test::run(systemd_module,
                Value::map({{"name", "docker"}, {"state", "started"}, {"enabled", true}}),
                system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(actions(system), (std::vector<std::string>{"enable", "start"}));
  EXPECT_EQ(to_text(result.get("state")), "started");
  EXPECT_TRUE(result.get("enabled").truthy());
  EXPECT_EQ(to_text(result.get("status").get("ActiveState")), "inactive");
}

TEST(Systemd, LeavesAloneWhatIsAsWanted) {
  MemorySystem system;
  install_unit(system, "active", "enabled");

  const Value result = test::run(
      systemd_module,
      Value::map({{"name", "docker"}, {"state", "started"}, {"enabled", true}, {"masked", false}}),
      system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_TRUE(system.commands().empty());
}

TEST(Systemd, RestartsAlwaysAndStartsWhatIsDownInstead) {
  MemorySystem up;
  MemorySystem down;
  install_unit(up, "active", "enabled");
  install_unit(down, "failed", "enabled");
  const Value args = Value::map({{"name", "docker"}, {"state", "restarted"}});

  const Value result = test::run(systemd_module, args, up);
  test::run(systemd_module, args, down);

  EXPECT_EQ(actions(up), (std::vector<std::string>{"restart"}));
  EXPECT_EQ(actions(down), (std::vector<std::string>{"start"}));
  EXPECT_EQ(to_text(result.get("change_classes")), "['service_restart']");
}

TEST(Systemd, ReloadsUnitFilesBeforeItLooks) {
  MemorySystem system;
  bool reloaded = false;
  system.when({"systemctl", "show"}, [&](const Command&, MemorySystem&) {
    CommandResult shown;
    shown.output = reloaded ? "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n"
                            : "LoadState=not-found\nActiveState=inactive\n";
    return shown;
  });
  system.when({"systemctl", "daemon-reload"}, [&](const Command&, MemorySystem&) {
    reloaded = true;
    return CommandResult{};
  });
  system.when({"systemctl", "start"}, "");

  const Value result = test::run(
      systemd_module,
      Value::map({{"name", "new.service"}, {"state", "started"}, {"daemon_reload", true}}),
      system);

  EXPECT_TRUE(result.get("changed").truthy()) << to_text(result);
  EXPECT_EQ(actions(system), (std::vector<std::string>{"daemon-reload", "start"}));
}

TEST(Systemd, ReloadAloneIsNoChange) {
  MemorySystem system;
  system.when({"systemctl", "daemon-reload"}, "");

  const Value result = test::run(systemd_module, Value::map({{"daemon-reload", true}}), system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_EQ(actions(system), (std::vector<std::string>{"daemon-reload"}));
}

TEST(Systemd, Masks) {
  MemorySystem system;
  install_unit(system, "active", "enabled");

  test::run(systemd_module,
            Value::map({{"name", "apt-daily.timer"}, {"masked", true}, {"force", true}}),
            system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"systemctl", "mask", "--force", "apt-daily.timer"}));
}

TEST(Systemd, EnablesInAChrootWhereNothingRuns) {
  MemorySystem system;
  system.variable("debian_chroot", "target");
  system.when({"systemctl", "show"}, "Running in chroot, ignoring request: show\n");
  system.when({"systemctl", "is-enabled"}, "disabled\n", 1).when({"systemctl", "enable"}, "");

  const Value result =
      test::run(systemd_module,
                Value::map({{"name", "ssh.service"}, {"enabled", true}, {"state", "started"}}),
                system);

  EXPECT_TRUE(result.get("changed").truthy()) << to_text(result);
  EXPECT_EQ(actions(system), (std::vector<std::string>{"enable"}));
  EXPECT_EQ(result.get("warnings").size(), 1U);
}

TEST(Systemd, UsesTheScopeAskedFor) {
  MemorySystem system;
  install_unit(system, "inactive", "disabled");

  test::run(
      systemd_module,
      Value::map(
          {{"name", "pipewire"}, {"state", "started"}, {"scope", "user"}, {"no_block", true}}),
      system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"systemctl", "start", "--user", "--no-block", "pipewire"}));
  EXPECT_EQ(system.commands()[0].environment.at("XDG_RUNTIME_DIR"), "/run/user/0");
}

TEST(Systemd, LeavesTheHostAloneInADryRun) {
  MemorySystem system;
  install_unit(system, "active", "enabled");

  const Value result =
      test::dry_run(systemd_module,
                    Value::map({{"name", "docker"}, {"state", "stopped"}, {"daemon_reload", true}}),
                    system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("state")), "stopped");
}

TEST(Systemd, SaysThatAUnitIsNotThere) {
  MemorySystem system;
  system.when({"systemctl", "show"}, "LoadState=not-found\nActiveState=inactive\n");

  const Value result =
      test::run(systemd_module, Value::map({{"name", "nope"}, {"state", "started"}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "Could not find the requested service nope: host");
}

TEST(Systemd, FailsWithSystemctlsError) {
  MemorySystem system;
  install_unit(system, "inactive", "enabled");
  system.when({"systemctl", "start"}, "", 1, "Job for docker.service failed.\n");

  const Value result =
      test::run(systemd_module, Value::map({{"name", "docker"}, {"state", "started"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result.get("msg")),
            "Unable to start service docker: Job for docker.service failed.\n");
}

TEST(Systemd, RefusesPatterns) {
  MemorySystem system;
  system.when({"systemctl"}, "");

  const Value result =
      test::run(systemd_module, Value::map({{"name", "docker*"}, {"state", "started"}}), system);

  EXPECT_NE(to_text(result.get("msg")).find("glob patterns, found '*'"), std::string::npos);
}

TEST(Systemd, NeedsSomethingToDo) {
  MemorySystem system;

  EXPECT_TRUE(
      test::run(systemd_module, Value::map({{"name", "docker"}, {"enabled", Value()}}), system)
          .get("failed")
          .truthy());
  EXPECT_TRUE(
      test::run(systemd_module, Value::map({{"state", "started"}}), system).get("failed").truthy());
}

}  // namespace
}  // namespace gpustack::modules
