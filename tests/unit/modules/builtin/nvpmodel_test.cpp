#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec nvpmodel_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A board with two modes; mode 0 needs a reboot when `reboots`.
void install(MemorySystem& system, bool reboots = false) {
  system
      .file("/etc/nvpmodel.conf",
            "# comment\n< POWER_MODEL ID=0 NAME=MAXN >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=2 "
            "NAME=15W >\n< PM_CONFIG DEFAULT=2 >\n")
      .file("/mode", "15W\n2\n")
      .when({"nvpmodel", "-q"},
            [](const Command&, MemorySystem& host) {
              return CommandResult{.output =
                                       "NV Fan Mode:quiet\nNV Power Mode: " + host.text("/mode")};
            })
      .when({"nvpmodel", "-m", "0"}, [reboots](const Command&, MemorySystem& host) {
        if (reboots)
          return CommandResult{.output =
                                   "NVPM WARN: Reboot required for changing to this power "
                                   "mode: 0\nDO YOU WANT TO REBOOT NOW? enter YES/yes to "
                                   "confirm:\n"};
        host.file("/mode", "MAXN\n0\n");
        return CommandResult{};
      });
}

Value mode(Value wanted, bool allow_reboot = false) {
  return Value::map({{"mode", std::move(wanted)}, {"allow_reboot", allow_reboot}});
}

TEST(Nvpmodel, TakesAModeByNameOrNumber) {
  MemorySystem system;
  install(system);

  const Value result = expect_converges(nvpmodel_module, mode("maxn"), system);

  EXPECT_EQ(result.get("mode"), Value::map({{"id", 0}, {"name", "MAXN"}}));
  EXPECT_THAT(system.changes(), ElementsAre("run nvpmodel -m 0"));
  expect_unchanged(nvpmodel_module, mode(0), system);
  expect_unchanged(nvpmodel_module, mode("0"), system);
}

TEST(Nvpmodel, TellsTheModes) {
  MemorySystem system;
  install(system);

  const Value result = expect_unchanged(nvpmodel_module, Value(Map()), system);

  EXPECT_EQ(result.get("mode").get("name"), Value("15W"));
  EXPECT_EQ(result.get("modes").size(), 2U);
}

TEST(Nvpmodel, RebootsOnlyWhenItMay) {
  MemorySystem system;
  install(system, true);

  const Value result = test::run(nvpmodel_module, mode(0), system);
  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("reboot_required"), Value(true));
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("allow_reboot: yes"));
  EXPECT_EQ(system.commands().back().input, "NO\n") << "an unanswered question would wait";

  const Value foreseen = test::dry_run(nvpmodel_module, mode(0, true), system);
  EXPECT_EQ(foreseen.get("change_classes"), Value::list({"reboot"}));
  const Value allowed = test::run(nvpmodel_module, mode(0, true), system);
  EXPECT_FALSE(allowed.get("failed").truthy());
  EXPECT_EQ(allowed.get("reboot_required"), Value(true));
  EXPECT_THAT(system.changes().back(), HasSubstr("echo YES | nvpmodel -m 0"));
}

TEST(Nvpmodel, RefusesWhatTheBoardDoesNotHave) {
  MemorySystem bare;
  EXPECT_THAT(expect_refused(nvpmodel_module, mode(0), bare), HasSubstr("only NVIDIA Jetson"));
  MemorySystem system;
  install(system);
  EXPECT_THAT(expect_refused(nvpmodel_module, mode("50W"), system),
              HasSubstr("no power mode '50W', it has 0 (MAXN), 2 (15W)"));
  system.file("/etc/nvpmodel.conf", "");
  EXPECT_THAT(expect_refused(nvpmodel_module, mode(0), system), HasSubstr("defines no power mode"));
}

}  // namespace
}  // namespace gpustack::modules
