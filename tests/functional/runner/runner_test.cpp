// The built runner as a real process over pipes.

#include "core/base/json.hpp"
#include "modules/sdk/module.hpp"
#include "tests/support/runner_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace gpustack {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RunnerProcess;
using wire::Frame;
using wire::FrameType;
using wire::Task;

class Runner : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/gpustack-runner-test-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::create_directory(folder_ + "/home");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  RunnerProcess::Options options(std::vector<std::string> arguments = {"serve"}) const {
    return RunnerProcess::Options{.arguments = std::move(arguments),
                                  .environment = {"HOME=" + path("home"),
                                                  "GPUSTACK_RUNTIME_DIR=" + path("run"),
                                                  "GPUSTACK_STATE_DIR=" + path("state")},
                                  .program = {}};
  }
  static Value shell(const std::string& script) { return Value::map({{"_raw_params", script}}); }
  static std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  std::size_t temporary_folders() const {
    const std::string base = path("home/.cache/gpustack");
    if (!fs::exists(base)) return 0;
    return static_cast<std::size_t>(std::count_if(
        fs::directory_iterator(base), fs::directory_iterator(), [](const auto& entry) {
          return entry.path().filename().string().starts_with("tmp-");
        }));
  }

  std::string folder_;
};

TEST_F(Runner, SaysWhoAndWhereItIs) {
  RunnerProcess runner(options());

  const wire::HelloReply reply = runner.greet();

  EXPECT_EQ(reply.version, wire::kProtocolVersion);
  EXPECT_EQ(reply.uid, ::geteuid());
  EXPECT_EQ(reply.home, path("home"));
  EXPECT_EQ(reply.pid, runner.pid());
  EXPECT_FALSE(reply.architecture.empty());
  EXPECT_FALSE(reply.boot_id.empty());
  EXPECT_TRUE(reply.error.empty());
}

TEST_F(Runner, RefusesAnotherProtocolVersion) {
  RunnerProcess runner(options());

  const wire::HelloReply reply =
      runner.greet(wire::Hello{.version = 99, .controller = {}, .run = {}});

  EXPECT_THAT(reply.error, testing::HasSubstr("protocol version"));
  EXPECT_EQ(runner.wait(), 0);
}

TEST_F(Runner, RefusesAFileWithAnotherHash) {
  RunnerProcess runner(options({"serve", "--hash", std::string(64, '0')}));

  EXPECT_EQ(runner.wait(), 66);
  EXPECT_THAT(runner.errors(), testing::HasSubstr("expected " + std::string(64, '0')));
}

TEST_F(Runner, KnowsItsOwnHash) {
  const std::string built = RunnerProcess::built_runner();
  const std::string hash = modules::hash_bytes(modules::Algorithm::sha256, text_of(built));
  RunnerProcess runner(options({"serve", "--hash", hash}));

  EXPECT_EQ(runner.greet().hash, hash);
}

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

TEST_F(Runner, AsksForContentOnlyWhenItDiffers) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string bytes(9U << 20U, 'b');
  const std::string hash = modules::hash_bytes(modules::Algorithm::sha256, bytes);
  const Value content = Value::map({{"sha256", hash}, {"size", bytes.size()}});
  const Value library =
      Value::map({{"name", "probe"}, {"content", content}, {"args", Value(Map())}});

  const auto id = runner.task("__library__", library);
  std::size_t asked = 0;
  while (asked < bytes.size()) {
    const auto frame = runner.receive(FrameType::need_content);
    ASSERT_TRUE(frame);
    const auto need = wire::NeedContent::parse(*frame);
    ASSERT_TRUE(need);
    EXPECT_EQ(need->sha256, hash);
    EXPECT_EQ(need->offset, asked);
    for (std::uint64_t at = 0; at < need->length; at += wire::kContentPiece) {
      runner.send(
          Frame{FrameType::content,
                0,
                0,
                id,
                bytes.substr(need->offset + at,
                             std::min<std::uint64_t>(wire::kContentPiece, need->length - at))});
    }
    runner.send(wire::make_frame(FrameType::content_end, 0, id, wire::ContentEnd()));
    asked += need->length;
  }
  const Value result = runner.result(id);

  // Not a program, so it cannot start; that it was tried shows that the content arrived and
  // matched.
  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_THAT(to_text(result.get("msg")), testing::Not(testing::HasSubstr("sha256")));
}

TEST_F(Runner, FailsATaskWhoseContentDoesNotCome) {
  RunnerProcess runner(options());
  runner.greet();
  const Value content = Value::map({{"sha256", std::string(64, 'a')}, {"size", 10}});

  const auto id = runner.task("__library__", Value::map({{"name", "probe"}, {"content", content}}));
  ASSERT_TRUE(runner.receive(FrameType::need_content));
  runner.send(wire::make_frame(
      FrameType::content_end, 0, id, wire::ContentEnd{.error = "the file is gone"}));

  EXPECT_THAT(to_text(runner.result(id).get("msg")), testing::HasSubstr("the file is gone"));
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

TEST_F(Runner, NamesAnUnknownModule) {
  RunnerProcess runner(options());
  runner.greet();

  const Value result = runner.run("shel", shell("true"));

  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("msg"), Value("this runner has no module 'shel'; did you mean 'shell'?"));
}

