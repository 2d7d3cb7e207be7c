#include "core/process/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

namespace gpustack::process {
namespace {

using ::testing::HasSubstr;

TEST(ProcessRun, GivesOutputErrorsAndExitCode) {
  auto done = run({.arguments = {"sh", "-c", "echo out; echo err >&2; exit 3"}});

  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->output, "out\n");
  EXPECT_EQ(done->errors, "err\n");
  EXPECT_EQ(done->exit_code, 3);
}

TEST(ProcessRun, FeedsInputAndEnvironmentAndFolder) {
  auto done = run({.arguments = {"sh", "-c", "cat; echo $WORD; pwd"},
                   .folder = "/",
                   .input = std::string(200'000, 'x'),
                   .environment = {{"WORD", "hello"}}});

  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->output, std::string(200'000, 'x') + "hello\n/\n");
}

TEST(ProcessRun, SurvivesAChildThatDoesNotReadItsInput) {
  auto done = run({.arguments = {"true"}, .input = std::string(1'000'000, 'x')});

  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->exit_code, 0);
}

TEST(ProcessRun, StopsAProgramThatRunsTooLong) {
  auto done = run(
      {.arguments = {"sh", "-c", "sleep 60 & sleep 60"}, .timeout = std::chrono::milliseconds(20)});

  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message(), HasSubstr("did not end within"));
}

TEST(ProcessRun, StopsAProgramThatSaysTooMuch) {
  auto done = run({.arguments = {"yes"}, .output_limit = 1U << 20U});

  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message(), HasSubstr("more than 1 MiB"));
}

TEST(ProcessRun, SaysWhyAProgramDoesNotStart) {
  auto done = run({.arguments = {"/nonexistent/program"}});

  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::command_failed);
  EXPECT_THAT(done.error().message(), HasSubstr("No such file"));
}

TEST(ProcessRun, GivesTheTerminalAndAnInput) {
  ::testing::internal::CaptureStdout();
  auto done = run({.arguments = {"sh", "-c", "cat; exit 3"},
                   .input = std::string(100'000, 'x'),
                   .terminal = Terminal::given});

  EXPECT_EQ(::testing::internal::GetCapturedStdout(), std::string(100'000, 'x'));
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->exit_code, 3);
}

TEST(ProcessRun, KeepsCtrlCFromUsWhileAnotherHasTheTerminal) {
  auto done = run({.arguments = {"sh", "-c", "kill -INT $PPID"}, .terminal = Terminal::given});

  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->exit_code, 0);
}

TEST(ProcessRunDeathTest, PassesOnWhatEndsUsAndEndsThen) {
  EXPECT_EXIT(
      {
        const SignalHold hold;
        auto done = run({.arguments = {"sh", "-c", "kill -TERM $PPID; exec sleep 30"},
                         .terminal = Terminal::given});
        std::fprintf(stderr, "child ended with %d\n", done->exit_code);
      },
      ::testing::KilledBySignal(SIGTERM),
      "child ended with 143");
}

}  // namespace
}  // namespace gpustack::process
