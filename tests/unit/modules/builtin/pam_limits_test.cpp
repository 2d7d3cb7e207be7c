#include "modules/sdk/text.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec pam_limits_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kFile = "/etc/security/limits.conf";

Value limit(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(
      {{"domain", "joe"}, {"limit_type", "soft"}, {"limit_item", "nofile"}, {"value", "64000"}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(PamLimits, AddsALimit) {
  MemorySystem system;
  system.folder("/etc/security").file(kFile, "# Limits\n* hard core 0");

  const Value result =
      expect_converges(pam_limits_module, limit({{"comment", "for data"}}), system);

  EXPECT_EQ(system.text(kFile), "# Limits\n* hard core 0\njoe\tsoft\tnofile\t64000\t#for data\n");
  EXPECT_EQ(result.get("msg"), Value("joe\tsoft\tnofile\t64000\t#for data\n"));
}

TEST(PamLimits, MakesItsFileButNoFolder) {
  MemorySystem system;
  system.folder("/etc/security/limits.d");

  expect_converges(pam_limits_module, limit({{"dest", "/etc/security/limits.d/gpu.conf"}}), system);

  EXPECT_EQ(system.text("/etc/security/limits.d/gpu.conf"), "joe\tsoft\tnofile\t64000\n");
  EXPECT_THAT(expect_refused(pam_limits_module, limit({{"dest", "/none/f"}}), system),
              HasSubstr("/none"));
}

TEST(PamLimits, ReplacesAValueAndKeepsItsComment) {
  MemorySystem system;
  system.file(kFile, "joe   soft nofile  100 # mine\njoe hard nofile 5\n");

  const Value result = expect_converges(pam_limits_module, limit({{"backup", true}}), system);

  EXPECT_EQ(system.text(kFile), "joe\tsoft\tnofile\t64000\t# mine\njoe hard nofile 5\n");
  EXPECT_THAT(system.text(to_text(result.get("backup_file"))), HasSubstr("joe   soft"));
}

TEST(PamLimits, LeavesALimitThatIsThere) {
  MemorySystem system;
  system.file(kFile, "joe soft   nofile 64000\n");

  expect_unchanged(pam_limits_module, limit({}), system);
}

TEST(PamLimits, OnlyRaisesOrLowersWhereAsked) {
  const auto after = [](const char* old, const char* wanted, const char* how) {
    MemorySystem system;
    system.file(kFile, std::string("joe soft nofile ") + old + "\n");
    test::run(pam_limits_module, limit({{"value", wanted}, {how, true}}), system);
    return modules::split_words(system.text(kFile))[3];
  };

  EXPECT_EQ(after("100", "200", "use_max"), "200");
  EXPECT_EQ(after("200", "100", "use_max"), "200");
  EXPECT_EQ(after("unlimited", "100", "use_max"), "unlimited");
  EXPECT_EQ(after("100", "-1", "use_max"), "-1");
  EXPECT_EQ(after("100", "200", "use_min"), "100");
  EXPECT_EQ(after("unlimited", "200", "use_min"), "200");
  EXPECT_EQ(after("100", "unlimited", "use_min"), "100");
}

TEST(PamLimits, RefusesValuesThatAreNone) {
  MemorySystem system;
  system.file(kFile, "");

  EXPECT_THAT(expect_refused(pam_limits_module, limit({{"value", "many"}}), system),
              HasSubstr("'many'"));
  EXPECT_THAT(
      expect_refused(pam_limits_module, limit({{"limit_item", "nice"}, {"value", "20"}}), system),
      HasSubstr("-20 to 19"));
  EXPECT_THAT(
      expect_refused(pam_limits_module, limit({{"use_max", true}, {"use_min", true}}), system),
      HasSubstr("same time"));
  system.file(kFile, "* soft nofile lots\n");
  EXPECT_THAT(expect_refused(pam_limits_module, limit({}), system),
              HasSubstr("Invalid configuration found"));
}

}  // namespace
}  // namespace gpustack::modules
