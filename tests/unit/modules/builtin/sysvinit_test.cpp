#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec sysvinit_module;

namespace {

using test::MemorySystem;

MemorySystem& init_host(MemorySystem& system, const std::string& status, int code) {
  system.file("/etc/init.d/probe", "#!/bin/sh\n", 0755).folder("/etc/rc0.d").folder("/etc/rc3.d");
  system.when({"service", "probe", "status"}, status, code)
      .when({"update-rc.d"}, "")
      .when({"/etc/init.d/probe"}, "");
  return system;
}

TEST(Sysvinit, StartsWhatDoesNotRun) {
  MemorySystem system;
  init_host(system, "probe is not running\n", 3);

  const Value result =
      test::run(sysvinit_module,
                Value::map({{"service", "probe"}, {"state", "started"}, {"args", "--quiet 'a b'"}}),
                system);

  EXPECT_TRUE(result.get("changed").truthy());
  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"/etc/init.d/probe", "start", "--quiet", "a b"}));
}

TEST(Sysvinit, ReloadsWhatDoesNotRun) {
  MemorySystem system;
  init_host(system, "probe is not running\n", 3);

  test::run(sysvinit_module, Value::map({{"name", "probe"}, {"state", "reloaded"}}), system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"/etc/init.d/probe", "reload"}));
}

TEST(Sysvinit, EnablesInRunLevels) {
  MemorySystem system;
  init_host(system, "", 0).link("../init.d/probe", "/etc/rc3.d/S01probe");
  const Value levels = Value::list({"3", "5"});

  test::run(sysvinit_module,
            Value::map({{"name", "probe"}, {"enabled", true}, {"runlevels", levels}}),
            system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"update-rc.d", "probe", "enable", "3", "5"}));
}

TEST(Sysvinit, LeavesRunLevelsThatAreSo) {
  MemorySystem system;
  init_host(system, "", 0).link("../init.d/probe", "/etc/rc3.d/S01probe");

  const Value result = test::run(
      sysvinit_module,
      Value::map({{"name", "probe"}, {"enabled", true}, {"runlevels", Value::list({"3"})}}),
      system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_TRUE(system.commands().empty());
}

TEST(Sysvinit, IsDoneAfterOneRun) {
  MemorySystem system;
  system.file("/etc/init.d/probe", "#!/bin/sh\n", 0755).folder("/etc/rc0.d").folder("/etc/rc3.d");
  system.when({"service", "probe", "status"}, "probe is not running\n", 3);
  system.when({"/etc/init.d/probe", "start"}, [](const Command&, MemorySystem& host) {
    host.when({"service", "probe", "status"}, "probe is running\n", 0);
    return CommandResult{};
  });
  system.when({"update-rc.d"}, [](const Command&, MemorySystem& host) {
    host.link("../init.d/probe", "/etc/rc3.d/S01probe");
    return CommandResult{};
  });

  test::expect_converges(sysvinit_module,
                         Value::map({{"name", "probe"}, {"state", "started"}, {"enabled", true}}),
                         system);
}

TEST(Sysvinit, MissesTheScript) {
  MemorySystem system;

  EXPECT_NE(test::expect_refused(
                sysvinit_module, Value::map({{"name", "probe"}, {"state", "started"}}), system)
                .find("Could not find the requested service probe"),
            std::string::npos);
}

}  // namespace
}  // namespace gpustack::modules
