#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec firewalld_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCmd = "firewall-cmd";

/// A running daemon; every query is answered with no.
void install(MemorySystem& system) {
  system.when({kCmd}, "", 1)
      .when({kCmd, "--state"}, "running\n")
      .when({kCmd, "--get-default-zone"}, "public\n")
      .when({kCmd, "--get-zones"}, "block public\n")
      .when({kCmd, "--get-target"}, "default\n");
  for (const char* option : {"service=ssh", "port=80/tcp", "masquerade"}) {
    for (const char* verb : {"--add-", "--remove-"})
      system.when({kCmd, std::string(verb) + option}, "success\n");
  }
}

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map({{"state", "enabled"}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(Firewalld, ChangesWhatRunsAndWhatIsKept) {
  MemorySystem system;
  install(system);
  const Value arguments =
      with({{"service", "ssh"}, {"permanent", true}, {"immediate", true}, {"timeout", 60}});

  EXPECT_TRUE(test::dry_run(firewalld_module, arguments, system).get("changed").truthy());
  const Value result = test::run(firewalld_module, arguments, system);

  EXPECT_EQ(
      result.get("msg"),
      Value("Permanent and Non-Permanent(immediate) operation, Changed service ssh to enabled"));
  EXPECT_THAT(system.changes(),
              ElementsAre("run firewall-cmd --add-service=ssh --zone=public --permanent",
                          "run firewall-cmd --add-service=ssh --timeout=60 --zone=public"));
}

TEST(Firewalld, LeavesWhatIsThere) {
  MemorySystem system;
  install(system);
  system.when({kCmd, "--query-port", "80/tcp", "--zone=work"}, "yes\n");

  const Value result =
      expect_unchanged(firewalld_module, with({{"port", "80/tcp"}, {"zone", "work"}}), system);
  EXPECT_EQ(result.get("msg"), Value("Non-permanent operation"));
  expect_unchanged(firewalld_module, with({{"port", "81/tcp"}, {"state", "disabled"}}), system);
  test::run(firewalld_module,
            with({{"port", "80/tcp"}, {"zone", "work"}, {"state", "disabled"}}),
            system);

  EXPECT_THAT(system.changes(), ElementsAre("run firewall-cmd --remove-port=80/tcp --zone=work"));
}

TEST(Firewalld, HasEveryKindOfSetting) {
  const auto planned = [](const Value& arguments) {
    MemorySystem system;
    install(system);
    EXPECT_TRUE(test::dry_run(firewalld_module, arguments, system).get("changed").truthy());
    system.when({kCmd}, "");
    test::run(firewalld_module, arguments, system);
    return system.queries();
  };
  const auto query = [&](const Value& arguments) {
    for (const Command& command : planned(arguments)) {
      if (command.argv[1].starts_with("--query-")) return command.argv[1] + " " + command.argv[2];
    }
    return std::string();
  };

  EXPECT_EQ(query(with({{"rich_rule", "rule accept"}})), "--query-rich-rule rule accept");
  EXPECT_EQ(query(with({{"interface", "eth0"}, {"zone", "work"}})), "--query-interface eth0");
  EXPECT_EQ(query(with({{"source", "10.0.0.0/8"}, {"permanent", true}})),
            "--query-source 10.0.0.0/8");
  EXPECT_EQ(query(with({{"icmp_block", "echo-request"}})), "--query-icmp-block echo-request");
  EXPECT_EQ(query(with({{"protocol", "gre"}})), "--query-protocol gre");
  EXPECT_EQ(query(with({{"masquerade", true}, {"zone", "work"}})),
            "--query-masquerade --zone=work");
  EXPECT_EQ(
      query(with(
          {{"port_forward",
            Value::list({Value::map(
                {{"port", 80}, {"proto", "tcp"}, {"toport", 8080}, {"toaddr", "10.0.0.1"}})})}})),
      "--query-forward-port port=80:proto=tcp:toport=8080:toaddr=10.0.0.1");
}

TEST(Firewalld, TurnsSwitchesOffByTheirValue) {
  MemorySystem system;
  install(system);

  expect_unchanged(firewalld_module, with({{"masquerade", false}}), system);
  test::run(firewalld_module, with({{"masquerade", false}, {"state", "disabled"}}), system);

  EXPECT_THAT(system.changes(), ElementsAre("run firewall-cmd --add-masquerade --zone=public"));
}

TEST(Firewalld, ManagesZonesAndTargets) {
  MemorySystem system;
  install(system);
  system.when({kCmd, "--new-zone=gpu"}, "success\n").when({kCmd, "--set-target=DROP"}, "success\n");
  const Value zone = Value::map({{"zone", "gpu"}, {"state", "present"}, {"permanent", true}});

  EXPECT_EQ(test::run(firewalld_module, zone, system).get("msg"),
            Value("Permanent operation, Added zone gpu, Changed zone gpu to present"));
  Value target = zone;
  target.set("target", "DROP");
  test::run(firewalld_module, target, system);

  EXPECT_THAT(system.changes(),
              ElementsAre("run firewall-cmd --new-zone=gpu --permanent",
                          "run firewall-cmd --set-target=DROP --zone=gpu --permanent"));
  expect_unchanged(firewalld_module,
                   Value::map({{"zone", "public"}, {"state", "present"}, {"permanent", true}}),
                   system);
}

TEST(Firewalld, ChangesWhatIsKeptWhileTheDaemonRests) {
  MemorySystem system;
  install(system);
  system.when({kCmd, "--state"}, "", 252, "not running\n")
      .when({"firewall-offline-cmd"}, "", 1)
      .when({"firewall-offline-cmd", "--get-default-zone"}, "public\n")
      .when({"firewall-offline-cmd", "--add-service=ssh"}, "success\n");

  EXPECT_THAT(expect_refused(firewalld_module, with({{"service", "ssh"}}), system),
              HasSubstr("not currently running"));
  const Value result =
      test::run(firewalld_module, with({{"service", "ssh"}, {"permanent", true}}), system);

  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("offline operation"));
  EXPECT_THAT(system.changes(),
              ElementsAre("run firewall-offline-cmd --add-service=ssh --zone=public"));
}

TEST(Firewalld, RefusesWhatItCannotDo) {
  MemorySystem system;
  install(system);
  system.when({kCmd, "--query-service"}, "", 101, "Error: INVALID_SERVICE: nope\n");

  EXPECT_THAT(expect_refused(firewalld_module, with({{"service", "nope"}}), system),
              HasSubstr("INVALID_SERVICE"));
  EXPECT_THAT(expect_refused(firewalld_module, with({{"port", "80"}}), system),
              HasSubstr("improper port format"));
  EXPECT_THAT(expect_refused(firewalld_module, with({{"service", "a"}, {"port", "1/tcp"}}), system),
              HasSubstr("only one of"));
  EXPECT_THAT(
      expect_refused(firewalld_module, with({{"service", "ssh"}, {"state", "present"}}), system),
      HasSubstr("zone level operations"));
  EXPECT_THAT(
      expect_refused(firewalld_module, Value::map({{"zone", "gpu"}, {"state", "present"}}), system),
      HasSubstr("must be permanent"));
}

}  // namespace
}  // namespace gpustack::modules
