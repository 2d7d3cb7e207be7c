#include "tests/support/convergence.hpp"
#include "tests/support/fixture_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec nvidia_driver_facts_module;

namespace {

Value facts_of(test::MemorySystem& system) {
  return test::expect_unchanged(nvidia_driver_facts_module, Value(Map()), system)
      .get("ansible_facts")
      .get("nvidia_driver");
}

TEST(NvidiaDriverFacts, TellsAServersDriver) {
  test::FixtureSystem host("x86-h100");
  host.when({"dpkg-query", "-W"},
            "ii  nvidia-driver-580-open 580.159.04-0ubuntu1\nrc  nvidia-utils-535 535.1\nii  vim "
            "9.0\n")
      .when({"apt-mark", "showhold"}, "nvidia-driver-580-open\nvim\n");

  const Value facts = facts_of(host);

  EXPECT_EQ(facts.get("loaded"), Value(true));
  EXPECT_EQ(facts.get("version"), Value("580.159.04"));
  EXPECT_EQ(facts.get("flavour"), Value("open"));
  EXPECT_EQ(facts.get("cuda_max"), Value("13.0"));
  EXPECT_EQ(facts.get("nvidia_smi"), Value("ok"));
  EXPECT_EQ(facts.get("gpus").as_list().at(0).get("mig_capable"), Value(true));
  EXPECT_EQ(facts.get("packages"), Value::map({{"nvidia-driver-580-open", "580.159.04-0ubuntu1"}}));
  EXPECT_EQ(facts.get("held"), Value::list({"nvidia-driver-580-open"}));
  EXPECT_EQ(facts.get("reboot_required"), Value(false));
}

TEST(NvidiaDriverFacts, SeesThatTheLoadedDriverIsAnOldOne) {
  test::FixtureSystem host("x86-driver-mismatch");

  const Value facts = facts_of(host);

  EXPECT_EQ(facts.get("reboot_required"), Value(true));
  EXPECT_THAT(to_text(facts.get("reasons")), testing::HasSubstr("ERR-DRV-MISMATCH"));
}

TEST(NvidiaDriverFacts, AreThereWithoutAnyGpu) {
  test::MemorySystem host;

  const Value facts = facts_of(host);

  EXPECT_EQ(facts.get("loaded"), Value(false));
  EXPECT_EQ(facts.get("gpus"), Value(List()));
  EXPECT_EQ(facts.get("packages"), Value(Map()));
}

TEST(NvidiaDriverFacts, RefusesATimeoutOfNothing) {
  test::MemorySystem host;

  EXPECT_THAT(test::expect_refused(nvidia_driver_facts_module, Value::map({{"timeout", 0}}), host),
              testing::HasSubstr("expected a second or more"));
}

}  // namespace
}  // namespace gpustack::modules
