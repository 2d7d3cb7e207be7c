// Tasks in the background of a host: async, its limit and async_status.

#include "tests/functional/runner/runner_fixture.hpp"

#include <thread>

namespace gpustack {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Runner;
using test::RunnerProcess;
using wire::Task;

TEST_F(Runner, LeavesTasksInTheBackgroundRunning) {
  std::string job;
  {
    RunnerProcess runner(options());
    runner.greet();
    const Value started = runner.run(
        "shell",
        shell("while [ ! -e " + path("go") + " ]; do sleep 0.01; done; echo late; exit 4"),
        [](Task& task) { task.background = seconds(60); });
    job = to_text(started.get("ansible_job_id"));
    EXPECT_EQ(started.get("finished"), Value(0)) << to_repr(started);
    EXPECT_EQ(runner.run("async_status", Value::map({{"jid", job}})).get("finished"), Value(0));
  }
  std::ofstream(path("go")) << "";
  RunnerProcess later(options());
  later.greet();
  Value result;
  for (int i = 0; i < 600 && result.get("finished") != Value(1); ++i) {
    result = later.run("async_status", Value::map({{"jid", job}}));
    std::this_thread::sleep_for(milliseconds(20));
  }

  EXPECT_EQ(result.get("stdout"), Value("late")) << to_repr(result);
  EXPECT_EQ(result.get("rc"), Value(4));
  EXPECT_EQ(result.get("failed"), Value(true));
}

TEST_F(Runner, StopsABackgroundTaskAtItsLimit) {
  RunnerProcess runner(options());
  runner.greet();

  const Value started =
      runner.run("shell", shell("sleep 300"), [](Task& task) { task.background = seconds(1); });
  Value result;
  for (int i = 0; i < 600 && result.get("finished") != Value(1); ++i) {
    result = runner.run("async_status", Value::map({{"jid", started.get("ansible_job_id")}}));
    std::this_thread::sleep_for(milliseconds(20));
  }

  EXPECT_EQ(result.get("timedout"), Value(true)) << to_repr(result);
}

TEST_F(Runner, PlansABackgroundTaskInADryRun) {
  RunnerProcess runner(options());
  runner.greet();
  const Value arguments = Value::map({{"path", path("made")}, {"state", "directory"}});

  const Value result = runner.run("file", arguments, [](Task& task) {
    task.background = seconds(60);
    task.check = true;
  });

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_EQ(result.find("ansible_job_id"), nullptr);
  EXPECT_FALSE(fs::exists(path("made")));
}

TEST_F(Runner, KeepsJobsInTheFolderItIsTold) {
  RunnerProcess runner(options());
  runner.greet();
  const auto elsewhere = [](Task& task) { task.environment["ANSIBLE_ASYNC_DIR"] = "~/jobs"; };

  const Value started = runner.run("shell", shell("echo \"$WORD\""), [&](Task& task) {
    elsewhere(task);
    task.background = seconds(60);
    task.environment["WORD"] = "heard";
  });
  const Value jid = Value::map({{"jid", started.get("ansible_job_id")}});
  Value result;
  for (int i = 0; i < 600 && result.get("finished") != Value(1); ++i) {
    result = runner.run("async_status", jid, elsewhere);
    std::this_thread::sleep_for(milliseconds(20));
  }

  EXPECT_EQ(result.get("stdout"), Value("heard")) << to_repr(result);
  EXPECT_EQ(fs::status(path("home/jobs")).permissions(), fs::perms::owner_all);
  EXPECT_EQ(runner.run("async_status", jid).get("msg"), Value("could not find job"));
}

}  // namespace
}  // namespace gpustack
