#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec service_facts_module;

namespace {

using test::MemorySystem;

TEST(ServiceFacts, JoinsUnitsAndUnitFiles) {
  MemorySystem system;
  system.folder("/run/systemd/system");
  system.when({"systemctl", "list-units"},
              "  UNIT LOAD ACTIVE SUB DESCRIPTION\n"
              "  cron.service loaded active running Regular background program processing daemon\n"
              "● nope.service not-found inactive dead nope.service\n"
              "  done.service loaded active exited Done\n");
  system.when({"systemctl", "list-unit-files"},
              "cron.service enabled enabled\ndone.service static -\ngetty@.service enabled "
              "enabled\nidle.service disabled enabled\n");
  system.when({"systemctl", "show"}, "ActiveState=inactive\n");

  const Value result = test::run(service_facts_module, Value(Map()), system);
  const Value& services = result.get("ansible_facts").get("services");

  EXPECT_EQ(
      to_text(services.get("cron.service")),
      "{'name': 'cron.service', 'state': 'running', 'source': 'systemd', 'status': 'enabled'}");
  EXPECT_EQ(to_text(services.get("nope.service").get("status")), "not-found");
  EXPECT_EQ(to_text(services.get("done.service").get("state")), "stopped");
  EXPECT_EQ(to_text(services.get("idle.service").get("state")), "inactive");
  EXPECT_EQ(to_text(services.get("getty@.service").get("state")), "unknown");
  EXPECT_FALSE(result.get("changed").truthy());
}

TEST(ServiceFacts, ListsInitScripts) {
  MemorySystem system;
  system.when({"service", "--status-all"}, " [ + ]  ssh\n [ - ]  cron\n [ ? ]  odd\n");

  const Value result = test::run(service_facts_module, Value(Map()), system);
  const Value& services = result.get("ansible_facts").get("services");

  EXPECT_EQ(services.size(), 2U);
  EXPECT_EQ(to_text(services.get("ssh").get("state")), "running");
  EXPECT_EQ(to_text(services.get("cron").get("state")), "stopped");
}

TEST(ServiceFacts, IsSkippedWhereThereIsNothingToAsk) {
  MemorySystem system;

  EXPECT_TRUE(test::run(service_facts_module, Value(Map()), system).get("skipped").truthy());
}

}  // namespace
}  // namespace gpustack::modules
