#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec seboolean_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kList =
    "container_use_devices          (off  ,   on)  Allow containers to use devices\n"
    "httpd_can_network_connect      (on   ,  off)  Allow httpd to connect\n";

void install(MemorySystem& system) {
  system.file("/sys/fs/selinux/enforce", "1")
      .file("/sys/fs/selinux/booleans/container_use_devices", "0 0")
      .when({"setsebool"}, "")
      .when({"semanage", "boolean", "--list", "--noheading"}, kList);
}

Value with(bool state, bool persistent, const char* name = "container_use_devices") {
  return Value::map({{"name", name}, {"state", state}, {"persistent", persistent}});
}

TEST(Seboolean, TurnsOnWhatRuns) {
  MemorySystem system;
  install(system);

  EXPECT_TRUE(test::dry_run(seboolean_module, with(true, false), system).get("changed").truthy());
  const Value result = test::run(seboolean_module, with(true, false), system);

  EXPECT_EQ(result.get("name"), Value("container_use_devices"));
  EXPECT_THAT(system.changes(), ElementsAre("run setsebool container_use_devices 1"));
  expect_unchanged(seboolean_module, with(false, false), system);
}

TEST(Seboolean, GoesByTheStoredValueWhenItShallLast) {
  MemorySystem system;
  install(system);

  expect_unchanged(seboolean_module, with(true, true), system);
  test::run(seboolean_module, with(true, true, "httpd_can_network_connect"), system);

  EXPECT_THAT(system.changes(), ElementsAre("run setsebool -P httpd_can_network_connect 1"));
}

TEST(Seboolean, SaysWhereThereIsNoSelinux) {
  MemorySystem system;
  system.when({"setsebool"}, "").when({"semanage", "boolean", "--list", "--noheading"}, kList);

  EXPECT_THAT(expect_refused(seboolean_module, with(true, true), system),
              HasSubstr("SELinux is disabled on this host."));
  Value arguments = with(false, true);
  arguments.set("ignore_selinux_state", true);
  test::run(seboolean_module, arguments, system);

  EXPECT_THAT(system.changes(), ElementsAre("run setsebool -N -P container_use_devices 0"));
}

TEST(Seboolean, RefusesWhatThePolicyDoesNotKnow) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(seboolean_module, with(true, false, "none"), system),
              HasSubstr("SELinux boolean none does not exist."));
  EXPECT_THAT(expect_refused(seboolean_module, with(true, true, "none"), system),
              HasSubstr("does not exist"));
  EXPECT_THAT(expect_refused(seboolean_module, with(true, false, "../enforce"), system),
              HasSubstr("expected a boolean's name"));
}

}  // namespace
}  // namespace gpustack::modules
