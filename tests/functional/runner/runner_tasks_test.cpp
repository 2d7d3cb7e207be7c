// What the runner does with tasks: order, barriers, stops, content, programs of the library.

#include "modules/sdk/module.hpp"
#include "tests/functional/runner/runner_fixture.hpp"

namespace gpustack {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using test::Runner;
using test::RunnerProcess;
using wire::Frame;
using wire::FrameType;
using wire::Task;

TEST_F(Runner, RunsTasksInOrderWithoutWaitingForTheController) {
  RunnerProcess runner(options());
  runner.greet();

  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(runner.task(
        "shell",
        shell("echo " + std::to_string(i) + " >> " + path("log") + "; cat " + path("log"))));

  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Value result = runner.result(ids[i]);
    EXPECT_EQ(result.get("stdout_lines").size(), i + 1) << to_repr(result);
  }
}

TEST_F(Runner, SkipsWhatWasSentBehindAFailure) {
  RunnerProcess runner(options());
  runner.greet();
  const auto with_barrier = [](Task& task) { task.barrier = true; };

  const auto failing = runner.task("shell", shell("exit 7"), with_barrier);
  const auto behind = runner.task("shell", shell("touch " + path("behind")));
  const auto rescue =
      runner.task("shell", shell("echo rescued"), [](Task& task) { task.epoch = 1; });

  EXPECT_EQ(runner.result(failing).get("rc"), Value(7));
  EXPECT_EQ(runner.result(behind), Value::map({{"skipped_epoch", true}}));
  EXPECT_EQ(runner.result(rescue).get("stdout"), Value("rescued"));
  EXPECT_FALSE(fs::exists(path("behind")));
}

TEST_F(Runner, GoesOnBehindAFailureWithoutBarrier) {
  RunnerProcess runner(options());
  runner.greet();

  const auto failing = runner.task("shell", shell("exit 7"));
  const auto behind = runner.task("shell", shell("echo here"));

  EXPECT_EQ(runner.result(failing).get("failed"), Value(true));
  EXPECT_EQ(runner.result(behind).get("stdout"), Value("here"));
}

TEST_F(Runner, RaisesTheEpochOnRequest) {
  RunnerProcess runner(options());
  runner.greet();
  const auto slow = runner.task("shell", shell("sleep 0.3; echo done"));
  const auto behind = runner.task("shell", shell("echo late"));

  runner.send(wire::make_frame(FrameType::cancel, 0, 0, wire::Cancel{.epoch = 3}));

  EXPECT_EQ(runner.result(slow).get("stdout"), Value("done"));
  EXPECT_EQ(runner.result(behind).get("skipped_epoch"), Value(true));
}

TEST_F(Runner, ChangesNothingInADryRun) {
  RunnerProcess runner(options());
  runner.greet();
  const auto dry = [](Task& task) { task.check = task.diff = true; };

  const Value result =
      runner.run("file", Value::map({{"path", path("made")}, {"state", "touch"}}), dry);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_FALSE(fs::exists(path("made")));
}

TEST_F(Runner, AnswersPingsWhileATaskRuns) {
  RunnerProcess runner(options());
  runner.greet();
  const auto slow = runner.task("shell", shell("sleep 30"));

  runner.send(Frame{FrameType::ping, 0, 0, 0, "hi"});
  const auto pong = runner.receive(FrameType::pong);
  runner.send(Frame{FrameType::cancel, 0, 0, slow, {}});

  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->payload, "hi");
  EXPECT_EQ(runner.result(slow).get("cancelled"), Value(true));
}

TEST_F(Runner, StopsARunningAndAWaitingTask) {
  RunnerProcess runner(options());
  runner.greet();
  const auto running = runner.task("shell", shell("sleep 60"));
  const auto waiting = runner.task("shell", shell("echo never"));

  runner.send(Frame{FrameType::cancel, 0, 0, waiting, {}});
  runner.send(Frame{FrameType::cancel, 0, 0, running, {}});

  EXPECT_EQ(runner.result(waiting).get("cancelled"), Value(true));
  EXPECT_EQ(runner.result(running).get("cancelled"), Value(true));
  EXPECT_EQ(runner.run("shell", shell("echo next")).get("stdout"), Value("next"));
}

TEST_F(Runner, EndsATaskAtItsTimeout) {
  RunnerProcess runner(options());
  runner.greet();

  const Value result =
      runner.run("shell", shell("sleep 60"), [](Task& task) { task.timeout = milliseconds(200); });

  EXPECT_EQ(result.get("timedout"), Value(true)) << to_repr(result);
  EXPECT_EQ(result.get("failed"), Value(true));
}

TEST_F(Runner, RunsProgramsOfTheLibraryAndRemovesThem) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string script =
      "#!/bin/sh\necho noise\nprintf '{\"changed\": true, \"got\": '\ncat \"$1\"\necho '}'\n";

  const Value result = runner.run("__library__",
                                  Value::map({{"name", "probe"},
                                              {"content", modules::Content::of(script).to_value()},
                                              {"args", Value::map({{"depth", 2}})}}));

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_EQ(result.get("got").get("depth"), Value(2));
  EXPECT_EQ(result.get("got").get("_ansible_check_mode"), Value(false));
  EXPECT_EQ(temporary_folders(), 1U);
  runner.close_input();
  EXPECT_EQ(runner.wait(), 0);
  EXPECT_EQ(temporary_folders(), 0U);
}

