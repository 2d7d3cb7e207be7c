#include "modules/sdk/text.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec nvidia_mig_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// The profiles of an H100 as its driver lists them, and their placements.
constexpr const char* kProfiles =
    "|   0  MIG 1g.10gb         19     7/7        9.75       No     16     1     0   |\n"
    "|   0  MIG 1g.10gb+me      20     1/1        9.75       No     16     1     0   |\n"
    "|   0  MIG 1g.20gb         15     4/4        19.62      No     26     1     0   |\n"
    "|   0  MIG 2g.20gb         14     3/3        19.62      No     32     2     0   |\n"
    "|   0  MIG 3g.40gb          9     2/2        39.50      No     60     3     0   |\n"
    "|   0  MIG 4g.40gb          5     1/1        39.50      No     64     4     0   |\n"
    "|   0  MIG 7g.80gb          0     1/1        79.25      No     132    7     0   |\n";
constexpr const char* kPlacements =
    "GPU  0 Profile ID 19 Placements: {0,1,2,3,4,5,6}:1\n"
    "GPU  0 Profile ID 20 Placements: {0,1,2,3,4,5,6}:1\n"
    "GPU  0 Profile ID 15 Placements: {0,2,4,6}:2\nGPU  0 Profile ID 14 Placements: {0,2,4}:2\n"
    "GPU  0 Profile ID  9 Placements: {0,4}:4\nGPU  0 Profile ID  5 Placement : {0}:4\n"
    "GPU  0 Profile ID  0 Placement : {0}:8\n";

CommandResult good(std::string output = {}) { return CommandResult{.output = std::move(output)}; }

/// nvidia-smi keeps its state in files: the mode, the pending one, and the instances.
void install(MemorySystem& system, const std::string& mode = "Disabled", bool pends = false) {
  system.file("/mode", mode).file("/pending", mode).file("/instances", "");
  system.when({"nvidia-smi", "--format=csv"}, [](const Command&, MemorySystem& host) {
    return good(
        "index, name, pci.bus_id, pci.device_id, mig.mode.current, mig.mode.pending\n0, NVIDIA "
        "H100 80GB HBM3, 00000000:00:06.0, 0x233010DE, " +
        host.text("/mode") + ", " + host.text("/pending") +
        "\n1, NVIDIA L4, 00000000:00:07.0, 0x27B810DE, " + "[N/A], [N/A]\n");
  });
  system.when({"nvidia-smi", "mig", "-lgip"}, kProfiles)
      .when({"nvidia-smi", "mig", "-lgipp"}, kPlacements)
      .when({"nvidia-smi", "mig", "-lgi"},
            [](const Command&, MemorySystem& host) {
              const std::string rows = host.text("/instances");
              if (rows.empty())
                return CommandResult{.status = 6, .output = "No GPU instances found: Not Found\n"};
              return good(rows);
            })
      .when({"nvidia-smi", "-i", "0", "-mig"},
            [pends](const Command& command, MemorySystem& host) {
              const std::string wanted = command.argv.back() == "1" ? "Enabled" : "Disabled";
              host.file("/pending", wanted);
              if (!pends) host.file("/mode", wanted);
              return good();
            })
      .when({"nvidia-smi", "-i", "0", "--query-gpu=mig.mode.current,mig.mode.pending"},
            [](const Command&, MemorySystem& host) {
              return good(host.text("/mode") + ", " + host.text("/pending") + "\n");
            })
      .when({"nvidia-smi", "--gpu-reset"},
            [](const Command&, MemorySystem& host) {
              host.file("/mode", host.text("/pending"));
              return good();
            })
      .when({"nvidia-smi", "mig", "-i", "0", "-dci"}, "")
      .when({"nvidia-smi", "mig", "-i", "0", "-dgi"},
            [](const Command&, MemorySystem& host) {
              host.file("/instances", "");
              return good();
            })
      .when({"nvidia-smi", "mig", "-i", "0", "-cgi"},
            [](const Command& command, MemorySystem& host) {
              std::string rows;
              for (const std::string& one : split(command.argv[5], ',')) {
                const auto parts = split(one, ':');
                const std::string name = parts[0] == "19"   ? "1g.10gb"
                                         : parts[0] == "14" ? "2g.20gb"
                                         : parts[0] == "9"  ? "3g.40gb"
                                                            : "7g.80gb";
                rows += "|   0  MIG " + name + "  " + parts[0] + "  7  " + parts[1] + ":1  |\n";
              }
              host.file("/instances", rows);
              return good();
            });
}

