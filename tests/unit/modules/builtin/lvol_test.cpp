#include "modules/sdk/text.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace gpustack::modules {

extern const ModuleSpec lvol_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

constexpr std::int64_t kMega = 1 << 20U;

/// A group of 1000 MiB in extents of 4 MiB.
struct Lvm {
  struct Volume {
    std::int64_t size = 0;
    std::string attributes = "-wi-a-----";
  };
  std::map<std::string, Volume> volumes;
  bool has_group = true;
  std::int64_t next_size = 0;  ///< what the next lvcreate, lvextend or lvreduce ends with
  std::vector<std::string> calls;

  explicit Lvm(MemorySystem& system) {
    for (const char* name : {"lvs", "vgs"}) system.program(name);
    system.when({"vgs"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      std::int64_t used = 0;
      for (const auto& [name, volume] : volumes) used += volume.size;
      out.status = has_group ? 0 : 5;
      if (has_group)
        out.output = "  " + std::to_string(1000 * kMega) + ";" +
                     std::to_string(1000 * kMega - used) + ";" + std::to_string(4 * kMega) + "\n";
      return out;
    });
    system.when({"lvs"}, [this](const Command&, MemorySystem&) {
      CommandResult out;
      for (const auto& [name, volume] : volumes)
        out.output +=
            "  " + name + ";" + std::to_string(volume.size) + ";" + volume.attributes + "\n";
      return out;
    });
    for (const char* name : {"lvcreate", "lvextend", "lvreduce", "lvremove", "lvchange"})
      system.when({name},
                  [this](const Command& command, MemorySystem&) { return change(command.argv); });
  }

  CommandResult change(const std::vector<std::string>& argv) {
    calls.push_back(join(argv, " "));
    const std::string& verb = argv[0];
    std::string name = argv.back().substr(argv.back().rfind('/') + 1);
    for (std::size_t i = 0; i + 1 < argv.size(); ++i)
      if (argv[i] == "-n") name = argv[i + 1];
    if (verb == "lvremove") volumes.erase(name);
    if (verb == "lvcreate" || verb == "lvextend" || verb == "lvreduce")
      volumes[name].size = next_size;
    if (verb == "lvchange") volumes[name].attributes[4] = argv[1] == "-ay" ? 'a' : '-';
    return {};
  }
};

struct LvolCase {
  const char* name;
  std::int64_t size;  ///< of the volume `models`, in MiB; 0 when it is not there
  std::vector<std::pair<const char*, Value>> arguments;
  const char* command;  ///< empty when nothing is to be done
  std::int64_t after = 0;
};

class LvolCommands : public testing::TestWithParam<LvolCase> {};

