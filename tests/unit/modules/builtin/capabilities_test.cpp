#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec capabilities_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> changes(const MemorySystem& system) { return system.changes(); }

/// A host where getcap says `listing` behind the path.
void install(MemorySystem& system, const std::string& listing) {
  system.when({"setcap"}, "").when({"getcap", "-v", "/bin/x"}, "/bin/x" + listing + "\n");
}

Value wanted(const char* capability, const char* state = "present") {
  return Value::map({{"path", "/bin/x"}, {"capability", capability}, {"state", state}});
}

TEST(Capabilities, AddsOneToThoseThatAreThere) {
  MemorySystem system;
  install(system, " cap_net_admin,cap_net_raw=ep cap_kill+i");

  const Value result = test::run(capabilities_module, wanted("CAP_SYS_NICE+ep"), system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("msg"), Value("capabilities changed"));
  EXPECT_THAT(
      changes(system),
      ElementsAre("run setcap cap_net_admin=ep cap_net_raw=ep cap_kill+i cap_sys_nice+ep /bin/x"));
}

TEST(Capabilities, KnowsOneHoweverItIsWritten) {
  for (const char* listing : {" cap_net_raw=ep", " = cap_net_raw+ep", " cap_a,cap_net_raw=ep"}) {
    MemorySystem system;
    install(system, listing);
    expect_unchanged(capabilities_module, wanted("cap_net_raw+pe"), system);
  }
}

TEST(Capabilities, ReplacesFlags) {
  MemorySystem system;
  install(system, " cap_net_raw=p");

  test::run(capabilities_module, wanted("cap_net_raw=ep"), system);

  EXPECT_THAT(changes(system), ElementsAre("run setcap cap_net_raw=ep /bin/x"));
}

TEST(Capabilities, RemovesByName) {
  MemorySystem system;
  install(system, " cap_net_raw=ep");

  test::run(capabilities_module, wanted("cap_net_raw", "absent"), system);
  expect_unchanged(capabilities_module, wanted("cap_kill+ep", "absent"), system);

  EXPECT_THAT(changes(system), ElementsAre("run setcap -r /bin/x"));
}

TEST(Capabilities, LeavesTheFileAloneInADryRun) {
  MemorySystem system;
  install(system, "");

  EXPECT_TRUE(
      test::dry_run(capabilities_module, wanted("cap_kill+ep"), system).get("changed").truthy());
}

TEST(Capabilities, RefusesWhatItCannotSet) {
  MemorySystem system;
  install(system, "");

  EXPECT_THAT(expect_refused(capabilities_module, wanted("cap_kill"), system),
              HasSubstr("operator"));
  system.when({"getcap", "-v", "/bin/x"}, "", 0, "/bin/x (No such file or directory)\n");
  EXPECT_THAT(expect_refused(capabilities_module, wanted("cap_kill+ep"), system),
              HasSubstr("Unable to get capabilities of /bin/x"));
}

}  // namespace
}  // namespace gpustack::modules
