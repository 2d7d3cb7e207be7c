#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace gpustack::modules {

extern const ModuleSpec sudoers_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

Value rule(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(
      {{"name", "gpu"}, {"user", "ops"}, {"commands", Value::list({"/bin/a", "/bin/b"})}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(Sudoers, WritesARule) {
  MemorySystem system;
  system.folder("/etc/sudoers.d");

  expect_converges(sudoers_module, rule({}), system);

  EXPECT_EQ(system.text("/etc/sudoers.d/gpu"), "ops ALL=NOPASSWD: /bin/a, /bin/b\n");
  EXPECT_EQ(system.info("/etc/sudoers.d/gpu").mode, 0440U);
}

TEST(Sudoers, WritesEveryPartOfARule) {
  MemorySystem system;
  system.folder("/srv");
  Value arguments = rule({{"runas", "data"},
                          {"nopassword", false},
                          {"setenv", true},
                          {"noexec", true},
                          {"host", "node1"},
                          {"sudoers_path", "/srv"},
                          {"group", "ml"}});
  arguments.mutable_map().erase(std::string_view("user"));

  expect_converges(sudoers_module, arguments, system);

  EXPECT_EQ(system.text("/srv/gpu"), "%ml node1=(data)NOEXEC:SETENV: /bin/a, /bin/b\n");
}

TEST(Sudoers, MendsTheModeAndRemovesTheRule) {
  MemorySystem system;
  system.file("/etc/sudoers.d/gpu", "ops ALL=NOPASSWD: /bin/a, /bin/b\n", 0644);

  expect_converges(sudoers_module, rule({}), system);
  expect_converges(sudoers_module, Value::map({{"name", "gpu"}, {"state", "absent"}}), system);

  EXPECT_FALSE(system.exists("/etc/sudoers.d/gpu"));
}

TEST(Sudoers, AsksVisudoBeforeItWrites) {
  MemorySystem system;
  system.folder("/etc/sudoers.d").when({"visudo"}, "stdin:1:9: syntax error\n", 1);

  EXPECT_THAT(expect_refused(sudoers_module, rule({}), system), HasSubstr("syntax error"));
  EXPECT_EQ(system.queries().back().input, "ops ALL=NOPASSWD: /bin/a, /bin/b\n");
  expect_converges(sudoers_module, rule({{"validation", "absent"}}), system);
}

TEST(Sudoers, RefusesWhatMakesNoRule) {
  MemorySystem system;
  system.folder("/etc/sudoers.d");

  EXPECT_THAT(expect_refused(sudoers_module, rule({{"validation", "required"}}), system),
              HasSubstr("visudo"));
  EXPECT_THAT(expect_refused(sudoers_module, rule({{"group", "g"}}), system), HasSubstr("group"));
  EXPECT_THAT(
      expect_refused(sudoers_module, Value::map({{"name", "x"}, {"commands", "ALL"}}), system),
      HasSubstr("one of"));
}

TEST(Sudoers, WarnsOfNamesThatSudoPassesOver) {
  MemorySystem system;
  system.folder("/etc/sudoers.d");

  const Value result = test::run(sudoers_module, rule({{"name", "gpu.rule"}}), system);

  EXPECT_THAT(to_text(result.get("warnings")), HasSubstr("does not read"));
}

}  // namespace
}  // namespace gpustack::modules
