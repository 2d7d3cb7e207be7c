#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec ufw_module;

namespace {

using test::expect_refused;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kStatus =
    "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled "
    "(routed)\nNew profiles: skip\n";
constexpr const char* kRule = "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n";

/// ufw 0.36 with one rule; `printed` is what its dry runs print.
void install(MemorySystem& system, const std::string& printed = kRule) {
  system.when({"ufw"}, "Rule added\n")
      .when({"ufw", "status", "verbose"}, kStatus)
      .when({"ufw", "status", "numbered"},
            "Status: active\n\n[ 1] 22 ALLOW IN Anywhere\n[ 2] 80 ALLOW IN Anywhere\n[ 3] 22 (v6) "
            "ALLOW IN Anywhere (v6)\n")
      .when({"ufw", "--version"}, "ufw 0.36.2\n")
      .when({"ufw", "--dry-run"}, printed)
      .file("/etc/ufw/user.rules", std::string("*filter\n") + kRule + "-A x\n");
}

Value rule(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map({{"rule", "allow"}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

std::string command_of(const Value& arguments) {
  MemorySystem system;
  install(system);
  test::run(ufw_module, arguments, system);
  return system.changes().empty() ? "" : system.changes().back();
}

TEST(Ufw, AddsARule) {
  EXPECT_EQ(command_of(rule({{"to_port", "22"},
                             {"proto", "tcp"},
                             {"from_ip", "10.0.0.0/8"},
                             {"direction", "in"},
                             {"interface", "eth0"},
                             {"log", true},
                             {"comment", "for us"}})),
            "run ufw allow in on eth0 log from 10.0.0.0/8 to any port 22 proto tcp comment for us");
  EXPECT_EQ(command_of(rule({{"route", true},
                             {"interface_in", "a"},
                             {"interface_out", "b"},
                             {"delete", true},
                             {"name", "OpenSSH"}})),
            "run ufw route delete allow in on a out on b from any to any app OpenSSH");
}

TEST(Ufw, CountsFromWhereItIsTold) {
  const auto place = [](const char* from, int number) {
    const std::string line = command_of(rule({{"insert", number}, {"insert_relative_to", from}}));
    const std::size_t at = line.find("insert ");
    return at == std::string::npos ? std::string() : line.substr(at + 7, 1);
  };

  EXPECT_EQ(place("zero", 1), "1");
  EXPECT_EQ(place("first-ipv4", 1), "2");
  EXPECT_EQ(place("last-ipv4", 0), "2");
  EXPECT_EQ(place("first-ipv6", 0), "3");
  EXPECT_EQ(place("last-ipv6", 0), "3");
  EXPECT_EQ(place("last-ipv6", 1), "");
}

TEST(Ufw, ForeseesWhetherARuleIsNew) {
  MemorySystem settled;
  install(settled);
  EXPECT_FALSE(test::dry_run(ufw_module, rule({{"port", "22"}}), settled).get("changed").truthy());

  MemorySystem fresh;
  install(fresh, std::string(kRule) + "### tuple ### allow any 80 ::/0 any ::/0 in\n");
  EXPECT_TRUE(test::dry_run(ufw_module, rule({{"port", "80"}}), fresh).get("changed").truthy());
  EXPECT_FALSE(
      test::dry_run(ufw_module, rule({{"from_ip", "10.0.0.1"}}), fresh).get("changed").truthy());
  EXPECT_TRUE(
      test::dry_run(ufw_module, rule({{"from_ip", "fe80::1"}}), fresh).get("changed").truthy());

  MemorySystem skipping;
  install(skipping, "Skipping adding existing rule\nSkipping adding existing rule (v6)\n");
  EXPECT_FALSE(test::dry_run(ufw_module, rule({{"port", "22"}}), skipping).get("changed").truthy());
}

TEST(Ufw, TellsAChangeByWhatIsKept) {
  MemorySystem system;
  install(system);

  EXPECT_FALSE(test::run(ufw_module, rule({{"port", "22"}}), system).get("changed").truthy());
  system.when({"ufw", "allow"}, [](const Command&, MemorySystem& host) {
    host.file("/etc/ufw/user.rules", "### tuple ### allow any 80\n");
    return CommandResult();
  });

  EXPECT_TRUE(test::run(ufw_module, rule({{"port", "80"}}), system).get("changed").truthy());
}

TEST(Ufw, KnowsItsStatus) {
  const auto changes = [](const char* name, const char* value, const char* direction = "") {
    MemorySystem system;
    install(system);
    Value arguments = Value::map({{name, value}});
    if (*direction != '\0') arguments.set("direction", direction);
    return test::dry_run(ufw_module, arguments, system).get("changed").truthy();
  };

  EXPECT_FALSE(changes("state", "enabled"));
  EXPECT_TRUE(changes("state", "disabled"));
  EXPECT_TRUE(changes("state", "reloaded"));
  EXPECT_FALSE(changes("logging", "on"));
  EXPECT_FALSE(changes("logging", "low"));
  EXPECT_TRUE(changes("logging", "full"));
  EXPECT_TRUE(changes("logging", "off"));
  EXPECT_FALSE(changes("default", "deny"));
  EXPECT_TRUE(changes("default", "allow"));
  EXPECT_FALSE(changes("default", "allow", "outgoing"));
  EXPECT_FALSE(changes("default", "allow", "routed"));
}

TEST(Ufw, KnowsItsSettingsWhileItIsOff) {
  MemorySystem system;
  install(system);
  system.when({"ufw", "status", "verbose"}, "Status: inactive\n")
      .file("/etc/default/ufw",
            "DEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n"
            "DEFAULT_FORWARD_POLICY=\"REJECT\"\n")
      .file("/etc/ufw/ufw.conf", "ENABLED=no\nLOGLEVEL=low\n");
  const auto changes = [&](std::initializer_list<std::pair<Value, Value>> arguments) {
    return test::dry_run(ufw_module, Value::map(arguments), system).get("changed").truthy();
  };

  EXPECT_FALSE(changes({{"default", "deny"}}));
  EXPECT_FALSE(changes({{"default", "allow"}, {"direction", "outgoing"}}));
  EXPECT_TRUE(changes({{"default", "deny"}, {"direction", "routed"}}));
  EXPECT_FALSE(changes({{"logging", "low"}}));
  EXPECT_TRUE(changes({{"logging", "off"}}));
  EXPECT_TRUE(changes({{"state", "enabled"}}));
}

TEST(Ufw, DoesSeveralThingsAtOnce) {
  MemorySystem system;
  install(system);

  const Value result = test::run(ufw_module,
                                 Value::map({{"state", "enabled"},
                                             {"policy", "deny"},
                                             {"logging", "low"},
                                             {"direction", "incoming"}}),
                                 system);

  EXPECT_THAT(
      system.changes(),
      ElementsAre("run ufw -f enable", "run ufw default deny incoming", "run ufw logging low"));
  EXPECT_EQ(result.get("commands").size(), 3U);
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("Status: active"));
}

TEST(Ufw, RefusesWhatMakesNoRule) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(ufw_module, Value(Map()), system), HasSubstr("one of"));
  EXPECT_THAT(expect_refused(ufw_module, rule({{"direction", "incoming"}}), system),
              HasSubstr("For rules"));
  EXPECT_THAT(
      expect_refused(ufw_module, Value::map({{"default", "deny"}, {"direction", "in"}}), system),
      HasSubstr("For default"));
  EXPECT_THAT(
      expect_refused(ufw_module, rule({{"interface_in", "a"}, {"interface_out", "b"}}), system),
      HasSubstr("Only route rules"));
  EXPECT_THAT(expect_refused(ufw_module, rule({{"interface", "a"}}), system),
              HasSubstr("direction"));
}

}  // namespace
}  // namespace gpustack::modules
