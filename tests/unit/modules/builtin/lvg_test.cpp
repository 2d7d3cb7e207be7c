#include "modules/sdk/text.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace gpustack::modules {

extern const ModuleSpec lvg_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// Devices with the group that each is in.
struct Lvm {
  std::map<std::string, std::string> volumes;
  int logical = 0;
  std::int64_t device_size = 100 << 20U;
  std::int64_t volume_size = 96 << 20U;
  std::vector<std::string> calls;

  explicit Lvm(MemorySystem& system) {
    for (const char* path : {"/dev/sda", "/dev/sdb", "/dev/sdc"}) system.file(path, "");
    system.link("/dev/sdb", "/dev/by-id");
    for (const char* name : {"pvs", "vgs"}) system.program(name);
    system.when({"pvs"}, [this](const Command& command, MemorySystem&) {
      CommandResult out;
      if (command.argv.back().starts_with("/dev/")) {
        out.output = "  " + std::to_string(device_size) + ";" + std::to_string(volume_size) +
                     ";1048576;4194304\n";
        return out;
      }
      for (const auto& [device, group] : volumes) out.output += "  " + device + ";" + group + "\n";
      return out;
    });
    system.when({"vgs"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      std::map<std::string, int> groups;
      for (const auto& [device, group] : volumes)
        if (!group.empty()) ++groups[group];
      for (const auto& [group, count] : groups)
        out.output += "  " + group + ";" + std::to_string(group == "data" ? logical : 0) + "\n";
      return out;
    });
    for (const char* name :
         {"pvcreate", "vgcreate", "vgextend", "vgreduce", "vgremove", "pvresize"})
      system.when({name}, [this](const Command& command, MemorySystem&) {
        change(command.argv);
        return CommandResult();
      });
  }

  void change(const std::vector<std::string>& argv) {
    calls.push_back(join(argv, " "));
    const std::string& verb = argv[0];
    if (verb == "pvresize") volume_size = device_size - (1 << 20U);
    for (const std::string& word : argv) {
      if (!word.starts_with("/dev/")) continue;
      if (verb == "pvcreate" || verb == "vgreduce") volumes[word] = "";
      if (verb == "vgcreate" || verb == "vgextend") volumes[word] = "data";
    }
    for (auto& [device, group] : volumes)
      if (verb == "vgremove" && group == argv.back()) group = "";
  }
};

Value group(std::initializer_list<Value> devices) {
  return Value::map({{"vg", "data"}, {"pvs", Value::list(devices)}});
}

TEST(Lvg, IsMadeOfItsDevices) {
  MemorySystem system;
  Lvm lvm(system);
  Value arguments = group({"/dev/sda", "/dev/by-id"});
  arguments.set("pv_options", "--zero y");
  arguments.set("vg_options", "--shared");
  arguments.set("pesize", "8");

  expect_converges(lvg_module, arguments, system);

  EXPECT_THAT(lvm.calls,
              ElementsAre("pvcreate --zero y -f /dev/sda",
                          "pvcreate --zero y -f /dev/sdb",
                          "vgcreate --shared -s 8 data /dev/sda /dev/sdb"));
}

TEST(Lvg, TakesDevicesInAndLetsOthersGo) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.volumes = {{"/dev/sda", "data"}, {"/dev/sdb", ""}};

  expect_converges(lvg_module, group({"/dev/sdb", "/dev/sdc"}), system);

  EXPECT_THAT(lvm.calls,
              ElementsAre("pvcreate -f /dev/sdb",
                          "pvcreate -f /dev/sdc",
                          "vgextend data /dev/sdb /dev/sdc",
                          "vgreduce --force data /dev/sda"));
}

TEST(Lvg, UsesDevicesThatHaveGrown) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.volumes = {{"/dev/sda", "data"}};
  Value arguments = group({"/dev/sda"});
  arguments.set("pvresize", true);
  expect_unchanged(lvg_module, arguments, system);

  lvm.device_size = 200 << 20U;
  expect_converges(lvg_module, arguments, system);

  EXPECT_THAT(lvm.calls, ElementsAre("pvresize /dev/sda"));
}

TEST(Lvg, IsRemovedWhenNothingIsInIt) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.volumes = {{"/dev/sda", "data"}};
  lvm.logical = 1;
  Value arguments = Value::map({{"vg", "data"}, {"state", "absent"}});

  EXPECT_THAT(expect_refused(lvg_module, arguments, system),
              HasSubstr("Refuse to remove non-empty"));
  arguments.set("force", true);
  expect_converges(lvg_module, arguments, system);

  EXPECT_THAT(lvm.calls, ElementsAre("vgremove --force data"));
}

TEST(Lvg, RefusesWhatCannotBe) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.volumes = {{"/dev/sda", "other"}};

  EXPECT_THAT(expect_refused(lvg_module, group({"/dev/sda"}), system),
              HasSubstr("Device /dev/sda is already in other volume group."));
  EXPECT_THAT(expect_refused(lvg_module, group({"/dev/sdz"}), system),
              HasSubstr("Device /dev/sdz not found."));
  EXPECT_THAT(expect_refused(lvg_module, Value::map({{"vg", "data"}}), system),
              HasSubstr("No physical volumes given."));
  system.when({"vgs"}, "", 5, "no permission");
  EXPECT_THAT(expect_refused(lvg_module, group({"/dev/sdb"}), system), HasSubstr("no permission"));
}

}  // namespace
}  // namespace gpustack::modules
