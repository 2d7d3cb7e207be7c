#include "modules/sdk/terminal.hpp"

#include "modules/sdk/real_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using testing::HasSubstr;

RealSystem real_system() {
  RealSystemOptions options;
  options.environment = process_environment();
  return RealSystem(std::move(options));
}

Command shell(const char* script) { return Command{.argv = {"sh", "-c", script}}; }

/// Says `word` after each colon.
Dialogue answering(const char* word) {
  Dialogue dialogue;
  dialogue.answer = [word](std::string_view unread,
                           std::size_t& consumed) -> Result<std::optional<std::string>> {
    const std::size_t colon = unread.find(':');
    if (colon == std::string_view::npos) return std::optional<std::string>();
    consumed = colon + 1;
    return std::optional<std::string>(std::string(word) + "\n");
  };
  return dialogue;
}

TEST(Terminal, CarriesQuestionsAndAnswers) {
  RealSystem system = real_system();
  const Command asks = shell(
      "test -t 0 && test -t 1 && tty >/dev/null && printf 'a:'; read -r x; printf 'b:'; read "
      "-r y </dev/tty; echo \"$x+$y\"; exit 3");

  const auto result = system.converse(asks, answering("yes"));

  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "a:b:yes+yes\r\n");
  EXPECT_EQ(result->status, 3);
  EXPECT_FALSE(result->timed_out);
}

TEST(Terminal, ShowsAnswersWhenItEchoes) {
  RealSystem system = real_system();
  Dialogue dialogue = answering("yes");
  dialogue.echo = true;

  const auto result = system.converse(shell("printf 'a:'; read -r x"), dialogue);

  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "a:yes\r\n");
}

TEST(Terminal, EndsAProgramThatIsNotAnswered) {
  RealSystem system = real_system();
  Dialogue dialogue = answering("yes");
  dialogue.patience = std::chrono::milliseconds(200);

  const auto result = system.converse(shell("echo ready; read -r x; echo never"), dialogue);

  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->output, "ready\r\n");
}

TEST(Terminal, EndsWithItsProgramThoughOthersKeepTheTerminal) {
  RealSystem system = real_system();

  const auto result = system.converse(shell("trap '' HUP; sleep 3 & echo done"), answering("yes"));

  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "done\r\n");
  EXPECT_EQ(result->status, 0);
}

TEST(Terminal, StopsWhenAnAnswerIsAnError) {
  RealSystem system = real_system();
  Dialogue dialogue;
  dialogue.answer = [](std::string_view, std::size_t&) -> Result<std::optional<std::string>> {
    return Error(ErrorCode::module_failed, "nothing to say");
  };

  const auto result = system.converse(shell("echo a; sleep 30"), dialogue);

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "nothing to say");
}

TEST(Terminal, SaysWhatCannotBeStarted) {
  RealSystem system = real_system();

  const auto result = system.converse(Command{.argv = {"no-such-program"}}, answering("x"));

  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("no-such-program"));
}

}  // namespace
}  // namespace gpustack::modules
