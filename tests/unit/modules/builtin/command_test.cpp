#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec command_module;

namespace {

using test::MemorySystem;

Value command_args(const std::string& line) { return Value::map({{"cmd", line}}); }

TEST(Command, ReportsWhatTheProgramPrinted) {
  MemorySystem system;
  system.when({"nvidia-smi", "-L"}, "GPU 0: H100\nGPU 1: H100\n\n");

  const Value result = test::run(command_module, command_args("nvidia-smi -L"), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(result.get("rc"), Value(0));
  EXPECT_EQ(to_text(result.get("stdout")), "GPU 0: H100\nGPU 1: H100");
  EXPECT_EQ(result.get("stdout_lines").size(), 2U);
  EXPECT_EQ(to_text(result.get("cmd")), "['nvidia-smi', '-L']");
  EXPECT_EQ(to_text(result.get("msg")), "");
}

TEST(Command, KeepsEmptyEndsWhenAsked) {
  MemorySystem system;
  system.when({"echo"}, "x\n");

  const Value result = test::run(
      command_module, Value::map({{"cmd", "echo x"}, {"strip_empty_ends", false}}), system);

  EXPECT_EQ(to_text(result.get("stdout")), "x\n");
}

TEST(Command, FailsWithTheExitCode) {
  MemorySystem system;
  system.when({"false"}, "", 3, "no\n");

  const Value result = test::run(command_module, command_args("false"), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("rc"), Value(3));
  EXPECT_EQ(to_text(result.get("msg")), "non-zero return code");
  EXPECT_EQ(to_text(result.get("stderr")), "no");
}

TEST(Command, SaysWhichProgramIsMissing) {
  MemorySystem system;

  const Value result = test::run(command_module, command_args("no-such-program --version"), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("rc"), Value(2));
  EXPECT_EQ(to_text(result.get("msg")), "[Errno 2] No such file or directory: b'no-such-program'");
}

TEST(Command, SaysThatAFileIsNotExecutable) {
  MemorySystem system;
  system.file("/opt/data", "text", 0644);

  const Value result = test::run(command_module, command_args("/opt/data"), system);

  EXPECT_EQ(result.get("rc"), Value(13));
}

TEST(Command, DoesNotRunWhenWhatItCreatesIsThere) {
  MemorySystem system;
  system.when({"make"}, "").file("/opt/app/out.bin", "");

  const Value result = test::run(
      command_module, Value::map({{"cmd", "make"}, {"creates", "/opt/*/out.b?n"}}), system);

  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("stdout")), "skipped, since /opt/*/out.b?n exists");
  EXPECT_EQ(to_text(result.get("msg")), "Did not run command since '/opt/*/out.b?n' exists");
  EXPECT_TRUE(system.commands().empty());
}

TEST(Command, LooksForCreatesInItsFolder) {
  MemorySystem system;
  system.when({"make"}, "").file("/opt/app/out", "");

  const Value result =
      test::run(command_module,
                Value::map({{"cmd", "make"}, {"creates", "out"}, {"chdir", "/opt/app"}}),
                system);

  EXPECT_FALSE(result.get("changed").truthy());
}

TEST(Command, DoesNotRunWhenWhatItRemovesIsGone) {
  MemorySystem system;
  system.when({"rm"}, "");

  const Value result =
      test::run(command_module, Value::map({{"cmd", "rm /tmp/x"}, {"removes", "/tmp/x"}}), system);

  EXPECT_EQ(to_text(result.get("msg")), "Did not run command since '/tmp/x' does not exist");
  EXPECT_TRUE(system.commands().empty());
}

TEST(Command, IsSkippedInADryRun) {
  MemorySystem system;
  system.when({"make"}, "");

  const Value result = test::dry_run(command_module, command_args("make"), system);

  EXPECT_TRUE(result.get("skipped").truthy());
  EXPECT_FALSE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "Command would have run if not in check mode");
}

TEST(Command, KnowsInADryRunThatItWouldRunWhenCreatesIsAbsent) {
  MemorySystem system;
  system.when({"make"}, "");

  const Value result =
      test::dry_run(command_module, Value::map({{"cmd", "make"}, {"creates", "/opt/out"}}), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(result.find("skipped"), nullptr);
}

TEST(Command, ExpandsVariablesAndHomeButNoShell) {
  MemorySystem system;
  system.when({"ls"}, "").variable("DATA", "/srv/data");

  test::run(command_module, command_args("ls $DATA ~/x '${DATA}/y' $NOPE '|' wc"), system);

  ASSERT_EQ(system.commands().size(), 1U);
  const std::vector<std::string> expected{
      "ls", "/srv/data", "/root/x", "/srv/data/y", "$NOPE", "|", "wc"};
  EXPECT_EQ(system.commands()[0].argv, expected);
}

TEST(Command, PassesStdinWithALineEnd) {
  MemorySystem system;
  system.when({"cat"}, "");

  test::run(command_module,
            Value::map({{"argv", Value::list({"cat", "-"})}, {"stdin", "hello"}}),
            system);
  test::run(
      command_module,
      Value::map(
          {{"argv", Value::list({"cat", "-"})}, {"stdin", "hello"}, {"stdin_add_newline", false}}),
      system);

  ASSERT_EQ(system.commands().size(), 2U);
  EXPECT_EQ(system.commands()[0].input, "hello\n");
  EXPECT_EQ(system.commands()[1].input, "hello");
}

struct BadArguments {
  const char* name;
  Value args;
  const char* message;
};

class CommandArguments : public testing::TestWithParam<BadArguments> {};

TEST_P(CommandArguments, AreRefusedWithTheReason) {
  MemorySystem system;
  system.when({"ls"}, "");

  const Value result = test::run(command_module, GetParam().args, system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_NE(to_text(result.get("msg")).find(GetParam().message), std::string::npos)
      << to_text(result.get("msg"));
}

INSTANTIATE_TEST_SUITE_P(
    Bad,
    CommandArguments,
    testing::Values(
        BadArguments{"Nothing", Value(Map()), "no command given"},
        BadArguments{"Both",
                     Value::map({{"cmd", "ls"}, {"argv", Value::list({"ls"})}}),
                     "only command or argv can be given, not both"},
        BadArguments{"OpenQuote", Value::map({{"cmd", "ls 'x"}}), "no closing quotation"},
        BadArguments{"NoFolder",
                     Value::map({{"cmd", "ls"}, {"chdir", "/nope"}}),
                     "Unable to change directory before execution: [Errno 2] No such file or "
                     "directory: b'/nope'"},
        BadArguments{
            "Unknown", Value::map({{"cmd", "ls"}, {"warn", false}}), "unknown argument 'warn'"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace gpustack::modules
