// Child runners behind the real sudo, su and doas, where the machine has them and the test may use
// them.

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/system.hpp"
#include "tests/support/runner_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace gpustack {
namespace {

namespace fs = std::filesystem;
using test::RunnerProcess;
using wire::Frame;
using wire::FrameType;
using wire::OpenBecome;
using wire::Task;

// A sudo that asks like the real one: the prompt is the word after -p, the password comes on
// standard input.
constexpr const char* kAskingSudo = R"(prompt=
while [ $# -gt 0 ]; do
  case $1 in
    -p) prompt=$2; shift 2 ;;
    -u) shift 2 ;;
    --) shift; break ;;
    *) shift ;;
  esac
done
for try in 1 2 3; do
  printf '%s' "$prompt" >&2
  IFS= read -r word || exit 1
  if [ "$word" = right ]; then exec "$@"; fi
  echo 'Sorry, try again.' >&2
done
exit 1
)";

class Become : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/gpustack-become-test-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ::chmod(folder_.c_str(), 0755);
    fs::create_directory(folder_ + "/home");
  }
  void TearDown() override { fs::remove_all(folder_); }

  RunnerProcess::Options options(const std::string& path_in_front = {}) const {
    RunnerProcess::Options out;
    out.environment = {"HOME=" + folder_ + "/home"};
    if (!path_in_front.empty())
      out.environment.push_back("PATH=" + path_in_front + ":/usr/sbin:/usr/bin:/sbin:/bin");
    return out;
  }
  /// A runner whose file only its owner reaches.
  RunnerProcess::Options hidden(const std::string& path_in_front = {}) const {
    const std::string cache = folder_ + "/home/cache";
    fs::create_directory(cache);
    ::chmod(cache.c_str(), 0700);
    fs::copy_file(RunnerProcess::built_runner(), cache + "/gpustack-runner");
    RunnerProcess::Options out = options(path_in_front);
    out.program = cache + "/gpustack-runner";
    return out;
  }
  static Value shell(const std::string& script) { return Value::map({{"_raw_params", script}}); }
  /// A stand-in for a method's program, found in PATH before the real one.
  std::string method(const std::string& name, const std::string& script) const {
    const std::string file = folder_ + "/bin/" + name;
    fs::create_directories(folder_ + "/bin");
    std::ofstream(file) << "#!/bin/sh\n" << script;
    ::chmod(file.c_str(), 0755);
    return folder_ + "/bin";
  }
  static bool may_use(const char* program) {
    return ::geteuid() == 0 &&
           ::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0 &&
           ::getpwnam("nobody") != nullptr;
  }

  std::string folder_;
};

TEST_F(Become, AnotherUserThroughSudo) {
  if (!may_use("sudo")) GTEST_SKIP() << "needs root and sudo";
  RunnerProcess runner(options());
  runner.greet();

  const wire::BecomeReply reply = runner.become(1, OpenBecome{.user = "nobody"});
  const Value result = runner.run("shell", shell("id -un"), {}, 1);

  EXPECT_EQ(reply.error, "");
  EXPECT_EQ(reply.user, "nobody");
  EXPECT_EQ(result.get("stdout"), Value("nobody")) << to_repr(result);
}

TEST_F(Become, AnotherUserFromAFileOnlyItsOwnerCanReach) {
  if (!may_use("sudo")) GTEST_SKIP() << "needs root and sudo";
  RunnerProcess runner(hidden());
  runner.greet();

  const wire::BecomeReply reply = runner.become(1, OpenBecome{.user = "nobody"});
  const Value result = runner.run("shell", shell("id -un; readlink /proc/$PPID/exe"), {}, 1);

  EXPECT_EQ(reply.error, "");
  EXPECT_THAT(to_text(result.get("stdout")),
              testing::MatchesRegex("nobody\n/.*/gpustack-copy-.*/gpustack-runner \\(deleted\\)"))
      << "the copy is gone once the child runs";
}

