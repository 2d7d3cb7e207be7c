#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec selinux_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kConfig = "/etc/selinux/config";
constexpr const char* kEnforce = "/sys/fs/selinux/enforce";

void install(MemorySystem& system, const std::string& enforce, const std::string& state) {
  system.folder("/etc/selinux/targeted/policy")
      .file(kConfig, "# SELinux\nSELINUX=" + state + "\nSELINUXTYPE=targeted\n");
  if (!enforce.empty()) system.file(kEnforce, enforce);
}

Value with(const char* state, const char* policy = "targeted") {
  return Value::map({{"state", state}, {"policy", policy}});
}

TEST(Selinux, ChangesTheKernelAndTheConfiguration) {
  MemorySystem system;
  install(system, "1", "enforcing");

  const Value result = test::expect_converges(selinux_module, with("permissive"), system);

  EXPECT_EQ(system.text(kEnforce), "0");
  EXPECT_EQ(system.text(kConfig), "# SELinux\nSELINUX=permissive\nSELINUXTYPE=targeted\n");
  EXPECT_EQ(result.get("msg"),
            Value("SELinux state changed from 'enforcing' to 'permissive', Config SELinux state "
                  "changed from 'enforcing' to 'permissive'"));
  EXPECT_EQ(result.get("reboot_required"), Value(false));
}

TEST(Selinux, LeavesWhatIsRight) {
  MemorySystem system;
  install(system, "1", "enforcing");

  expect_unchanged(selinux_module, with("enforcing"), system);
}

TEST(Selinux, LetsPassUntilTheRebootThatTurnsItOff) {
  MemorySystem system;
  install(system, "1", "enforcing");

  const Value result = test::run(selinux_module, Value::map({{"state", "disabled"}}), system);

  EXPECT_EQ(system.text(kEnforce), "0");
  EXPECT_THAT(system.text(kConfig), HasSubstr("SELINUX=disabled\n"));
  EXPECT_EQ(result.get("policy"), Value("targeted"));
  EXPECT_EQ(result.get("reboot_required"), Value(true));
  EXPECT_THAT(to_text(result.get("warnings")), HasSubstr("temporarily"));
}

TEST(Selinux, NeedsARebootWhereTheKernelDoesNotRunIt) {
  MemorySystem system;
  install(system, "", "disabled");

  const Value result = test::run(selinux_module, with("enforcing"), system);

  EXPECT_EQ(result.get("reboot_required"), Value(true));
  EXPECT_THAT(system.text(kConfig), HasSubstr("SELINUX=enforcing\n"));
  EXPECT_FALSE(system.exists(kEnforce));
}

TEST(Selinux, ChangesThePolicy) {
  MemorySystem system;
  install(system, "1", "enforcing");
  system.folder("/etc/selinux/mls/policy");

  test::expect_converges(selinux_module, with("enforcing", "mls"), system);

  EXPECT_THAT(system.text(kConfig), HasSubstr("SELINUXTYPE=mls\n"));
  EXPECT_THAT(expect_refused(selinux_module, with("enforcing", "none"), system),
              HasSubstr("Policy none does not exist"));
}

TEST(Selinux, ChangesTheKernelsCommandLines) {
  MemorySystem system;
  install(system, "1", "enforcing");
  system.when({"grubby"}, "")
      .when({"grubby", "--info=ALL"}, "args=\"ro selinux=0\"\nargs=\"ro\"\n");
  Value arguments = with("enforcing");
  arguments.set("update_kernel_param", true);

  const Value result = test::run(selinux_module, arguments, system);

  EXPECT_THAT(system.changes(),
              ElementsAre("run grubby --update-kernel=ALL --remove-args selinux=0"));
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("'<inconsistent>' to 'enabled'"));
  system.when({"grubby", "--info=ALL"}, "args=\"ro\"\n");
  expect_unchanged(selinux_module, arguments, system);
}

TEST(Selinux, SaysWhereThereIsNone) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(selinux_module, with("enforcing"), system),
              HasSubstr("this host has no SELinux"));
  install(system, "1", "enforcing");
  EXPECT_THAT(expect_refused(selinux_module, Value::map({{"state", "enforcing"}}), system),
              HasSubstr("Policy is required"));
}

}  // namespace
}  // namespace gpustack::modules
