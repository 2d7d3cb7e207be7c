#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec kernel_blacklist_module;

namespace {

using test::MemorySystem;

TEST(KernelBlacklist, AddsALine) {
  MemorySystem system;
  system.folder("/etc/modprobe.d");

  test::expect_converges(kernel_blacklist_module, Value::map({{"name", "nouveau"}}), system);

  EXPECT_EQ(system.text("/etc/modprobe.d/blacklist-ansible.conf"), "blacklist nouveau\n");
}

TEST(KernelBlacklist, RemovesOnlyItsLine) {
  MemorySystem system;
  system.file("/etc/modprobe.d/b.conf",
              "# blacklist nouveau\nblacklist  nouveau\nblacklist nouveau2\n");

  test::expect_converges(
      kernel_blacklist_module,
      Value::map(
          {{"name", "nouveau"}, {"state", "absent"}, {"blacklist_file", "/etc/modprobe.d/b.conf"}}),
      system);

  EXPECT_EQ(system.text("/etc/modprobe.d/b.conf"), "# blacklist nouveau\nblacklist nouveau2\n");
}

TEST(KernelBlacklist, MakesNoFileToRemoveALine) {
  MemorySystem system;

  test::expect_unchanged(
      kernel_blacklist_module, Value::map({{"name", "nouveau"}, {"state", "absent"}}), system);

  EXPECT_FALSE(system.exists("/etc/modprobe.d/blacklist-ansible.conf"));
}

}  // namespace
}  // namespace gpustack::modules
