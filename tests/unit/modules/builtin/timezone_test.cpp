#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec timezone_module;

namespace {

using test::MemorySystem;

MemorySystem& install_zones(MemorySystem& system) {
  return system.file("/usr/share/zoneinfo/Etc/UTC", "TZif")
      .file("/usr/share/zoneinfo/Europe/Berlin", "TZif")
      .link("/usr/share/zoneinfo/Etc/UTC", "/etc/localtime");
}

TEST(Timezone, LinksItWhereNoSystemdRuns) {
  MemorySystem system;
  install_zones(system).file("/etc/timezone", "Etc/UTC\n");

  test::expect_converges(timezone_module, Value::map({{"name", "Europe/Berlin"}}), system);

  EXPECT_EQ(system.link_target("/etc/localtime"), "/usr/share/zoneinfo/Europe/Berlin");
  EXPECT_EQ(system.text("/etc/timezone"), "Europe/Berlin\n");
}

TEST(Timezone, AsksSystemdWhereItRuns) {
  MemorySystem system;
  install_zones(system).folder("/run/systemd/system");
  system.when({"timedatectl"}, [](const Command& command, MemorySystem& host) {
    host.link("../usr/share/zoneinfo/" + command.argv.back(), "/etc/localtime");
    return CommandResult{};
  });

  test::expect_converges(timezone_module, Value::map({{"name", "Europe/Berlin"}}), system);
}

TEST(Timezone, RefusesAZoneThatIsNotThere) {
  MemorySystem system;
  install_zones(system);

  EXPECT_NE(test::expect_refused(timezone_module, Value::map({{"name", "Mars/Base"}}), system)
                .find("'Mars/Base'"),
            std::string::npos);
  test::expect_refused(timezone_module, Value::map({{"name", "../../etc/passwd"}}), system);
}

TEST(Timezone, FailsWithSystemdsError) {
  MemorySystem system;
  install_zones(system).folder("/run/systemd/system").when({"timedatectl"}, "", 1, "no\n");

  EXPECT_TRUE(test::run(timezone_module, Value::map({{"name", "Europe/Berlin"}}), system)
                  .get("failed")
                  .truthy());
}

}  // namespace
}  // namespace gpustack::modules