TEST_F(Runner, EndsItsCommandAndItsFolderWhenTheControllerIsGone) {
  RunnerProcess runner(options());
  runner.greet();
  runner.run("__library__",
             Value::map({{"name", "probe"},
                         {"content", modules::Content::of("#!/bin/sh\necho '{}'\n").to_value()}}));
  runner.task("shell", shell("echo $$ > " + path("pid") + "; exec sleep 300"));
  while (text_of(path("pid")).find('\n') == std::string::npos) std::this_thread::yield();
  const pid_t command = std::stoi(text_of(path("pid")));

  runner.close_input();

  EXPECT_EQ(runner.wait(), 0);
  EXPECT_NE(::kill(command, 0), 0);
  EXPECT_EQ(temporary_folders(), 0U);
}

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

TEST_F(Runner, FinishesTheRunningTaskAtBye) {
  RunnerProcess runner(options());
  runner.greet();
  const auto id = runner.task(
      "shell", shell("echo started; : > " + path("started") + "; sleep 0.2; echo done"));
  while (!fs::exists(path("started"))) std::this_thread::yield();

  runner.send(Frame{FrameType::bye, 0, 0, 0, {}});

  EXPECT_EQ(runner.result(id).get("stdout"), Value("started\ndone"));
  EXPECT_EQ(runner.wait(), 0);
}

TEST_F(Runner, EndsWhenTheControllerFallsSilent) {
  RunnerProcess runner(options());
  runner.greet(wire::Hello{.controller = {}, .run = {}, .ping_interval = seconds(1)});

  EXPECT_EQ(runner.wait(seconds(30)), 0);
}

TEST_F(Runner, RemovesFoldersThatKilledRunnersLeft) {
  fs::create_directories(path("home/.cache/gpustack/tmp-4194304-abc/inner"));
  fs::create_directories(path("home/.cache/gpustack/tmp-" + std::to_string(::getpid()) + "-abc"));
  RunnerProcess runner(options());

  runner.greet();

  EXPECT_EQ(temporary_folders(), 1U);
}

TEST_F(Runner, RemovesUploadsThatStandStill) {
  const std::string cache = path("home/.cache/gpustack");
  fs::create_directories(cache);
  for (const char* name : {"/up.1.dead", "/up.2.busy"}) std::ofstream(cache + name) << "part";
  fs::last_write_time(cache + "/up.1.dead",
                      fs::file_time_type::clock::now() - std::chrono::hours(2));
  RunnerProcess runner(options());

  runner.greet();

  EXPECT_FALSE(fs::exists(cache + "/up.1.dead"));
  EXPECT_TRUE(fs::exists(cache + "/up.2.busy"));
}

TEST_F(Runner, RefusesASecondHolderOfTheHost) {
  RunnerProcess first(options());
  RunnerProcess second(options());
  RunnerProcess reader(options());
  const wire::Hello mine{.controller = "alpha", .run = "run-1", .lock = wire::LockKind::exclusive};
  const wire::Hello dry{.controller = "beta", .run = "run-2", .lock = wire::LockKind::shared};

  EXPECT_EQ(first.greet(mine).error, "");
  const wire::HelloReply refused = second.greet(mine);
  const wire::HelloReply also_refused = reader.greet(dry);

  EXPECT_EQ(refused.error_code, "GS6006");
  EXPECT_THAT(refused.error, testing::HasSubstr("run 'run-1' of controller 'alpha'"));
  EXPECT_EQ(also_refused.error_code, "GS6006");

  ::kill(first.pid(), SIGKILL);
  first.wait();
  RunnerProcess third(options());
  EXPECT_EQ(third.greet(mine).error, "");
}

TEST_F(Runner, RefusesAnOldFence) {
  const auto hello = [](std::int64_t fence) {
    return wire::Hello{.controller = {}, .run = {}, .fence = fence};
  };
  const auto greet = [&](std::int64_t fence) {
    RunnerProcess runner(options());
    return runner.greet(hello(fence));
  };

  EXPECT_EQ(greet(5).fence, 5);
  EXPECT_EQ(greet(4).error_code, "GS6006");
  EXPECT_EQ(greet(6).fence, 6);
}

class Hostile : public Runner,
                public testing::WithParamInterface<std::pair<const char*, std::string>> {};

TEST_P(Hostile, BytesEndTheRunnerWithAnExplanation) {
  RunnerProcess runner(options());
  runner.greet();

  runner.send_bytes(GetParam().second);
  const auto notice = runner.receive(FrameType::notice);

  ASSERT_TRUE(notice);
  EXPECT_EQ(wire::Notice::parse(*notice)->level, "error");
  EXPECT_EQ(runner.wait(), 3);
}

std::string frame_bytes(Frame frame) {
  std::string out;
  wire::append_frame(out, frame);
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds,
    Hostile,
    testing::Values(
        std::pair("Garbage", std::string(64, '\xff')),
        std::pair("ASecondHello", frame_bytes(wire::make_hello({}))),
        std::pair("ATaskThatIsNoMap", frame_bytes(Frame{FrameType::task, 0, 0, 1, "\x01"})),
        std::pair("AnAnswerFromTheWrongSide", frame_bytes(Frame{FrameType::pong, 0, 0, 0, ""})),
        std::pair("LaneZeroOpened", frame_bytes(wire::make_open_become(0, {}))),
        std::pair("AHugePing", frame_bytes(Frame{FrameType::ping, 0, 0, 0, std::string(65, 'x')}))),
    [](const auto& test) { return std::string(test.param.first); });

TEST_F(Runner, WantsHelloFirst) {
  RunnerProcess runner(options());

  runner.send(Frame{FrameType::ping, 0, 0, 0, {}});

  EXPECT_TRUE(runner.receive(FrameType::notice));
  EXPECT_EQ(runner.wait(), 3);
}

}  // namespace
}  // namespace gpustack
