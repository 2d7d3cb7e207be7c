#include "modules/sdk/module.hpp"
#include "modules/sdk/terminal.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec expect_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A host on which the only program shows these texts, each once the one before was answered.
class AskingSystem : public MemorySystem {
 public:
  std::vector<std::string> shows;
  std::vector<std::string> heard;
  Command command;
  bool echo = false;
  std::chrono::milliseconds patience{};
  CommandResult ends;

  Result<CommandResult> converse(const Command& started, const Dialogue& dialogue) override {
    command = started;
    echo = dialogue.echo;
    patience = dialogue.patience;
    std::string unread;
    for (const std::string& text : shows) {
      unread += text;
      ends.output += text;
      while (true) {
        std::size_t consumed = 0;
        GS_TRY(const auto said, dialogue.answer(unread, consumed));
        if (!said) break;
        heard.push_back(*said);
        unread.erase(0, consumed);
      }
    }
    return ends;
  }
};

TEST(Expect, AnswersEachQuestion) {
  AskingSystem system;
  system.shows = {"Welcome\r\nName: ", "Agree\r\nto all? ", "Name: ", "bye\r\n"};

  const Value result = test::run(
      expect_module,
      Value::map({{"command", "ask 'two words' x"},
                  {"chdir", "/tmp"},
                  {"echo", true},
                  {"timeout", 5},
                  {"responses",
                   Value::map({{"Name: $", Value::list({"ops\n", 7})}, {"Agree.*\\?", "yes"}})}}),
      system);

  EXPECT_THAT(system.heard, ElementsAre("ops\n", "yes\n", "7\n"));
  EXPECT_THAT(system.command.argv, ElementsAre("ask", "two words", "x"));
  EXPECT_EQ(system.command.directory, "/tmp");
  EXPECT_TRUE(system.echo);
  EXPECT_EQ(system.patience, std::chrono::seconds(5));
  EXPECT_EQ(result.get("changed"), Value(true));
  EXPECT_EQ(result.get("rc"), Value(0));
  EXPECT_EQ(result.get("cmd"), Value("ask 'two words' x"));
  EXPECT_EQ(result.get("stdout"), Value("Welcome\r\nName: Agree\r\nto all? Name: bye"));
}

TEST(Expect, TakesTheMatchThatBeginsFirst) {
  AskingSystem system;
  system.shows = {"b? a? "};

  test::run(expect_module,
            Value::map({{"command", "ask"},
                        {"responses", Value::map({{"a\\?", "1"}, {"b\\?", "2"}, {"b", "3"}})}}),
            system);

  EXPECT_THAT(system.heard, ElementsAre("2\n", "1\n"));
}

TEST(Expect, FailsWhereAnswersEnd) {
  AskingSystem system;
  system.shows = {"a? ", "a? "};

  const Value result = test::run(
      expect_module,
      Value::map({{"command", "ask"}, {"responses", Value::map({{"a\\?", Value::list({"1"})}})}}),
      system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("msg"), Value("No remaining responses for 'a\\?', output was ' a?'"));
}

TEST(Expect, TellsHowItEnded) {
  AskingSystem system;
  const Value arguments = Value::map(
      {{"command", "ask"}, {"timeout", nullptr}, {"responses", Value::map({{"a", "1"}})}});
  system.ends.status = 3;

  const Value failed = test::run(expect_module, arguments, system);
  EXPECT_EQ(system.patience.count(), 0);
  system.ends.timed_out = true;
  const Value late = test::run(expect_module, arguments, system);

  EXPECT_EQ(failed.get("msg"), Value("non-zero return code"));
  EXPECT_EQ(failed.get("rc"), Value(3));
  EXPECT_EQ(late.get("msg"), Value("command exceeded timeout"));
  EXPECT_TRUE(late.get("rc").is_null());
}

TEST(Expect, IsNotRunTwice) {
  AskingSystem system;
  system.file("/opt/tool", "");
  const Value responses = Value::map({{"a", "1"}});

  const Value made = expect_unchanged(
      expect_module,
      Value::map(
          {{"command", "ask"}, {"chdir", "/opt"}, {"creates", "tool"}, {"responses", responses}}),
      system);
  const Value gone = expect_unchanged(
      expect_module,
      Value::map({{"command", "ask"}, {"removes", "/none"}, {"responses", responses}}),
      system);

  EXPECT_EQ(made.get("stdout"), Value("skipped, since tool exists"));
  EXPECT_EQ(gone.get("stdout"), Value("skipped, since /none does not exist"));
}

TEST(Expect, IsSkippedInADryRun) {
  AskingSystem system;

  const Value result =
      test::dry_run(expect_module,
                    Value::map({{"command", "ask"}, {"responses", Value::map({{"a", "1"}})}}),
                    system);

  EXPECT_EQ(result.get("skipped"), Value(true));
  EXPECT_TRUE(system.command.argv.empty());
}

TEST(Expect, RefusesWhatCannotBe) {
  AskingSystem system;
  const auto refused = [&](const char* command, Value responses) {
    return expect_refused(expect_module,
                          Value::map({{"command", command}, {"responses", std::move(responses)}}),
                          system);
  };

  EXPECT_THAT(refused("ask 'x", Value::map({{"a", "1"}})), HasSubstr("no closing quotation"));
  EXPECT_THAT(refused("  ", Value::map({{"a", "1"}})), HasSubstr("no command given"));
  EXPECT_THAT(refused("ask", Value::map({{"(a", "1"}})),
              HasSubstr("'(a' is no regular expression"));
  EXPECT_THAT(refused("ask", Value::map({{"a", Value(Map())}})), HasSubstr("expected a text"));
}

}  // namespace
}  // namespace gpustack::modules
