#include "modules/sdk/module.hpp"
#include "tests/support/convergence.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec debconf_module;

namespace {

using test::MemorySystem;

void install_debconf(MemorySystem& system) {
  system.when({"debconf-show", "tzdata"},
              "* tzdata/Areas: Etc\n  tzdata/Zones/Etc: UTC\n* keep/it: true\n");
  system.when({"debconf-set-selections"}, [](const Command& command, MemorySystem& host) {
    host.when({"debconf-show", "tzdata"}, "* tzdata/Areas: Europe\n* keep/it: false\n");
    EXPECT_NE(command.input.find("tzdata "), std::string::npos);
    return CommandResult{};
  });
}

TEST(Debconf, AnswersAQuestion) {
  MemorySystem system;
  install_debconf(system);

  const Value result = test::expect_converges(debconf_module,
                                              Value::map({{"name", "tzdata"},
                                                          {"question", "tzdata/Areas"},
                                                          {"vtype", "select"},
                                                          {"value", "Europe"}}),
                                              system);

  EXPECT_EQ(system.commands()[0].input, "tzdata tzdata/Areas select Europe\n");
  EXPECT_EQ(to_text(result.get("previous")), "{'tzdata/Areas': 'Etc'}");
  EXPECT_EQ(to_text(result.get("current")), "{'tzdata/Areas': 'Europe'}");
}

TEST(Debconf, ComparesTruthByItsMeaning) {
  MemorySystem system;
  install_debconf(system);

  test::expect_unchanged(
      debconf_module,
      Value::map(
          {{"name", "tzdata"}, {"question", "keep/it"}, {"vtype", "boolean"}, {"value", true}}),
      system);
}

TEST(Debconf, ListsAnswers) {
  MemorySystem system;
  install_debconf(system);

  const Value result =
      test::expect_unchanged(debconf_module, Value::map({{"name", "tzdata"}}), system);

  EXPECT_EQ(to_text(result.get("current").get("tzdata/Zones/Etc")), "UTC");
}

TEST(Debconf, NeverShowsAPassword) {
  MemorySystem system;
  install_debconf(system);
  system.diff_mode(true);

  const Value result = test::run(debconf_module,
                                 Value::map({{"name", "tzdata"},
                                             {"question", "db/pass"},
                                             {"vtype", "password"},
                                             {"value", "geheim"}}),
                                 system);

  EXPECT_EQ(to_text(result).find("geheim"), std::string::npos) << to_text(result);
}

TEST(Debconf, NeverShowsAPasswordThatAProgramQuotes) {
  MemorySystem system;
  install_debconf(system);
  system.when({"debconf-set-selections"}, "", 1, "error: cannot take 'db/pass geheim'\n");

  const Value result = test::run(debconf_module,
                                 Value::map({{"name", "tzdata"},
                                             {"question", "db/pass"},
                                             {"vtype", "password"},
                                             {"value", "geheim"}}),
                                 system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(to_text(result).find("geheim"), std::string::npos) << to_text(result);
}

TEST(Debconf, KnowsAPasswordThatIsSetAlready) {
  MemorySystem system;
  system.when({"debconf-show", "db"}, "* db/pass: (password omitted)\n");
  system.program("debconf-set-selections")
      .file("/var/cache/debconf/passwords.dat",
            "Name: db/other\nValue: other\n\nName: db/pass\nTemplate: db/pass\nValue: geheim\n",
            0600);
  const auto asks = [](const char* value) {
    return Value::map(
        {{"name", "db"}, {"question", "db/pass"}, {"vtype", "password"}, {"value", value}});
  };

  test::expect_unchanged(debconf_module, asks("geheim"), system);

  system.diff_mode(true);
  const Value result = test::dry_run(debconf_module, asks("other"), system);
  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(to_text(result.get("previous")), "{'db/pass': '(password omitted)'}");
  EXPECT_EQ(to_text(result.get("current")), "{'db/pass': '(password omitted)'}");
}

TEST(Debconf, RefusesAnAnswerOfTwoLines) {
  MemorySystem system;
  install_debconf(system);

  const std::string message = test::expect_refused(debconf_module,
                                                   Value::map({{"name", "tzdata"},
                                                               {"question", "db/pass"},
                                                               {"vtype", "password"},
                                                               {"value", "geheim\nb c d e"}}),
                                                   system);

  EXPECT_EQ(message.find("geheim"), std::string::npos) << message;
}

TEST(Debconf, NeedsTypeAndValueWithAQuestion) {
  MemorySystem system;
  install_debconf(system);

  test::expect_refused(debconf_module, Value::map({{"name", "tzdata"}, {"question", "x"}}), system);
}

}  // namespace
}  // namespace gpustack::modules
