// How a runner begins and ends: greeting, the host's lock, what killed runners left, hostile bytes,
// a lost controller.

#include "modules/sdk/module.hpp"
#include "tests/functional/runner/runner_fixture.hpp"

#include <signal.h>
#include <unistd.h>

#include <thread>

namespace gpustack {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using test::Runner;
using test::RunnerProcess;
using wire::Frame;
using wire::FrameType;

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

class RunnerInItsCache : public Runner {
 protected:
  /// A cache folder with the runner in it. @return the program
  std::string place(fs::perms mode) const {
    fs::create_directory(path("cache"));
    fs::copy_file(RunnerProcess::built_runner(), path("cache/runner"));
    fs::permissions(path("cache"), mode);
    return path("cache/runner");
  }
  int status_with(const std::string& program, const std::string& hash) const {
    RunnerProcess::Options wanted = options({"serve", "--hash", hash});
    wanted.program = program;
    RunnerProcess runner(std::move(wanted));
    runner.close_input();
    return runner.wait();
  }
  /// Makes the note say another hash, which a runner that looks at the note alone takes for its
  /// own.
  void forge_note() const {
    const std::string note = text_of(path("cache/verified"));
    std::ofstream(path("cache/verified"))
        << other_ << note.substr(std::min(hash_.size(), note.size()));
  }

  const std::string hash_ =
      modules::hash_bytes(modules::Algorithm::sha256, text_of(RunnerProcess::built_runner()));
  const std::string other_ = std::string(64, 'e');
};

TEST_F(RunnerInItsCache, IsHashedOnce) {
  const std::string program = place(fs::perms::owner_all);

  EXPECT_EQ(status_with(program, hash_), 0);
  EXPECT_THAT(text_of(path("cache/verified")), testing::StartsWith(hash_ + " "));
  forge_note();
  EXPECT_EQ(status_with(program, other_), 0) << "the note is believed";
  EXPECT_EQ(status_with(program, hash_), 0) << "a note on another hash is not";
}

TEST_F(RunnerInItsCache, IsHashedAgainWhenItsFileChanges) {
  const std::string program = place(fs::perms::owner_all);
  EXPECT_EQ(status_with(program, hash_), 0);
  const auto time = fs::last_write_time(program);

  std::ofstream(program, std::ios::app) << "damage";
  fs::resize_file(program, fs::file_size(program) - 6);
  fs::last_write_time(program, time);  // its change time still tells
  forge_note();

  EXPECT_EQ(status_with(program, other_), 66);
  std::ofstream(program, std::ios::app) << "damage";
  EXPECT_EQ(status_with(program, hash_), 66);
}

TEST_F(RunnerInItsCache, IsHashedEachTimeWhereOthersCanEnter) {
  const std::string program =
      place(fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);

  EXPECT_EQ(status_with(program, hash_), 0);
  EXPECT_FALSE(fs::exists(path("cache/verified")));
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
