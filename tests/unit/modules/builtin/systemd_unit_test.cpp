#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec systemd_unit_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPath = "/etc/systemd/system/inference.service";

Value service() {
  return Value::map(
      {{"name", "inference"},
       {"sections",
        Value::map({{"Unit", Value::map({{"After", Value::list({"a.target", "b.target"})}})},
                    {"Service",
                     Value::map({{"ExecStart", "/opt/serve"},
                                 {"Environment", Value::map({{"MODEL", "a b"}})},
                                 {"RemainAfterExit", true}})},
                    {"Install", Value::map({{"WantedBy", "multi-user.target"}})}})}});
}

constexpr const char* kText =
    "[Unit]\nAfter=a.target\nAfter=b.target\n\n[Service]\nExecStart=/opt/serve\n"
    "Environment=\"MODEL=a b\"\nRemainAfterExit=true\n\n[Install]\nWantedBy=multi-user.target\n";

/// A systemd that knows one unit and remembers what it is told.
struct Manager {
  std::string active = "inactive";
  std::string enabled = "disabled";
  bool knows = false;
  std::vector<std::string> calls;

  explicit Manager(MemorySystem& system) {
    system.when({"systemctl"}, [this](const Command& command, MemorySystem&) {
      const std::string& verb = command.argv[1];
      CommandResult out;
      if (verb == "show") {
        out.output = std::string("LoadState=") + (knows ? "loaded" : "not-found") +
                     "\nActiveState=" + active + "\nUnitFileState=" + enabled + "\n";
        return out;
      }
      if (verb == "is-enabled") {
        out.output = enabled + "\n";
        out.status = enabled == "enabled" ? 0 : 1;
        return out;
      }
      calls.push_back(verb);
      if (verb == "daemon-reload") knows = true;
      if (verb == "start" || verb == "restart") active = "active";
      if (verb == "stop") active = "inactive";
      if (verb == "enable") enabled = "enabled";
      if (verb == "disable") enabled = "disabled";
      return out;
    });
  }
};

TEST(SystemdUnit, WritesTheFileAndBringsUpTheUnit) {
  MemorySystem system;
  Manager manager(system);
  Value arguments = service();
  arguments.set("enabled", true);
  arguments.set("service_state", "restarted");

  const Value result = expect_converges(systemd_unit_module, arguments, system);

  EXPECT_EQ(system.text(kPath), kText);
  EXPECT_EQ(system.info(kPath).mode, 0644U);
  EXPECT_EQ(result.get("unit"), Value("inference.service"));
  EXPECT_EQ(result.get("state"), Value("started"));
  EXPECT_THAT(manager.calls, ElementsAre("daemon-reload", "enable", "start"));
}

TEST(SystemdUnit, RestartsOnlyWhenTheFileChanged) {
  MemorySystem system;
  Manager manager(system);
  manager.knows = true;
  manager.active = "active";
  system.file(kPath, kText);
  Value arguments = service();
  arguments.set("service_state", "restarted");

  expect_unchanged(systemd_unit_module, arguments, system);
  EXPECT_TRUE(manager.calls.empty());
  system.file(kPath, "[Service]\nExecStart=/old\n");
  const Value result = expect_converges(systemd_unit_module, arguments, system);

  EXPECT_THAT(manager.calls, ElementsAre("daemon-reload", "restart"));
  EXPECT_EQ(result.get("change_classes"), Value::list({"service_restart"}));
}

TEST(SystemdUnit, StartsWhatIsDownThoughTheFileIsAsWanted) {
  MemorySystem system;
  Manager manager(system);
  manager.knows = true;
  system.file(kPath, kText);
  Value arguments = service();
  arguments.set("service_state", "reloaded");

  expect_converges(systemd_unit_module, arguments, system);

  EXPECT_THAT(manager.calls, ElementsAre("start"));
}

TEST(SystemdUnit, StopsAndDisablesBeforeItRemoves) {
  MemorySystem system;
  Manager manager(system);
  manager.knows = true;
  manager.active = "active";
  manager.enabled = "enabled";
  system.file(kPath, kText);

  expect_converges(systemd_unit_module,
                   Value::map({{"name", "inference.service"}, {"state", "absent"}}),
                   system);

  EXPECT_FALSE(system.exists(kPath));
  EXPECT_THAT(manager.calls, ElementsAre("disable", "stop", "daemon-reload"));
}

