#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec filesystem_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A file of 8 MiB as the device, and the programs that know what is on it.
struct Disk {
  std::string type;
  std::int64_t blocks = 1024;  ///< of 4 KiB

  explicit Disk(MemorySystem& system) {
    system.file("/disk", std::string(8U << 20U, '\0'));
    for (const char* name : {"blkid",
                             "tune2fs",
                             "resize2fs",
                             "mkfs.ext4",
                             "mkfs.xfs",
                             "wipefs",
                             "xfs_info",
                             "xfs_growfs",
                             "findmnt",
                             "pvs",
                             "pvresize"})
      system.program(name);
    system.when({"blkid"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      out.output = type.empty() ? "" : type + "\n";
      out.status = type.empty() ? 2 : 0;
      return out;
    });
    system.when({"tune2fs", "-l", "/disk"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      out.output = "Inode count:   16\nBlock count:              " + std::to_string(blocks) +
                   "\nReserved block count: 9\nBlock size:               4096\n";
      return out;
    });
    system.when({"xfs_info"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      out.output =
          "meta-data=/disk isize=512 agcount=4\n         = sectsz=512\ndata     =          "
          "bsize=4096   blocks=" +
          std::to_string(blocks) + ", imaxpct=25\n";
      return out;
    });
    const auto makes = [this](std::string made, std::int64_t grown) {
      return [this, made, grown](const Command&, MemorySystem&) {
        if (made != "-") type = made;
        if (grown > 0) blocks = grown;
        CommandResult out;
        out.output = "done\n";
        return out;
      };
    };
    system.when({"mkfs.ext4"}, makes("ext4", 0));
    system.when({"mkfs.xfs"}, makes("xfs", 0));
    system.when({"wipefs"}, makes("", 0));
    system.when({"resize2fs"}, makes("-", 2048));
    system.when({"xfs_growfs"}, makes("-", 2048));
  }
};

Value on_disk(const char* fstype) { return Value::map({{"dev", "/disk"}, {"fstype", fstype}}); }

TEST(Filesystem, IsMadeOnceWithItsOptions) {
  MemorySystem system;
  Disk disk(system);
  Value arguments = on_disk("ext4");
  arguments.set("opts", "-L  models -m 0");

  expect_converges(filesystem_module, arguments, system);

  EXPECT_THAT(system.commands().back().argv,
              ElementsAre("mkfs.ext4", "-F", "-L", "models", "-m", "0", "/disk"));
  EXPECT_TRUE(system.commands().back().must_finish);
}

TEST(Filesystem, IsNotOverwrittenUnlessForced) {
  MemorySystem system;
  Disk disk(system);
  disk.type = "ext4";
  Value arguments = on_disk("xfs");

  EXPECT_THAT(expect_refused(filesystem_module, arguments, system),
              HasSubstr("'/disk' is already used as ext4, use force=true to overwrite"));
  arguments.set("force", true);
  test::run(filesystem_module, arguments, system);

  EXPECT_EQ(disk.type, "xfs");
}

TEST(Filesystem, GrowsToItsDevice) {
  MemorySystem system;
  Disk disk(system);
  disk.type = "ext4";
  Value arguments = on_disk("ext4");
  arguments.set("resizefs", true);

  const Value result = expect_converges(filesystem_module, arguments, system);

  EXPECT_EQ(result.get("msg"), Value("done\n"));
  EXPECT_EQ(to_text(expect_unchanged(filesystem_module, arguments, system).get("msg")),
            "Ext4 filesystem is using the whole device /disk");
}

TEST(Filesystem, GrowsWhereItIsMounted) {
  MemorySystem system;
  Disk disk(system);
  disk.type = "xfs";
  Value arguments = on_disk("xfs");
  arguments.set("resizefs", true);
  system.when({"findmnt"}, "", 1);

  EXPECT_THAT(expect_refused(filesystem_module, arguments, system),
              HasSubstr("/disk needs to be mounted for XFS operations"));
  system.when({"findmnt"}, "/srv/models\n/other\n");
  expect_converges(filesystem_module, arguments, system);

  EXPECT_THAT(system.commands().back().argv, ElementsAre("xfs_growfs", "/srv/models"));
}

TEST(Filesystem, IsWiped) {
  MemorySystem system;
  Disk disk(system);
  disk.type = "ext4";

  expect_converges(filesystem_module, Value::map({{"dev", "/disk"}, {"state", "absent"}}), system);

  EXPECT_THAT(system.commands().back().argv, ElementsAre("wipefs", "--all", "/disk"));
  EXPECT_EQ(
      to_text(expect_unchanged(
                  filesystem_module, Value::map({{"dev", "/none"}, {"state", "absent"}}), system)
                  .get("msg")),
      "Device /none not found.");
}

TEST(Filesystem, RefusesWhatCannotBe) {
  MemorySystem system;
  Disk disk(system);
  disk.type = "swap";
  Value arguments = on_disk("swap");
  arguments.set("resizefs", true);

  EXPECT_THAT(expect_refused(filesystem_module, arguments, system),
              HasSubstr("does not support resizing swap"));
  EXPECT_THAT(expect_refused(filesystem_module, on_disk("ufs"), system), HasSubstr("ufs"));
  EXPECT_THAT(expect_refused(filesystem_module, Value::map({{"dev", "/disk"}}), system),
              HasSubstr("fstype"));
  EXPECT_THAT(
      expect_refused(filesystem_module, Value::map({{"dev", "/none"}, {"fstype", "ext4"}}), system),
      HasSubstr("Device /none not found."));
  disk.type.clear();
  EXPECT_THAT(expect_refused(filesystem_module, on_disk("btrfs"), system), HasSubstr("mkfs.btrfs"));
}

TEST(Filesystem, SaysWhyItFailed) {
  MemorySystem system;
  Disk disk(system);
  system.when({"mkfs.ext4"}, "", 1, "mke2fs: too small\n");

  const Value result = test::run(filesystem_module, on_disk("ext4"), system);

  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("mke2fs: too small"));
  EXPECT_EQ(result.get("rc"), Value(1));
}

}  // namespace
}  // namespace gpustack::modules