TEST_F(Runner, ReportsALibraryProgramThatPrintsNoJson) {
  RunnerProcess runner(options());
  runner.greet();

  const Value result = runner.run(
      "__library__",
      Value::map(
          {{"name", "probe"},
           {"content", modules::Content::of("#!/bin/sh\necho oops >&2; exit 3\n").to_value()}}));

  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("module_stderr"), Value("oops\n"));
  EXPECT_EQ(result.get("rc"), Value(3));
}

TEST_F(Runner, CarriesResultsLargerThanAFrame) {
  RunnerProcess runner(options());
  runner.greet();

  const Value result = runner.run("shell", shell("head -c 3000000 /dev/zero | tr '\\0' x"));

  EXPECT_EQ(result.get("stdout").size(), 3'000'000U);
}

TEST_F(Runner, SendsAResultWhileTheNextTaskRunsAndOthersWait) {
  RunnerProcess runner(options());
  runner.greet();

  const auto first = runner.task("ping", Value::map({}));
  const auto slow =
      runner.task("shell", shell("while [ ! -e " + path("go") + " ]; do sleep 0.05; done"));
  const auto last = runner.task("ping", Value::map({}));
  const Value seen = runner.result(first);
  std::ofstream(path("go")) << "";

  EXPECT_EQ(seen.get("ping"), Value("pong"));
  EXPECT_EQ(runner.result(slow).get("rc"), Value(0));
  EXPECT_EQ(runner.result(last).get("ping"), Value("pong"));
}

TEST_F(Runner, SendsWhatIsDoneInFrontOfASlowTask) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string slow_script = "while [ ! -e " + path("go") + " ]; do sleep 0.05; done";
  for (int round = 0; round < 20; ++round) {
    std::vector<std::uint32_t> quick;
    for (int i = 0; i < 50; ++i) quick.push_back(runner.task("ping", Value::map({})));
    const auto slow = runner.task("shell", shell(slow_script));
    const auto last = runner.task("ping", Value::map({}));

    for (const auto id : quick) EXPECT_EQ(runner.result(id).get("ping"), Value("pong"));
    std::ofstream(path("go")) << "";
    EXPECT_EQ(runner.result(slow).get("rc"), Value(0));
    EXPECT_EQ(runner.result(last).get("ping"), Value("pong"));
    fs::remove(path("go"));
  }
}

TEST_F(Runner, StopsOneOfManyThatWait) {
  RunnerProcess runner(options());
  runner.greet();
  std::vector<std::uint32_t> ids = {runner.task("shell", shell("sleep 0.2; echo 0"))};
  for (int i = 1; i < 600; ++i) ids.push_back(runner.task("ping", Value::map({{"data", i}})));

  runner.send(Frame{FrameType::cancel, 0, 0, ids[300], {}});

  EXPECT_EQ(runner.result(ids[300]).get("cancelled"), Value(true));
  EXPECT_EQ(runner.result(ids[0]).get("stdout"), Value("0"));
  for (std::size_t i = 1; i < ids.size(); ++i) {
    if (i == 300) continue;
    EXPECT_EQ(runner.result(ids[i]).get("ping"), Value(std::to_string(i)));
  }
}

TEST_F(Runner, NothingRunsBehindOneOfManyThatFails) {
  RunnerProcess runner(options());
  runner.greet();
  const auto with_barrier = [](Task& task) { task.barrier = true; };
  std::vector<std::uint32_t> before;
  std::vector<std::uint32_t> behind;
  for (int i = 0; i < 40; ++i) before.push_back(runner.task("ping", Value::map({}), with_barrier));
  const auto failing = runner.task("ping", Value::map({{"date", 1}}), with_barrier);
  for (int i = 0; i < 40; ++i)
    behind.push_back(
        runner.task("file", Value::map({{"path", path("behind")}, {"state", "touch"}})));
  const auto rescue = runner.task("ping", Value::map({}), [](Task& task) { task.epoch = 1; });

  for (const auto id : before) EXPECT_EQ(runner.result(id).get("ping"), Value("pong"));
  EXPECT_EQ(runner.result(failing).get("failed"), Value(true));
  for (const auto id : behind) EXPECT_EQ(runner.result(id), Value::map({{"skipped_epoch", true}}));
  EXPECT_EQ(runner.result(rescue).get("ping"), Value("pong"));
  EXPECT_FALSE(fs::exists(path("behind")));
}

TEST_F(Runner, NamesAnUnknownModule) {
  RunnerProcess runner(options());
  runner.greet();

  const Value result = runner.run("shel", shell("true"));

  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("msg"), Value("this runner has no module 'shel'; did you mean 'shell'?"));
}

}  // namespace
}  // namespace gpustack
