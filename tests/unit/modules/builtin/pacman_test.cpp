#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec pacman_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

void install(MemorySystem& system) {
  system.when({"pacman"}, "done\n")
      .when({"pacman", "--query"}, "bash 5.2-1\nnano 6-1\n")
      .when({"pacman", "--query", "--upgrades"}, "nano 6-1 -> 7-1\nheld 1 -> 2 [ignored]\n")
      .when({"pacman", "--query", "--explicit"}, "bash 5.2-1\n")
      .when({"pacman", "--query", "--deps"}, "nano 6-1\n")
      .when({"pacman", "--sync", "--list"},
            "core bash 5.2-1 [installed]\nextra nano 7-1\nextra vim 9-1\n")
      .when({"pacman", "--sync", "--groups", "--groups"}, "editors nano\neditors vim\n")
      .when({"pacman", "--sync", "--print-format", "%n %v"}, "vim 9-1\n")
      .when({"pacman", "--sync", "--print-format", "%n"}, "", 1, "error: target not found\n")
      .when({"pacman", "--upgrade", "--print-format", "%n"}, "", 1, "error: no such file\n")
      .when({"pacman", "--remove", "--print-format"}, "nano-6-1\n");
}

Value names(std::initializer_list<Value> list, const char* state = "present") {
  return Value::map({{"name", Value::list(list)}, {"state", state}});
}

TEST(Pacman, InstallsWhatIsMissing) {
  MemorySystem system;
  install(system);

  EXPECT_TRUE(test::dry_run(pacman_module, names({"bash", "vim"}), system).get("changed").truthy());
  const Value result = test::run(pacman_module, names({"bash", "vim"}), system);

  EXPECT_EQ(result.get("packages"), Value::list({"vim"}));
  EXPECT_EQ(result.get("msg"), Value("Installed 1 package(s)"));
  EXPECT_THAT(system.changes(),
              ElementsAre("run pacman --sync --noconfirm --noprogressbar --needed vim"));
}

TEST(Pacman, LeavesWhatIsThere) {
  MemorySystem system;
  install(system);

  EXPECT_EQ(expect_unchanged(pacman_module, names({"bash", "nano"}), system).get("msg"),
            Value("package(s) already installed"));
  EXPECT_EQ(expect_unchanged(pacman_module, names({"vim", "none"}, "absent"), system).get("msg"),
            Value("package(s) already absent"));
  expect_unchanged(pacman_module, names({"bash"}, "latest"), system);
}

TEST(Pacman, TakesGroupsApartAndUpgradesWhatIsOld) {
  MemorySystem system;
  install(system);

  test::run(pacman_module, names({"editors"}, "latest"), system);

  EXPECT_THAT(system.changes(),
              ElementsAre("run pacman --sync --noconfirm --noprogressbar --needed nano vim"));
}

TEST(Pacman, Removes) {
  MemorySystem system;
  install(system);
  system.diff_mode(true);
  Value arguments = names({"nano"}, "removed");
  arguments.set("force", true);
  arguments.set("remove_nosave", true);
  arguments.set("extra_args", "--recursive");

  const Value result = test::run(pacman_module, arguments, system);

  EXPECT_EQ(result.get("packages"), Value::list({"nano-6-1"}));
  EXPECT_EQ(result.get("diff").get("before"), Value("nano-6-1\n"));
  EXPECT_THAT(system.changes(),
              ElementsAre("run pacman --remove --noconfirm --noprogressbar --recursive --nodeps "
                          "--nodeps --nosave nano"));
}

TEST(Pacman, UpgradesEverything) {
  MemorySystem system;
  install(system);

  const Value result = test::run(pacman_module, Value::map({{"upgrade", true}}), system);

  EXPECT_EQ(result.get("packages"), Value::list({"nano"}));
  EXPECT_THAT(system.changes(), ElementsAre("run pacman --sync --sysupgrade --quiet --noconfirm"));
  system.when({"pacman", "--query", "--upgrades"}, "", 1);
  expect_unchanged(pacman_module, Value::map({{"upgrade", true}}), system);
}

TEST(Pacman, FetchesTheListsFirst) {
  MemorySystem system;
  install(system);
  const Value arguments = Value::map({{"update_cache", true}, {"name", Value::list({"vim2"})}});
  system.when({"pacman", "--sync", "--refresh"}, [](const Command&, MemorySystem& host) {
    host.when({"pacman", "--sync", "--list"}, "extra vim2 1-1\n");
    return CommandResult();
  });

  EXPECT_THAT(expect_refused(pacman_module, names({"vim2"}), system), HasSubstr("vim2"));
  const Value result = test::run(pacman_module, arguments, system);

  EXPECT_EQ(result.get("cache_updated"), Value(true)) << to_text(result.get("msg"));
  EXPECT_EQ(result.get("msg"), Value("Updated package db\nInstalled 1 package(s)"));
  EXPECT_EQ(test::run(pacman_module, Value::map({{"update_cache", true}}), system).get("changed"),
            Value(false));
}

TEST(Pacman, SetsTheReason) {
  MemorySystem system;
  install(system);
  Value arguments = names({"nano"});
  arguments.set("reason", "explicit");
  arguments.set("reason_for", "all");

  test::run(pacman_module, arguments, system);

  EXPECT_THAT(system.changes(), ElementsAre("run pacman --noconfirm --database --asexplicit nano"));
}

TEST(Pacman, RefusesWhatItCannotDo) {
  MemorySystem system;
  install(system);
  Value arguments = names({"vim"});
  arguments.set("extra_args", "--x 'y");

  EXPECT_THAT(expect_refused(pacman_module, names({"none"}), system),
              HasSubstr("Failed to list package none: error: no such file"));
  EXPECT_THAT(expect_refused(pacman_module, arguments, system), HasSubstr("not closed"));
  EXPECT_THAT(expect_refused(pacman_module, Value(Map()), system), HasSubstr("one of"));
}

}  // namespace
}  // namespace gpustack::modules