TEST(SystemdUnit, HasDropInsComeAndGo) {
  MemorySystem system;
  Manager manager(system);
  Value arguments = Value::map(
      {{"name", "docker"}, {"dropin", "limits"}, {"content", "[Service]\nLimitMEMLOCK=infinity"}});
  const std::string path = "/etc/systemd/system/docker.service.d/limits.conf";

  expect_converges(systemd_unit_module, arguments, system);
  EXPECT_EQ(system.text(path), "[Service]\nLimitMEMLOCK=infinity\n");
  arguments = Value::map({{"name", "docker"}, {"dropin", "limits.conf"}, {"state", "absent"}});
  expect_converges(systemd_unit_module, arguments, system);

  EXPECT_FALSE(system.exists("/etc/systemd/system/docker.service.d"));
  EXPECT_THAT(manager.calls, ElementsAre("daemon-reload", "daemon-reload"));
}

TEST(SystemdUnit, WritesUserUnitsAndWorksWithoutSystemd) {
  MemorySystem system;
  Value arguments = service();
  arguments.set("scope", "user");
  arguments.set("mode", "0600");

  expect_converges(systemd_unit_module, arguments, system);

  EXPECT_EQ(system.info("/root/.config/systemd/user/inference.service").mode, 0600U);
  EXPECT_TRUE(system.commands().empty());
}

struct BadCase {
  const char* name;
  std::vector<std::pair<const char*, Value>> arguments;
  const char* says;
};

class SystemdUnitRefusal : public testing::TestWithParam<BadCase> {};

TEST_P(SystemdUnitRefusal, SaysWhatIsWrong) {
  MemorySystem system;
  system.link("/dev/null", "/etc/systemd/system/masked.service");
  Value arguments{Map()};
  for (const auto& [key, value] : GetParam().arguments) arguments.set(key, value);

  EXPECT_THAT(expect_refused(systemd_unit_module, arguments, system), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    SystemdUnitRefusal,
    testing::Values(
        BadCase{"ASlash", {{"name", "../x"}, {"content", "[Service]\n"}}, "without slashes"},
        BadCase{"AnUnknownSection",
                {{"name", "x"}, {"content", "[Unit]\nA=b\n[Servce]\nExecStart=/x\n"}},
                "line 3 of the unit begins the section 'Servce'"},
        BadCase{"ASectionOfAnotherType",
                {{"name", "x.timer"}, {"content", "[Timer]\nOnBootSec=1\n[Service]\nA=b\n"}},
                "begins the section 'Service', which systemd does not read here"},
        BadCase{"NoAssignment",
                {{"name", "x"}, {"content", "[Service]\nExecStart\n"}},
                "line 2 of the unit is 'ExecStart', expected key=value"},
        BadCase{"AboveTheFirstSection",
                {{"name", "x"}, {"content", "A=b\n"}},
                "above the first section"},
        BadCase{"NoSectionOfItsOwn",
                {{"name", "x"}, {"content", "[Unit]\nDescription=x\n"}},
                "has no section 'Service'"},
        BadCase{
            "ALineBreak",
            {{"name", "x"}, {"sections", Value::map({{"Service", Value::map({{"A", "b\nc"}})}})}},
            "'A' has a line break"},
        BadCase{"NothingAtAll", {{"name", "x"}}, "content"},
        BadCase{
            "ATemplateThatStarts",
            {{"name", "x@.service"}, {"content", "[Service]\nA=b\n"}, {"service_state", "started"}},
            "is a template"},
        BadCase{"AMaskedUnit", {{"name", "masked"}, {"content", "[Service]\nA=b\n"}}, "is masked"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(SystemdUnit, TakesLinesThatGoOnAndCommentsAndOwnSections) {
  MemorySystem system;
  const std::string text =
      "# made\n[Service]\nExecStart=/x \\\n  --flag \\\n# between\n  --other\n\n[X-Own]\na=b\n";

  expect_converges(
      systemd_unit_module, Value::map({{"name", "x@.service"}, {"content", text}}), system);

  EXPECT_EQ(system.text("/etc/systemd/system/x@.service"), text);
}

}  // namespace
}  // namespace gpustack::modules