TEST_F(Become, RemovesEveryCopyOfASecondTry) {
  if (!may_use("sudo")) GTEST_SKIP() << "needs root";
  const std::string script =
      "if [ ! -t 0 ]; then echo \"$*\" | grep -o '/[^ ]*gpustack-runner' > " + folder_ +
      "/first; echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; fi\n" +
      std::string(kAskingSudo);
  RunnerProcess runner(hidden(method("sudo", script)));
  runner.greet();

  const wire::BecomeReply reply =
      runner.become(1, OpenBecome{.user = "nobody", .password = "right"});
  std::string copy;
  std::getline(std::ifstream(folder_ + "/first"), copy);

  EXPECT_EQ(reply.error, "");
  EXPECT_THAT(copy, testing::HasSubstr("/gpustack-copy-"));
  EXPECT_FALSE(fs::exists(fs::path(copy).parent_path())) << copy;
}

TEST_F(Become, RemovesCopiesThatKilledRunnersLeft) {
  if (!may_use("sudo")) GTEST_SKIP() << "needs root and sudo";
  const std::string base = "/var/tmp/gpustack-copy-test" + std::to_string(::getpid());
  const auto make_copy = [&](const std::string& name, bool is_old) {
    const std::string folder = base + name;
    fs::create_directory(folder);
    std::ofstream(folder + "/gpustack-runner") << "a runner";
    if (is_old)
      fs::last_write_time(folder, fs::file_time_type::clock::now() - std::chrono::minutes(2));
    return folder;
  };
  const std::string stale = make_copy("a", true);
  const std::string young = make_copy("b", false);
  const std::string used = make_copy("c", true);
  const modules::Descriptor user(::open(used.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(user.get(), LOCK_EX), 0);
  RunnerProcess runner(hidden());
  runner.greet();

  const wire::BecomeReply reply = runner.become(1, OpenBecome{.user = "nobody"});

  EXPECT_EQ(reply.error, "");
  EXPECT_FALSE(fs::exists(stale));
  EXPECT_TRUE(fs::exists(young)) << "its runner may not have locked it yet";
  EXPECT_TRUE(fs::exists(used));
  for (const std::string& folder : {stale, young, used}) fs::remove_all(folder);
}

TEST_F(Become, AnotherUserThroughSu) {
  if (!may_use("su")) GTEST_SKIP() << "needs root and su";
  RunnerProcess runner(options());
  runner.greet();

  const wire::BecomeReply reply = runner.become(
      2, OpenBecome{.method = "su", .user = "nobody", .executable = {}, .flags = "-s /bin/sh"});
  const Value result = runner.run("shell",
                                  shell("id -un; head -c 2000000 /dev/zero | tr '\\0' '\\033' | wc "
                                        "-c; head -c 70000 /dev/urandom | base64 -w0"),
                                  {},
                                  2);

  EXPECT_EQ(reply.error, "");
  EXPECT_THAT(to_text(result.get("stdout")), testing::StartsWith("nobody\n2000000\n"))
      << to_repr(result).substr(0, 500);
}

TEST_F(Become, ABinaryCleanTerminal) {
  if (!may_use("su")) GTEST_SKIP() << "needs root and su";
  RunnerProcess runner(options());
  runner.greet();
  runner.become(
      2, OpenBecome{.method = "su", .user = "nobody", .executable = {}, .flags = "-s /bin/sh"});
  std::string every_byte;
  for (int i = 0; i < 200'000; ++i) every_byte += static_cast<char>('\x01' + i % 255);

  const Value result = runner.run(
      "shell",
      Value::map(
          {{"_raw_params", "sha256sum"}, {"stdin", every_byte}, {"stdin_add_newline", false}}),
      {},
      2);

  EXPECT_EQ(to_text(result.get("stdout")).substr(0, 64),
            modules::hash_bytes(modules::Algorithm::sha256, every_byte));
}

TEST_F(Become, TheSameUserWithoutAnyMethod) {
  const auto no_sudo = method("sudo", "exit 9\n");
  RunnerProcess runner(options(no_sudo));
  runner.greet();
  const std::string me = ::getpwuid(::geteuid())->pw_name;

  const wire::BecomeReply reply = runner.become(1, OpenBecome{.user = me});

  EXPECT_EQ(reply.error, "");
  EXPECT_EQ(reply.uid, ::geteuid());
  EXPECT_EQ(reply.command, "");
}

TEST_F(Become, KeepsTheOrderOfTasksAcrossLanes) {
  if (!may_use("sudo")) GTEST_SKIP() << "needs root and sudo";
  RunnerProcess runner(options());
  runner.greet();
  const std::string log = folder_ + "/log";
  std::ofstream(log) << "";
  ::chmod(log.c_str(), 0666);
  runner.send(wire::make_open_become(1, OpenBecome{.user = "nobody"}));

  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 6; ++i) {
    const std::string nap = i % 2 == 0 ? "sleep 0.1; " : "";
    ids.push_back(runner.task("shell",
                              shell(nap + "echo " + std::to_string(i) + " >> " + log),
                              {},
                              static_cast<std::uint16_t>(i % 2)));
  }
  for (const std::uint32_t id : ids) EXPECT_EQ(runner.result(id).get("rc"), Value(0));

  std::ifstream in(log);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "0\n1\n2\n3\n4\n5\n");
}

