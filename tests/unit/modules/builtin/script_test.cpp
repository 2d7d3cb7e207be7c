#include "modules/sdk/module.hpp"
#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec script_module;

namespace {

using test::MemorySystem;

Value script_args(const std::string& line) {
  return Value::map({{"cmd", line}, {"_content", Content::of("#!/bin/sh\necho hi\n").to_value()}});
}

TEST(Script, RunsTheContentFromAPrivateFolderAndCleansUp) {
  MemorySystem system;
  std::string seen;
  system.program("sh", "/bin")
      .when({"/bin/sh", "-c"}, [&](const Command& command, MemorySystem& host) {
        const std::string path = command.argv[2].substr(0, command.argv[2].find(' '));
        seen = host.text(path);
        EXPECT_EQ(host.info(path).mode, 0700U);
        CommandResult done;
        done.output = "hi\n";
        return done;
      });

  const Value result =
      test::run(script_module, script_args("files/tune.sh --name 'two words'"), system);

  EXPECT_TRUE(result.get("changed").truthy());
  EXPECT_EQ(to_text(result.get("stdout")), "hi\n");
  EXPECT_EQ(seen, "#!/bin/sh\necho hi\n");
  ASSERT_EQ(system.commands().size(), 1U);
  const std::string& line = system.commands()[0].argv[2];
  EXPECT_NE(line.find("/tune.sh --name 'two words'"), std::string::npos) << line;
  EXPECT_FALSE(system.exists(line.substr(0, line.find(' '))));
}

TEST(Script, PutsTheInterpreterInFront) {
  MemorySystem system;
  system.program("sh", "/bin").when({"/bin/sh", "-c"}, "");
  Value args = script_args("report.py");
  args.set("executable", "python3 -I");

  test::run(script_module, args, system);

  ASSERT_EQ(system.commands().size(), 1U);
  EXPECT_TRUE(system.commands()[0].argv[2].starts_with("python3 -I /"));
}

TEST(Script, IsSkippedWhenWhatItCreatesIsThere) {
  MemorySystem system;
  system.file("/etc/done", "");
  Value args = script_args("x.sh");
  args.set("creates", "/etc/done");

  const Value result = test::run(script_module, args, system);

  EXPECT_TRUE(result.get("skipped").truthy());
  EXPECT_EQ(to_text(result.get("msg")), "/etc/done exists, matching creates option");
  EXPECT_TRUE(system.changes().empty());
}

TEST(Script, FailsWithTheExitCode) {
  MemorySystem system;
  system.program("sh", "/bin").when({"/bin/sh", "-c"}, "", 4);

  const Value result = test::run(script_module, script_args("x.sh"), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("rc"), Value(4));
}

TEST(Script, WantsAnAbsoluteFolder) {
  MemorySystem system;
  Value args = script_args("x.sh");
  args.set("chdir", "here");

  const Value result = test::run(script_module, args, system);

  EXPECT_NE(to_text(result.get("msg")).find("must be an absolute path"), std::string::npos);
}

TEST(Script, IsSkippedInADryRunUnlessAFileDecides) {
  MemorySystem system;
  Value decided = script_args("x.sh");
  decided.set("creates", "/etc/done");

  EXPECT_TRUE(test::dry_run(script_module, script_args("x.sh"), system).get("skipped").truthy());
  EXPECT_TRUE(test::dry_run(script_module, decided, system).get("changed").truthy());
}

}  // namespace
}  // namespace gpustack::modules
