#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec sysctl_module;

namespace {

using test::MemorySystem;

MemorySystem& install_sysctl(MemorySystem& system) {
  system.file("/proc/sys/vm/swappiness", "60\n");
  system.when({"sysctl", "-p"}, [](const Command& command, MemorySystem& host) {
    const std::string text = host.text(command.argv.back());
    const std::size_t at = text.find("vm.swappiness=");
    if (at != std::string::npos)
      host.file("/proc/sys/vm/swappiness",
                text.substr(at + 14, text.find('\n', at) - at - 14) + "\n");
    return CommandResult{};
  });
  return system;
}

TEST(Sysctl, WritesItsFileAndReloadsIt) {
  MemorySystem system;
  install_sysctl(system).file("/etc/sysctl.conf",
                              "# kernel\n kernel.panic = 3\nvm.swappiness=1\nvm.swappiness=2");

  test::expect_converges(
      sysctl_module, Value::map({{"name", "vm.swappiness"}, {"value", 10}}), system);

  EXPECT_EQ(system.text("/etc/sysctl.conf"), "# kernel\nkernel.panic=3\nvm.swappiness=10\n");
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"sysctl", "-p", "/etc/sysctl.conf"}));
}

TEST(Sysctl, ReloadsWhenOnlyTheKernelDiffers) {
  MemorySystem system;
  install_sysctl(system).file("/etc/sysctl.conf", "vm.swappiness=10\n");

  test::expect_converges(
      sysctl_module, Value::map({{"name", "vm.swappiness"}, {"value", "10"}}), system);

  EXPECT_EQ(system.commands().size(), 1U);
}

TEST(Sysctl, SetsTheKernelsValueAtOnce) {
  MemorySystem system;
  install_sysctl(system).folder("/etc/sysctl.d");

  test::expect_converges(sysctl_module,
                         Value::map({{"name", "vm.swappiness"},
                                     {"value", "yes"},
                                     {"sysctl_set", true},
                                     {"reload", false},
                                     {"sysctl_file", "/etc/sysctl.d/9.conf"}}),
                         system);

  EXPECT_EQ(system.text("/proc/sys/vm/swappiness"), "1");
  EXPECT_EQ(system.text("/etc/sysctl.d/9.conf"), "vm.swappiness=1\n");
  EXPECT_TRUE(system.commands().empty());
}

TEST(Sysctl, TakesAnEntryOut) {
  MemorySystem system;
  install_sysctl(system).file("/etc/sysctl.conf", "vm.swappiness=10\nkernel.panic=3\n");

  test::expect_converges(
      sysctl_module, Value::map({{"name", "vm.swappiness"}, {"state", "absent"}}), system);

  EXPECT_EQ(system.text("/etc/sysctl.conf"), "kernel.panic=3\n");
}

TEST(Sysctl, ComparesWordsOfLists) {
  MemorySystem system;
  install_sysctl(system)
      .file("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n")
      .file("/etc/sysctl.conf", "net.ipv4.tcp_rmem=4096 131072 6291456\n");

  test::expect_unchanged(
      sysctl_module,
      Value::map({{"name", "net.ipv4.tcp_rmem"}, {"value", "4096 131072 6291456"}}),
      system);
}

TEST(Sysctl, SetsTheModeOfItsFile) {
  MemorySystem system;
  install_sysctl(system);

  test::expect_converges(sysctl_module,
                         Value::map({{"name", "vm.swappiness"}, {"value", "60"}, {"mode", "0600"}}),
                         system);

  EXPECT_EQ(system.info("/etc/sysctl.conf").mode, 0600U);
}

TEST(Sysctl, FailsWhenTheKernelRefuses) {
  MemorySystem system;
  install_sysctl(system);
  system.when({"sysctl", "-p"}, "", 0, "sysctl: setting key \"vm.swappiness\": Invalid argument\n");

  const Value result =
      test::run(sysctl_module, Value::map({{"name", "vm.swappiness"}, {"value", "1000"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_NE(to_text(result.get("msg")).find("Failed to reload sysctl"), std::string::npos);
}

TEST(Sysctl, NeedsAValue) {
  MemorySystem system;
  install_sysctl(system);

  test::expect_refused(sysctl_module, Value::map({{"name", "vm.swappiness"}}), system);
  EXPECT_EQ(
      test::expect_refused(sysctl_module, Value::map({{"name", " "}, {"value", "1"}}), system),
      "name cannot be blank");
}

}  // namespace
}  // namespace gpustack::modules
