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

TEST(ServiceFacts, AsksChkconfigOnce) {
  MemorySystem system;
  system.when({"chkconfig"},
              "sshd  0:off 1:off 2:on 3:on 4:on 5:on 6:off\n"
              "kdump 0:off 1:off 2:off 3:off 4:off 5:off 6:off\n");
  system.when({"service", "sshd", "status"}, "", 0);
  system.when({"service", "kdump", "status"}, "", 3);

  const Value result = test::run(service_facts_module, Value(Map()), system);

  EXPECT_EQ(to_text(result.get("ansible_facts").get("services")),
            "{'sshd': {'name': 'sshd', 'state': 'running', 'source': 'sysv', 'status': 'enabled'}, "
            "'kdump': {'name': 'kdump', 'state': 'stopped', 'source': 'sysv', 'status': "
            "'disabled'}}");
}

TEST(ServiceFacts, ListsJobsOfUpstart) {
  MemorySystem system;
  system.when({"initctl", "list"},
              "cron start/running, process 812\nnetwork-interface (eth0) stop/waiting\n");

  const Value result = test::run(service_facts_module, Value(Map()), system);

  EXPECT_EQ(to_text(result.get("ansible_facts").get("services")),
            "{'cron': {'name': 'cron', 'state': 'running', 'source': 'upstart', 'goal': 'start'}, "
            "'network-interface (eth0)': {'name': 'network-interface (eth0)', 'state': 'waiting', "
            "'source': 'upstart', 'goal': 'stop'}}");
}

TEST(ServiceFacts, ListsServicesOfOpenRc) {
  MemorySystem system;
  system.when({"rc-update", "show", "-v"}, "  sshd | default boot\n  ntpd |\n");
  system.when({"rc-status", "-a", "-s", "-m"},
              "Runlevel: default\n sshd  [  started  ]\n ntpd  [  stopped  ]\n");

  const Value result = test::run(service_facts_module, Value(Map()), system);
  const Value& services = result.get("ansible_facts").get("services");

  EXPECT_EQ(to_text(services.get("sshd").get("runlevels")), "['default', 'boot']");
  EXPECT_EQ(to_text(services.get("sshd").get("state")), "started");
  EXPECT_TRUE(services.get("ntpd").get("runlevels").is_null());
}

TEST(ServiceFacts, IsSkippedWhereThereIsNothingToAsk) {
  MemorySystem system;

  EXPECT_TRUE(test::run(service_facts_module, Value(Map()), system).get("skipped").truthy());
}

}  // namespace
}  // namespace gpustack::modules