TEST_F(Become, SkipsTasksOfEveryLaneBehindAFailure) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string me = ::getpwuid(::geteuid())->pw_name;
  runner.become(1, OpenBecome{.user = me});

  const auto failing = runner.task(
      "shell", shell("exit 1"), [](Task& task) { task.barrier = true; }, 1);
  const auto behind = runner.task("shell", shell("echo no"));
  const auto behind_in_lane = runner.task("shell", shell("echo no"), {}, 1);

  EXPECT_EQ(runner.result(failing).get("failed"), Value(true));
  EXPECT_EQ(runner.result(behind).get("skipped_epoch"), Value(true));
  EXPECT_EQ(runner.result(behind_in_lane).get("skipped_epoch"), Value(true));
}

TEST_F(Become, CarriesContentToAChild) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string me = ::getpwuid(::geteuid())->pw_name;
  runner.become(1, OpenBecome{.user = me});
  const std::string script = "#!/bin/sh\necho '{\"said\": 1}'\n";
  const std::string hash = modules::hash_bytes(modules::Algorithm::sha256, script);

  const auto id = runner.task(
      "__library__",
      Value::map(
          {{"name", "p"}, {"content", Value::map({{"sha256", hash}, {"size", script.size()}})}}),
      {},
      1);
  const auto need = runner.receive(FrameType::need_content);
  ASSERT_TRUE(need);
  EXPECT_EQ(need->lane, 1);
  runner.send(Frame{FrameType::content, 0, 1, id, script});
  runner.send(wire::make_frame(FrameType::content_end, 1, id, wire::ContentEnd()));
  const auto ack = runner.receive(FrameType::content_ack);
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->lane, 1);

  EXPECT_EQ(runner.result(id).get("said"), Value(1));
}

TEST_F(Become, StopsATaskOfAChild) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string me = ::getpwuid(::geteuid())->pw_name;
  runner.become(1, OpenBecome{.user = me});
  const auto id = runner.task("shell", shell("sleep 60"), {}, 1);

  runner.send(Frame{FrameType::cancel, 0, 1, id, {}});

  EXPECT_EQ(runner.result(id).get("cancelled"), Value(true));
}

TEST_F(Become, SendsThePasswordWhenAsked) {
  RunnerProcess runner(options(method("sudo", kAskingSudo)));
  runner.greet();

  const wire::BecomeReply reply =
      runner.become(1, OpenBecome{.user = "nobody", .password = "right"});

  EXPECT_EQ(reply.error, "");
  EXPECT_EQ(runner.run("shell", shell("echo in"), {}, 1).get("stdout"), Value("in"));
}

TEST_F(Become, TheSameUserThroughTheMethodWhereThatIsWanted) {
  RunnerProcess runner(options(method("sudo", kAskingSudo)));
  runner.greet();
  const std::string me = ::getpwuid(::geteuid())->pw_name;

  const wire::BecomeReply reply =
      runner.become(1, OpenBecome{.user = me, .password = "right", .same_user = true});

  EXPECT_EQ(reply.error, "");
  EXPECT_THAT(reply.command, testing::StartsWith("sudo -H -S -p '[gs-"));
}

TEST_F(Become, ReportsTheCommandThatWasRefused) {
  RunnerProcess runner(options(method("sudo", "echo 'sudo: not you' >&2; exit 1\n")));
  runner.greet();

  const wire::BecomeReply reply = runner.become(1, OpenBecome{.user = "nobody"});

  EXPECT_NE(reply.error, "");
  EXPECT_THAT(reply.command, testing::StartsWith("sudo -H -S -n -u nobody -- /"));
}