Value profiles(std::vector<std::string> names, const char* option = nullptr) {
  Value list{List()};
  for (std::string& name : names) list.push_back(std::move(name));
  Value out = Value::map({{"profiles", list}});
  if (option != nullptr) out.set(option, true);
  return out;
}

TEST(NvidiaMig, SplitsAGpu) {
  MemorySystem system;
  install(system);

  const Value result =
      expect_converges(nvidia_mig_module, profiles({"1g.10gb:2", "2g.20gb", "3g.40gb"}), system);

  EXPECT_EQ(result.get("gpus").size(), 1U) << "an L4 has no MIG";
  EXPECT_EQ(result.get("change_classes"), Value::list({"driver"}));
  EXPECT_THAT(system.changes(),
              ElementsAre("run nvidia-smi -i 0 -mig 1",
                          HasSubstr("mig.mode.pending"),
                          "run nvidia-smi mig -i 0 -cgi 9:4,14:0,19:2,19:3 -C"));
}

TEST(NvidiaMig, TakesTheOldInstancesAwayFirst) {
  MemorySystem system;
  install(system, "Enabled");
  system.file("/instances", "|   0  MIG 7g.80gb   0  0  0:8  |\n");

  expect_unchanged(nvidia_mig_module, Value(Map()), system);
  const Value result = expect_converges(nvidia_mig_module, profiles({"1g.10gb:7"}), system);

  EXPECT_EQ(result.get("gpus").as_list()[0].get("instances").size(), 7U);
  EXPECT_THAT(system.changes(),
              ElementsAre("run nvidia-smi mig -i 0 -dci",
                          "run nvidia-smi mig -i 0 -dgi",
                          HasSubstr("-cgi 19:0,19:1,19:2,19:3,19:4,19:5,19:6 -C")));
}

TEST(NvidiaMig, NeverLeavesMigOnWithoutInstances) {
  MemorySystem system;
  install(system, "Enabled");

  const Value result = expect_converges(nvidia_mig_module, Value(Map()), system);

  EXPECT_EQ(result.get("layouts").as_list()[0].get("instances"),
            Value("3g.40gb:4 2g.20gb:0 1g.10gb:2 1g.10gb:3"));
  EXPECT_THAT(expect_refused(nvidia_mig_module, profiles({"1g.10gb:0"}), system),
              HasSubstr("would leave CUDA without a device"));
}

TEST(NvidiaMig, ReadsADocumentOfMigParted) {
  MemorySystem system;
  install(system);
  const auto entry =
      [](Value filter, bool enabled, std::initializer_list<std::pair<Value, Value>> devices) {
        return Value::map({{"device-filter", std::move(filter)},
                           {"devices", "all"},
                           {"mig-enabled", enabled},
                           {"mig-devices", Value::map(devices)}});
      };
  const Value document =
      Value::map({{"version", "v1"},
                  {"mig-configs",
                   Value::map({{"half",
                                Value::list({entry("0x20B010DE", true, {{"3g.20gb", 2}}),
                                             entry("0x233010DE", true, {{"3g.40gb", 2}})})},
                               {"off", Value::list({entry(Value(), false, {})})}})}});
  const auto arguments = [&](const char* name) {
    return Value::map({{"config", document}, {"config_name", name}});
  };

  expect_converges(nvidia_mig_module, arguments("half"), system);
  EXPECT_THAT(system.text("/instances"), HasSubstr("3g.40gb"));
  expect_converges(nvidia_mig_module, arguments("off"), system);
  EXPECT_EQ(system.text("/mode"), "Disabled");
  EXPECT_THAT(expect_refused(nvidia_mig_module, arguments("none"), system),
              HasSubstr("the document has half, off"));
}

