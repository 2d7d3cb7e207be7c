#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec modprobe_module;

namespace {

using test::MemorySystem;

MemorySystem& install_modprobe(MemorySystem& system, const std::string& loaded) {
  system.file("/proc/modules", loaded).file("/proc/sys/kernel/osrelease", "6.8.0-tegra\n");
  system.file("/lib/modules/6.8.0-tegra/modules.builtin", "kernel/drivers/block/loop.ko\n");
  system.when({"modprobe"}, [](const Command& command, MemorySystem& host) {
    host.file("/proc/modules", command.argv[1] == "-r" ? "" : "nvidia_uvm 1 0 - Live 0x0\n");
    return CommandResult{};
  });
  return system.when({"modprobe", "-n"}, "");
}

TEST(Modprobe, LoadsAModuleWithParameters) {
  MemorySystem system;
  install_modprobe(system, "drm 1 0 - Live 0x0\n");

  test::expect_converges(
      modprobe_module, Value::map({{"name", "nvidia-uvm"}, {"params", "a=1 'b=2 3'"}}), system);

  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"modprobe", "nvidia-uvm", "a=1", "b=2 3"}));
}

TEST(Modprobe, UnloadsAModule) {
  MemorySystem system;
  install_modprobe(system, "nouveau 1 0 - Live 0x0\n");

  test::expect_converges(
      modprobe_module, Value::map({{"name", "nouveau"}, {"state", "absent"}}), system);

  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"modprobe", "-r", "nouveau"}));
}

TEST(Modprobe, CountsWhatIsBuiltInAsLoaded) {
  MemorySystem system;
  install_modprobe(system, "");

  test::expect_unchanged(modprobe_module, Value::map({{"name", "loop"}}), system);
}

TEST(Modprobe, KeepsItOverABoot) {
  MemorySystem system;
  install_modprobe(system, "nvidia 1 0 - Live 0x0\n");
  system.file("/etc/modprobe.d/old.conf", "options nvidia NVreg_A=0\noptions drm x=1\n");

  test::expect_converges(
      modprobe_module,
      Value::map(
          {{"name", "nvidia"}, {"params", "NVreg_A=1 NVreg_B=2"}, {"persistent", "present"}}),
      system);

  EXPECT_EQ(system.text("/etc/modules-load.d/nvidia.conf"), "nvidia\n");
  EXPECT_EQ(system.text("/etc/modprobe.d/nvidia.conf"),
            "options nvidia NVreg_A=1\noptions nvidia NVreg_B=2\n");
  EXPECT_EQ(system.text("/etc/modprobe.d/old.conf"),
            "#options nvidia NVreg_A=0\noptions drm x=1\n");
}

TEST(Modprobe, TakesItOutOfTheBoot) {
  MemorySystem system;
  install_modprobe(system, "");
  system.file("/etc/modules-load.d/x.conf", "i2c-dev\nnouveau # for now\n")
      .file("/etc/modprobe.d/x.conf", "options nouveau modeset=1\n");

  test::expect_converges(
      modprobe_module,
      Value::map({{"name", "nouveau"}, {"state", "absent"}, {"persistent", "absent"}}),
      system);

  EXPECT_EQ(system.text("/etc/modules-load.d/x.conf"), "i2c-dev\n#nouveau # for now\n");
  EXPECT_EQ(system.text("/etc/modprobe.d/x.conf"), "#options nouveau modeset=1\n");
}

TEST(Modprobe, FailsWithItsError) {
  MemorySystem system;
  install_modprobe(system, "");
  system.when({"modprobe", "nope"}, "", 1, "modprobe: FATAL: Module nope not found\n");
  system.when({"modprobe", "-n", "nope"}, "", 1, "modprobe: FATAL: Module nope not found\n");

  EXPECT_NE(to_text(test::run(modprobe_module, Value::map({{"name", "nope"}}), system).get("msg"))
                .find("Module nope not found"),
            std::string::npos);
  EXPECT_NE(
      to_text(test::dry_run(modprobe_module, Value::map({{"name", "nope"}}), system).get("msg"))
          .find("not found"),
      std::string::npos);
}

TEST(Modprobe, RefusesAnOpenQuote) {
  MemorySystem system;
  install_modprobe(system, "");

  test::expect_refused(modprobe_module, Value::map({{"name", "x"}, {"params", "a='1"}}), system);
}

}  // namespace
}  // namespace gpustack::modules