TEST_F(Become, TriesAWrongPasswordOnce) {
  RunnerProcess runner(options(method("sudo", kAskingSudo)));
  runner.greet();

  const wire::BecomeReply reply =
      runner.become(1, OpenBecome{.user = "nobody", .password = "wrong"});
  const Value result = runner.run("shell", shell("echo in"), {}, 1);

  EXPECT_EQ(reply.error_code, "GS5008");
  EXPECT_THAT(reply.error, testing::HasSubstr("incorrect sudo password"));
  EXPECT_THAT(reply.error, testing::Not(testing::HasSubstr("wrong")));
  EXPECT_EQ(result.get("failed"), Value(true));
  EXPECT_EQ(result.get("msg"), Value(reply.error));
}

TEST_F(Become, ShowsWhatSudoSays) {
  RunnerProcess runner(
      options(method("sudo", "echo 'sudo: a password is required' >&2; exit 1\n")));
  runner.greet();

  const wire::BecomeReply reply = runner.become(1, OpenBecome{.user = "nobody"});

  EXPECT_EQ(reply.error,
            "cannot become 'nobody' with sudo: missing sudo password; it said: sudo: a password is "
            "required");
}

TEST_F(Become, GivesATerminalToASudoThatWantsOne) {
  const std::string script =
      "if [ ! -t 0 ]; then echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; fi\n" +
      std::string(kAskingSudo);
  RunnerProcess runner(options(method("sudo", script)));
  runner.greet();

  const wire::BecomeReply reply =
      runner.become(1, OpenBecome{.user = "nobody", .password = "right"});

  EXPECT_EQ(reply.error, "");
  EXPECT_EQ(runner.run("shell", shell("echo in"), {}, 1).get("stdout"), Value("in"));
}

TEST_F(Become, AnswersSuOnATerminal) {
  RunnerProcess runner(
      options(method("su",
                     "printf 'Passwort: '; IFS= read -r word; echo; [ \"$word\" = right ] || { "
                     "echo 'su: Authentication failure'; exit 1; }; shift; exec sh \"$@\"\n")));
  runner.greet();

  const wire::BecomeReply good =
      runner.become(1, OpenBecome{.method = "su", .user = "nobody", .password = "right"});
  const wire::BecomeReply bad =
      runner.become(2, OpenBecome{.method = "su", .user = "nobody", .password = "wrong"});
  const wire::BecomeReply none = runner.become(3, OpenBecome{.method = "su", .user = "nobody"});

  EXPECT_EQ(good.error, "");
  EXPECT_THAT(bad.error, testing::HasSubstr("incorrect su password"));
  EXPECT_THAT(none.error, testing::HasSubstr("missing su password"));
}

TEST_F(Become, PassesFlagsToDoas) {
  RunnerProcess runner(
      options(method("doas",
                     "echo \"$@\" > " + folder_ +
                         "/seen; while [ \"$1\" != -u ]; do shift; done; shift 2; exec \"$@\"\n")));
  runner.greet();

  const wire::BecomeReply reply = runner.become(
      1, OpenBecome{.method = "doas", .user = "nobody", .executable = {}, .flags = "-C /x"});
  std::ifstream in(folder_ + "/seen");
  const std::string seen(std::istreambuf_iterator<char>(in), {});

  EXPECT_EQ(reply.error, "");
  EXPECT_THAT(seen, testing::StartsWith("-C /x -n -u nobody "));
}

TEST_F(Become, RefusesUnknownMethodsAndOddUsers) {
  RunnerProcess runner(options());
  runner.greet();

  EXPECT_THAT(runner.become(1, OpenBecome{.method = "magic", .user = "nobody"}).error,
              testing::HasSubstr("unknown become method 'magic'"));
  EXPECT_THAT(runner.become(2, OpenBecome{.user = "-x"}).error,
              testing::HasSubstr("not a user name"));
}

TEST_F(Become, EndsChildrenWithTheController) {
  if (!may_use("sudo")) GTEST_SKIP() << "needs root and sudo";
  RunnerProcess runner(options());
  runner.greet();
  runner.become(1, OpenBecome{.user = "nobody"});
  const Value started = runner.run("shell", shell("echo $PPID"), {}, 1);
  const pid_t child = std::stoi(to_text(started.get("stdout")));

  runner.close_input();

  EXPECT_EQ(runner.wait(), 0);
  EXPECT_NE(::kill(child, 0), 0);
}

}  // namespace
}  // namespace gpustack
