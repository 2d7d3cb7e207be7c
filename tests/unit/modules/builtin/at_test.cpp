#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec at_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

void install(MemorySystem& system) {
  system.when({"at"}, "", 0, "job 3 at Fri\n")
      .when({"atq"}, "1\tFri Jan 1 00:00:00 2027 a root\n2\tFri Jan 1 00:00:00 2027 a root\n")
      .when({"at", "-c", "1"}, "#!/bin/sh\ncd /root\nufw disable\n")
      .when({"at", "-c", "2"}, "#!/bin/sh\nsync\n");
}

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map({{"count", 10}, {"units", "minutes"}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(At, AddsAJob) {
  MemorySystem system;
  install(system);

  EXPECT_TRUE(
      test::dry_run(at_module, with({{"command", "ufw disable"}}), system).get("changed").truthy());
  const Value result = test::run(at_module, with({{"command", "ufw disable"}}), system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("count"), Value(10));
  EXPECT_THAT(system.changes(), ElementsAre("run at now + 10 minutes"));
  EXPECT_EQ(system.commands().back().input, "ufw disable\n");
}

TEST(At, AddsNoneThatIsWaiting) {
  MemorySystem system;
  install(system);
  system.file("/s", "#!/bin/sh\nsync\n");

  expect_unchanged(at_module, with({{"command", "ufw disable"}, {"unique", true}}), system);
  expect_unchanged(at_module, with({{"script_file", "/s"}, {"unique", true}}), system);
}

TEST(At, RemovesAllThatRunIt) {
  MemorySystem system;
  install(system);

  test::run(at_module, Value::map({{"command", "ufw disable"}, {"state", "absent"}}), system);
  expect_unchanged(at_module, Value::map({{"command", "reboot"}, {"state", "absent"}}), system);

  EXPECT_THAT(system.changes(), ElementsAre("run at -r 1"));
}

TEST(At, RefusesWhatItCannotPlan) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(at_module, Value::map({{"command", "x"}}), system),
              HasSubstr("count"));
  EXPECT_THAT(expect_refused(at_module, with({{"command", "x"}, {"count", 0}}), system),
              HasSubstr("1 or more"));
  EXPECT_THAT(expect_refused(at_module, with({}), system), HasSubstr("one of"));
  EXPECT_THAT(expect_refused(at_module, with({{"command", " "}}), system), HasSubstr("empty"));
}

}  // namespace
}  // namespace gpustack::modules
