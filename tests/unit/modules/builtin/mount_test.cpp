#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec mount_module;

namespace {

using test::MemorySystem;

constexpr const char* kMounts =
    "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n"
    "30 22 259:3 / /srv/my\\040models rw shared:2 - ext4 /dev/nvme1n1 rw\n"
    "31 22 259:2 /data /mnt/bound rw shared:3 - ext4 /dev/nvme0n1p2 rw\n";
constexpr const char* kFstab =
    "# disks\nUUID=1 / ext4 defaults 0 1\n/dev/nvme1n1 /srv/my\\040models ext4 noatime 0 "
    "2\n/swapfile none swap sw 0 0\n";

MemorySystem& install_mounts(MemorySystem& system) {
  system.file("/proc/self/mountinfo", kMounts)
      .file("/etc/fstab", kFstab)
      .folder("/srv/my models")
      .folder("/mnt/bound");
  system.when({"mount"}, [](const Command& command, MemorySystem& host) {
    host.file(
        "/proc/self/mountinfo",
        std::string(kMounts) + "40 22 8:1 / " + command.argv.back() + " rw - ext4 /dev/sdb1 rw\n");
    return CommandResult{};
  });
  system.when({"umount"}, [](const Command&, MemorySystem& host) {
    host.file("/proc/self/mountinfo",
              "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n");
    return CommandResult{};
  });
  return system;
}

Value disk(const std::string& state) {
  return Value::map({{"path", "/data/x"},
                     {"src", "/dev/sdb1"},
                     {"fstype", "ext4"},
                     {"opts", "noatime"},
                     {"state", state}});
}

TEST(Mount, AddsAnEntryWithoutMounting) {
  MemorySystem system;
  install_mounts(system);

  test::expect_converges(mount_module, disk("present"), system);

  EXPECT_EQ(system.text("/etc/fstab"),
            std::string(kFstab) + "/dev/sdb1 /data/x ext4 noatime 0 0\n");
  EXPECT_TRUE(system.commands().empty());
}

TEST(Mount, MountsWithFoldersMade) {
  MemorySystem system;
  install_mounts(system);

  const Value result = test::expect_converges(mount_module, disk("mounted"), system);

  EXPECT_TRUE(system.exists("/data/x"));
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"mount", "/data/x"}));
  EXPECT_EQ(to_text(result.get("opts")), "noatime");
  EXPECT_EQ(to_text(result.get("boot")), "yes");
}

TEST(Mount, RemountsWhenOptionsChange) {
  MemorySystem system;
  install_mounts(system);
  system.when({"mount", "-o", "remount"}, "");

  test::expect_converges(mount_module,
                         Value::map({{"path", "/srv/my models"},
                                     {"src", "/dev/nvme1n1"},
                                     {"fstype", "ext4"},
                                     {"opts", "ro"},
                                     {"boot", false},
                                     {"passno", "2"},
                                     {"state", "mounted"}}),
                         system);

  EXPECT_NE(system.text("/etc/fstab").find("/dev/nvme1n1 /srv/my\\040models ext4 ro,noauto 0 2\n"),
            std::string::npos)
      << system.text("/etc/fstab");
  EXPECT_EQ(system.commands()[0].argv,
            (std::vector<std::string>{"mount", "-o", "remount", "/srv/my models"}));
}

TEST(Mount, LeavesAloneWhatIsAsWanted) {
  MemorySystem system;
  install_mounts(system);

  test::expect_unchanged(mount_module,
                         Value::map({{"path", "/srv/my models"},
                                     {"src", "/dev/nvme1n1"},
                                     {"fstype", "ext4"},
                                     {"opts", "noatime"},
                                     {"passno", "2"},
                                     {"state", "mounted"}}),
                         system);
}

TEST(Mount, UnmountsAndForgets) {
  MemorySystem system;
  install_mounts(system);

  test::expect_converges(
      mount_module,
      Value::map({{"path", "/srv/my models"}, {"state", "absent"}, {"backup", true}}),
      system);

  EXPECT_EQ(system.text("/etc/fstab").find("models"), std::string::npos);
  EXPECT_EQ(system.commands()[0].argv, (std::vector<std::string>{"umount", "/srv/my models"}));
  EXPECT_FALSE(system.exists("/srv/my models"));
}

TEST(Mount, UnmountsOnly) {
  MemorySystem system;
  install_mounts(system);

  test::expect_converges(
      mount_module, Value::map({{"path", "/mnt/bound"}, {"state", "unmounted"}}), system);

  EXPECT_EQ(system.text("/etc/fstab"), kFstab);
}

TEST(Mount, TellsSwapBySource) {
  MemorySystem system;
  install_mounts(system);

  test::expect_unchanged(mount_module,
                         Value::map({{"path", "none"},
                                     {"src", "/other"},
                                     {"fstype", "swap"},
                                     {"state", "absent_from_fstab"}}),
                         system);
  test::expect_converges(mount_module,
                         Value::map({{"path", "none"},
                                     {"src", "/swapfile"},
                                     {"fstype", "swap"},
                                     {"state", "absent_from_fstab"}}),
                         system);

  EXPECT_EQ(system.text("/etc/fstab").find("swap"), std::string::npos);
}

TEST(Mount, MountsForNowOnly) {
  MemorySystem system;
  install_mounts(system);

  const Value result = test::run(mount_module, disk("ephemeral"), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(
      system.commands()[0].argv,
      (std::vector<std::string>{"mount", "-t", "ext4", "-o", "noatime", "/dev/sdb1", "/data/x"}));
  EXPECT_EQ(system.text("/etc/fstab"), kFstab);
}

TEST(Mount, DoesNotHideAnotherMount) {
  MemorySystem system;
  install_mounts(system);
  Value args = disk("ephemeral");
  args.set("path", "/mnt/bound");

  EXPECT_NE(test::expect_refused(mount_module, args, system).find("from '/data'"),
            std::string::npos);
}

TEST(Mount, PutsFstabBackWhenMountingFails) {
  MemorySystem system;
  install_mounts(system);
  system.when({"mount"}, "", 32, "mount: /data/x: special device /dev/sdb1 does not exist.\n");

  const Value result = test::run(mount_module, disk("mounted"), system);

  EXPECT_EQ(to_text(result.get("msg")),
            "Error mounting /data/x: mount: /data/x: special device /dev/sdb1 does not exist.\n");
  EXPECT_EQ(system.text("/etc/fstab"), kFstab);
  EXPECT_FALSE(system.exists("/data"));
}

TEST(Mount, NeedsASource) {
  MemorySystem system;
  install_mounts(system);

  test::expect_refused(
      mount_module, Value::map({{"path", "/data/x"}, {"state", "mounted"}}), system);
}

}  // namespace
}  // namespace gpustack::modules
