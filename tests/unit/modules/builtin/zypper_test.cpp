#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec zypper_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kToInstall =
    "<?xml version='1.0'?><stream><install-summary><to-install><solvable type=\"package\" "
    "name=\"nano\" edition=\"7-1\"/></to-install></install-summary></stream>\n";
constexpr const char* kNothing = "<?xml version='1.0'?><stream></stream>\n";
const std::vector<std::string> kStart = {"zypper", "--quiet", "--non-interactive", "--xmlout"};

std::vector<std::string> zypper(std::initializer_list<const char*> words) {
  std::vector<std::string> out = kStart;
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

void install(MemorySystem& system, const char* answer = kToInstall) {
  system.when({"zypper"}, answer)
      .when({"rpm", "-q", "--qf"}, "bash\npackage nano is not installed\n", 1);
}

Value names(std::initializer_list<Value> list, const char* state = "present") {
  return Value::map({{"name", Value::list(list)}, {"state", state}});
}

TEST(Zypper, InstallsWhatIsMissing) {
  MemorySystem system;
  install(system);

  EXPECT_TRUE(
      test::dry_run(zypper_module, names({"bash", "nano"}), system).get("changed").truthy());
  const Value result = test::run(zypper_module, names({"bash", "nano"}), system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("packages"), Value::list({"nano"}));
  EXPECT_THAT(system.changes(),
              ElementsAre("run zypper --quiet --non-interactive --xmlout install --type package "
                          "--auto-agree-with-licenses --no-recommends -- nano"));
}

TEST(Zypper, HandsMoreOptionsOn) {
  MemorySystem system;
  install(system);
  Value arguments = names({"nano"});
  arguments.set("extra_args", "--allow-arch-change --details");

  test::run(zypper_module, arguments, system);

  EXPECT_THAT(system.changes(),
              ElementsAre("run zypper --quiet --non-interactive --xmlout install --type package "
                          "--auto-agree-with-licenses --no-recommends --allow-arch-change "
                          "--details -- nano"));
}

TEST(Zypper, LeavesWhatIsSettled) {
  MemorySystem system;
  install(system, kNothing);

  expect_unchanged(zypper_module, names({"bash"}), system);
  expect_unchanged(zypper_module, names({"nano"}, "absent"), system);
  expect_unchanged(zypper_module, names({"bash"}, "latest"), system);
  expect_unchanged(zypper_module, names({"bash>=5"}), system);
}

TEST(Zypper, PassesOptionsOn) {
  MemorySystem system;
  install(system);
  Value arguments = names({"nano=7"}, "latest");
  for (const char* name : {"disable_gpg_check", "force", "force_resolution", "replacefiles"})
    arguments.set(name, true);
  arguments.set("disable_recommends", false);

  test::run(zypper_module, arguments, system);
  Value removal = names({"bash"}, "absent");
  removal.set("clean_deps", true);
  test::run(zypper_module, removal, system);

  EXPECT_THAT(
      system.changes(),
      ElementsAre("run zypper --quiet --non-interactive --xmlout --no-gpg-checks install --type "
                  "package --auto-agree-with-licenses --force --force-resolution --oldpackage "
                  "--replacefiles -- nano=7",
                  "run zypper --quiet --non-interactive --xmlout remove --type package "
                  "--clean-deps -- bash"));
}

TEST(Zypper, UpdatesEverything) {
  MemorySystem system;
  install(system);

  test::run(zypper_module, names({"*"}, "latest"), system);

  EXPECT_THAT(system.changes(), ElementsAre(HasSubstr("--xmlout update --type package")));
  EXPECT_THAT(expect_refused(zypper_module, names({"*"}), system), HasSubstr("latest"));
}

TEST(Zypper, FetchesTheListsFirst) {
  MemorySystem system;
  install(system, kNothing);
  Value arguments = names({"bash"}, "latest");
  arguments.set("update_cache", true);

  const Value result = test::run(zypper_module, arguments, system);

  EXPECT_EQ(result.get("changed"), Value(false));
  ASSERT_EQ(system.changes().size(), 2U);
  EXPECT_THAT(system.changes()[0], HasSubstr("--xmlout refresh"));
}

TEST(Zypper, TellsWhatZypperSays) {
  MemorySystem system;
  install(system);
  system.when(zypper({"install", "--dry-run"}), "", 104, "No provider of 'none' found.\n");

  EXPECT_THAT(expect_refused(zypper_module, names({"none"}), system),
              HasSubstr("Zypper run failed: No provider"));
  EXPECT_THAT(expect_refused(zypper_module, names({"http://h/x.rpm"}, "absent"), system),
              HasSubstr("Can not remove via URL"));
  system.when(zypper({"install", "--dry-run"}), kToInstall)
      .when(zypper({"install", "--type"}), kToInstall, 102);
  EXPECT_EQ(test::run(zypper_module, names({"nano"}), system).get("rc"), Value(102));
}

}  // namespace
}  // namespace gpustack::modules
