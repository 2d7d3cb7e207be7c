#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec apk_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

void install(MemorySystem& system) {
  system.file("/etc/apk/world", "busybox\nethtool>1.0\n")
      .when({"apk"}, "")
      .when({"apk", "-v", "info", "--installed"}, "", 1)
      .when({"apk", "-v", "info", "--installed", "busybox"}, "busybox\n")
      .when({"apk", "-v", "info", "--description"}, "x-1.0 description:\n")
      .when({"apk", "add"},
            "(1/2) Installing pci (1.0-r0)\n(2/2) Installing nano (7-r0)\nOK: 9 MiB\n")
      .when({"apk", "del"}, "(1/1) Purging busybox (1.36-r0)\nOK: 1 MiB\n")
      .when({"apk", "version", "ethtool"}, "Installed:  Available:\nethtool-1.1-r0  <  1.2-r0\n");
}

Value names(std::initializer_list<Value> list, const char* state = "present") {
  return Value::map({{"name", Value::list(list)}, {"state", state}});
}

TEST(Apk, InstallsWhatWasNotAskedForYet) {
  MemorySystem system;
  install(system);

  EXPECT_TRUE(
      test::dry_run(apk_module, names({"busybox", "nano"}), system).get("changed").truthy());
  const Value result = test::run(apk_module, names({"busybox", "nano"}), system);

  EXPECT_EQ(result.get("msg"), Value("installed nano package(s)"));
  EXPECT_EQ(result.get("packages"), Value::list({"pci", "nano"}));
  EXPECT_THAT(system.changes(), ElementsAre("run apk add nano"));
}

TEST(Apk, LeavesWhatIsThere) {
  MemorySystem system;
  install(system);

  EXPECT_EQ(expect_unchanged(apk_module, names({"busybox", "ethtool"}), system).get("msg"),
            Value("package(s) already installed"));
  EXPECT_EQ(expect_unchanged(apk_module, names({"nano"}, "absent"), system).get("msg"),
            Value("package(s) already removed"));
}

TEST(Apk, UpgradesWhatIsOld) {
  MemorySystem system;
  install(system);

  test::run(apk_module, names({"busybox", "ethtool"}, "latest"), system);

  EXPECT_THAT(system.changes(), ElementsAre("run apk add --upgrade ethtool"));
}

TEST(Apk, Removes) {
  MemorySystem system;
  install(system);
  Value arguments = names({"busybox"}, "absent");
  arguments.set("repository", Value::list({"http://mirror/main"}));

  const Value result = test::run(apk_module, arguments, system);

  EXPECT_EQ(result.get("packages"), Value::list({"busybox"}));
  EXPECT_THAT(system.changes(),
              ElementsAre("run apk del --purge --repository http://mirror/main --repositories-file "
                          "/dev/null busybox"));
}

TEST(Apk, LooksAgainOnceTheListsAreFresh) {
  MemorySystem system;
  install(system);
  system.when({"apk", "update"}, [](const Command&, MemorySystem& host) {
    host.when({"apk", "version", "busybox"}, "busybox-1.36-r0  <  1.37-r0\n");
    return CommandResult();
  });
  Value arguments = names({"busybox"}, "latest");
  arguments.set("update_cache", true);

  EXPECT_EQ(test::run(apk_module, arguments, system).get("changed"), Value(true));

  EXPECT_THAT(system.changes(), ElementsAre("run apk update", "run apk add --upgrade busybox"));
}

TEST(Apk, UpdatesAndUpgradesByThemselves) {
  MemorySystem system;
  install(system);
  system.when({"apk", "upgrade"}, "OK: 9 MiB\n");

  EXPECT_EQ(test::run(apk_module, Value::map({{"update_cache", true}}), system).get("msg"),
            Value("updated repository indexes"));
  EXPECT_EQ(test::run(apk_module, Value::map({{"upgrade", true}}), system).get("msg"),
            Value("packages already upgraded"));
  system.when({"apk", "upgrade"}, "(1/1) Upgrading nano (1 -> 2)\nOK: 9 MiB\n");
  EXPECT_TRUE(test::run(apk_module, Value::map({{"upgrade", true}, {"available", true}}), system)
                  .get("changed")
                  .truthy());
  EXPECT_EQ(system.changes().back(), "run apk upgrade --available");
}

TEST(Apk, TellsWhatApkSays) {
  MemorySystem system;
  install(system);
  system.when({"apk", "add", "--simulate"}, "", 1, "ERROR: unable to select packages\n");

  EXPECT_THAT(expect_refused(apk_module, names({"none"}), system),
              HasSubstr("failed to install none: ERROR: unable to select"));
  EXPECT_THAT(expect_refused(apk_module, Value(Map()), system), HasSubstr("one of"));
}

}  // namespace
}  // namespace gpustack::modules