TEST(NvidiaMig, LeavesAGpuAloneThatIsInUse) {
  MemorySystem system;
  install(system);
  system.file("/proc/71/comm", "python3\n")
      .link("/dev/nvidia0", "/proc/71/fd/4")
      .file("/proc/72/comm", "nvidia-persiste\n")
      .link("/dev/nvidia0", "/proc/72/fd/3");

  EXPECT_THAT(expect_refused(nvidia_mig_module, profiles({"7g.80gb"}), system),
              HasSubstr("ERR-MIG-BUSY: GPU 0 is used by python3 (71)"));
  const Value query = expect_unchanged(nvidia_mig_module, Value::map({{"state", "query"}}), system);
  EXPECT_EQ(query.get("gpus").as_list()[0].get("drained"), Value(false));
  expect_converges(nvidia_mig_module, profiles({"7g.80gb"}, "force"), system);
}

TEST(NvidiaMig, WaitsForAResetOnlyWhereItMust) {
  MemorySystem system;
  install(system, "Disabled", true);

  const Value waiting = test::run(nvidia_mig_module, profiles({"7g.80gb"}), system);
  EXPECT_EQ(waiting.get("reboot_required"), Value(true));
  EXPECT_FALSE(waiting.get("failed").truthy());
  EXPECT_EQ(system.text("/instances"), "");
  system.file("/pending", "Disabled");
  const Value done =
      expect_converges(nvidia_mig_module, profiles({"7g.80gb"}, "allow_reset"), system);
  EXPECT_EQ(done.get("reboot_required"), Value(false));
  system.file("/pending", "Enabled").file("/mode", "Disabled").file("/instances", "");
  system.when({"nvidia-smi", "--gpu-reset"}, "in use by another client", 255);
  EXPECT_THAT(
      to_text(
          test::run(nvidia_mig_module, profiles({"7g.80gb"}, "allow_reset"), system).get("msg")),
      HasSubstr("ERR-MIG-RESET"));
}

TEST(NvidiaMig, PutsTheOldInstancesBackWhenItFails) {
  MemorySystem system;
  install(system, "Enabled");
  system.file("/instances", "|   0  MIG 7g.80gb   0  0  0:8  |\n");
  system.when({"nvidia-smi", "mig", "-i", "0", "-cgi", "19:0"}, "Insufficient Resources", 19);

  const Value result = test::run(nvidia_mig_module, profiles({"1g.10gb"}), system);

  EXPECT_THAT(
      to_text(result.get("msg")),
      AllOf(HasSubstr("Insufficient Resources"), HasSubstr("the old instances are there again")));
  EXPECT_THAT(system.text("/instances"), HasSubstr("7g.80gb"));
}

TEST(NvidiaMig, RefusesWhatCannotBe) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(nvidia_mig_module, profiles({"3g.40gb:2", "1g.10gb"}), system),
              HasSubstr("ERR-MIG-PLACEMENT"));
  EXPECT_THAT(expect_refused(nvidia_mig_module, profiles({"10g.40gb"}), system),
              HasSubstr("ERR-MIG-PROFILE"));
  EXPECT_THAT(expect_refused(nvidia_mig_module, Value::map({{"gpus", Value::list({1})}}), system),
              HasSubstr("ERR-SLICING mig: GPU 1 (NVIDIA L4) has no MIG"));
  EXPECT_THAT(expect_refused(nvidia_mig_module, Value::map({{"gpus", Value::list({5})}}), system),
              HasSubstr("knows no GPU 5"));
  // Thor before L4T 39.2: the mode is there, and no profile.
  system.when({"nvidia-smi", "mig", "-lgip"}, "Unknown Error", 255);
  EXPECT_THAT(expect_refused(nvidia_mig_module, Value(Map()), system),
              HasSubstr("no GPU of this host has MIG"));
}

}  // namespace
}  // namespace gpustack::modules
