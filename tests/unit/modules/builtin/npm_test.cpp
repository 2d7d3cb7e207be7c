#include "modules/sdk/module.hpp"
#include "modules/sdk/scratch.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec npm_module;

namespace {

using test::Command;
using test::CommandResult;
using test::MemorySystem;

/// npm, whose list is the file /list.
MemorySystem& with_npm(MemorySystem& system) {
  const auto turn = [](const char* list) {
    return [list](const Command&, MemorySystem& host) {
      host.file("/list", list);
      return CommandResult{};
    };
  };
  return system
      .when({"npm", "list"},
            [](const Command&, MemorySystem& host) {
              return CommandResult{.status = 1, .output = host.text("/list")};
            })
      .when({"npm", "install"}, turn(R"({"dependencies": {"pm2": {"version": "5.4.2"}}})"))
      .when({"npm", "update"}, "")
      .when({"npm", "ci"}, "")
      .when({"npm", "uninstall"}, turn(R"({"dependencies": {}})"));
}

std::vector<std::string> last(const MemorySystem& system) { return system.commands().back().argv; }

TEST(Npm, InstallsAPackageForTheHost) {
  MemorySystem system;
  with_npm(system);

  test::expect_converges(
      npm_module,
      Value::map(
          {{"name", "pm2"}, {"version", "5.4.2"}, {"global", true}, {"registry", "http://r"}}),
      system);

  EXPECT_EQ(last(system),
            (std::vector<std::string>{
                "/usr/bin/npm", "install", "--global", "pm2@5.4.2", "--registry", "http://r"}));
}

TEST(Npm, MakesItsFolder) {
  MemorySystem system;
  with_npm(system);

  test::expect_converges(npm_module,
                         Value::map({{"path", "/srv/a/b"},
                                     {"production", true},
                                     {"ignore_scripts", true},
                                     {"unsafe_perm", true},
                                     {"no_optional", true},
                                     {"no_bin_links", true},
                                     {"force", true}}),
                         system);

  EXPECT_TRUE(system.exists("/srv/a/b"));
  EXPECT_EQ(system.commands().back().directory, "/srv/a/b");
  EXPECT_EQ(last(system),
            (std::vector<std::string>{"/usr/bin/npm",
                                      "install",
                                      "--production",
                                      "--ignore-scripts",
                                      "--unsafe-perm",
                                      "--no-optional",
                                      "--no-bin-links",
                                      "--force"}));
}

TEST(Npm, CompletesWhatIsMissingOrInvalid) {
  for (const char* list : {R"({"dependencies": {"a": {"missing": true}}})",
                           R"({"dependencies": {"a": {"invalid": "x", "version": "1"}}})",
                           "{}"}) {
    MemorySystem system;
    with_npm(system).folder("/srv/a").file("/list", list);
    test::expect_converges(npm_module, Value::map({{"path", "/srv/a"}}), system);
  }
}

TEST(Npm, IsRemoved) {
  MemorySystem system;
  with_npm(system).folder("/srv/a").file("/list", R"({"dependencies": {"pm2": {"version": "1"}}})");
  const Value arguments = Value::map({{"name", "pm2"}, {"path", "/srv/a"}, {"state", "absent"}});

  test::expect_converges(npm_module, arguments, system);

  EXPECT_EQ(last(system), (std::vector<std::string>{"/usr/bin/npm", "uninstall", "pm2"}));
  MemorySystem empty;
  with_npm(empty);
  test::expect_unchanged(npm_module, arguments, empty);
}

TEST(Npm, UpdatesWhatIsOutdated) {
  MemorySystem system;
  with_npm(system)
      .folder("/srv/a")
      .file("/list", R"({"dependencies": {"pm2": {"version": "1"}}})")
      .when({"npm", "outdated"}, "Package Current Wanted\npm2 1 2\n", 1);
  const Value arguments = Value::map({{"name", "pm2"}, {"path", "/srv/a"}, {"state", "latest"}});

  EXPECT_EQ(test::dry_run(npm_module, arguments, system).get("changed"), Value(true));
  test::run(npm_module, arguments, system);

  EXPECT_EQ(last(system), (std::vector<std::string>{"/usr/bin/npm", "update", "pm2"}));
  system.when({"npm", "outdated"}, "");
  test::expect_unchanged(npm_module, arguments, system);
  system.when({"npm", "outdated"}, "", 1, "npm error network\n");
  EXPECT_EQ(test::expect_refused(npm_module, arguments, system),
            "npm cannot tell what is outdated: npm error network");
}

TEST(Npm, AsksWithoutLeavingATrace) {
  MemorySystem system;
  with_npm(system).folder("/srv/a");

  test::dry_run(npm_module, Value::map({{"path", "/srv/a"}}), system);

  ASSERT_EQ(system.queries().size(), 1U);
  EXPECT_EQ(system.queries()[0].environment.at("npm_config_cache"), "/dev/null");
}

TEST(Npm, FillsNoCacheOfTheUsersInADryRun) {
  MemorySystem system;
  with_npm(system)
      .folder("/srv/a")
      .file("/list", R"({"dependencies": {"pm2": {"version": "1"}}})")
      .when({"npm", "outdated"}, "");
  const Value arguments = Value::map({{"path", "/srv/a"}, {"state", "latest"}});

  test::dry_run(npm_module, arguments, system);

  ASSERT_EQ(system.queries().size(), 2U);
  EXPECT_EQ(system.queries()[1].environment.at("npm_config_cache"), kScratchFolder);
  test::run(npm_module, arguments, system);
  EXPECT_FALSE(system.queries().back().environment.contains("npm_config_cache"));
}

TEST(Npm, InstallsFromTheLockFile) {
  MemorySystem system;
  with_npm(system).folder("/srv/a");

  const Value result =
      test::run(npm_module, Value::map({{"path", "/srv/a"}, {"ci", true}}), system);

  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(last(system), (std::vector<std::string>{"/usr/bin/npm", "ci"}));
}

TEST(Npm, RefusesWhatCannotWork) {
  MemorySystem system;
  with_npm(system).file("/srv/file", "").file("/list", "no JSON").folder("/srv/a");
  EXPECT_EQ(test::expect_refused(npm_module, Value::map({{"name", "x"}}), system),
            "path must be specified when not using global");
  EXPECT_EQ(test::expect_refused(npm_module, Value::map({{"path", "/srv/file"}}), system),
            "path /srv/file is not a directory");
  test::expect_refused(npm_module, Value::map({{"path", "/srv/a"}}), system);
  MemorySystem bare;
  test::expect_refused(npm_module, Value::map({{"path", "/srv/a"}}), bare);
}

}  // namespace
}  // namespace gpustack::modules