TEST_P(LvolCommands, BringTheVolumeToItsSize) {
  const LvolCase& c = GetParam();
  MemorySystem system;
  Lvm lvm(system);
  if (c.size > 0) lvm.volumes["models"].size = c.size * kMega;
  lvm.volumes["pool"] = {100 * kMega, "twi-aotz--"};
  lvm.next_size = c.after * kMega;
  Value arguments = Value::map({{"vg", "data"}, {"lv", "models"}});
  for (const auto& [key, value] : c.arguments) arguments.set(key, value);

  if (std::string_view(c.command).empty()) {
    expect_unchanged(lvol_module, arguments, system);
    EXPECT_TRUE(lvm.calls.empty());
  } else {
    expect_converges(lvol_module, arguments, system);
    EXPECT_EQ(lvm.calls[0], c.command);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    LvolCommands,
    testing::Values(
        LvolCase{"Make",
                 0,
                 {{"size", "101"}, {"pvs", "/dev/sda,/dev/sdb"}, {"opts", "--wipesignatures y"}},
                 "lvcreate --yes -n models -L 101m --wipesignatures y data /dev/sda /dev/sdb",
                 104},
        LvolCase{"LeaveWhatIsRoundedUp", 104, {{"size", "101m"}}, ""},
        LvolCase{
            "MakeOfAShare", 0, {{"size", "50%VG"}}, "lvcreate --yes -n models -l 50%VG data", 500},
        LvolCase{"LeaveAShare", 500, {{"size", "50%VG"}}, ""},
        LvolCase{"LeaveAllThatIsFree", 900, {{"size", "100%FREE"}, {"shrink", false}}, ""},
        LvolCase{"Extend",
                 100,
                 {{"size", "0.5g"}, {"resizefs", true}},
                 "lvextend --resizefs -L 0.5g data/models",
                 512},
        LvolCase{"ExtendToAShare", 100, {{"size", "30%VG"}}, "lvextend -l 30%VG data/models", 300},
        LvolCase{"Reduce",
                 200,
                 {{"size", "100M"}, {"force", true}},
                 "lvreduce --force -L 100M data/models",
                 100},
        LvolCase{"LeaveALargerOne", 200, {{"size", "100"}, {"shrink", false}}, ""},
        LvolCase{"Deactivate", 100, {{"active", false}}, "lvchange -an data/models"},
        LvolCase{"MakeASnapshot",
                 100,
                 {{"snapshot", "before"}, {"size", "20"}},
                 "lvcreate --yes -n before -L 20m -s data/models",
                 20},
        LvolCase{"MakeAThinVolume",
                 0,
                 {{"thinpool", "pool"}, {"size", "2g"}},
                 "lvcreate --yes -n models -V 2g -T data/pool",
                 2048},
        LvolCase{"Remove",
                 100,
                 {{"state", "absent"}, {"force", true}},
                 "lvremove --yes --force data/models"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(Lvol, MakesAPool) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.next_size = 100 * kMega;

  expect_converges(
      lvol_module, Value::map({{"vg", "data"}, {"thinpool", "fast"}, {"size", "100"}}), system);

  EXPECT_EQ(lvm.calls[0], "lvcreate --yes -L 100m -T data/fast");
}

TEST(Lvol, MakesAnInactiveVolume) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.next_size = 100 * kMega;

  expect_converges(lvol_module,
                   Value::map({{"vg", "data"}, {"lv", "a"}, {"size", "100"}, {"active", false}}),
                   system);

  EXPECT_EQ(lvm.calls[1], "lvchange -an data/a");
}

TEST(Lvol, TellsWhatWasThere) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.volumes["models"].size = 102 * kMega;

  const Value result =
      expect_unchanged(lvol_module, Value::map({{"vg", "data"}, {"lv", "models"}}), system);

  EXPECT_EQ(result.get("size"), Value(102.0));
  EXPECT_EQ(result.get("lv"), Value("models"));
  lvm.has_group = false;
  const Value absent = Value::map({{"vg", "data"}, {"lv", "models"}, {"state", "absent"}});
  EXPECT_EQ(expect_unchanged(lvol_module, absent, system).get("stdout"),
            Value("Volume group data does not exist."));
}

struct RefusedCase {
  const char* name;
  std::vector<std::pair<const char*, Value>> arguments;
  const char* says;
};

class LvolRefusal : public testing::TestWithParam<RefusedCase> {};

TEST_P(LvolRefusal, SaysWhy) {
  MemorySystem system;
  Lvm lvm(system);
  lvm.volumes["models"].size = 200 * kMega;
  Value arguments = Value::map({{"vg", "data"}, {"lv", "models"}});
  for (const auto& [key, value] : GetParam().arguments) arguments.set(key, value);

  EXPECT_THAT(expect_refused(lvol_module, arguments, system), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    LvolRefusal,
    testing::Values(
        RefusedCase{"Shrinking", {{"size", "100"}}, "no shrinking of models without force=true."},
        RefusedCase{"ShrinkingToNothing", {{"size", "0"}, {"force", true}}, "to 0 permitted"},
        RefusedCase{"Removal", {{"state", "absent"}}, "no removal of logical volume models"},
        RefusedCase{"NoRoom", {{"size", "+90%VG"}}, "Not enough free space left (900.0m required"},
        RefusedCase{"NoSize", {{"lv", "new"}}, "No size given."},
        RefusedCase{"ABadSize", {{"size", "much"}}, "Bad size specification of 'much'"},
        RefusedCase{"TooMuch", {{"size", "101%VG"}}, "cannot be larger than 100%"},
        RefusedCase{"AnUnknownWhole", {{"size", "10%LV"}}, "percentage of VG|PVS|FREE"},
        RefusedCase{"NoOrigin",
                    {{"lv", "new"}, {"snapshot", "s"}, {"size", "1"}},
                    "Snapshot origin LV new does not exist"},
        RefusedCase{"NoPool",
                    {{"lv", "new"}, {"thinpool", "p"}, {"size", "1"}},
                    "Thin pool LV p does not exist"},
        RefusedCase{"LessOfNothing", {{"lv", "new"}, {"size", "-1"}}, "for creating LV"}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpustack::modules
