#include "modules/sdk/real_system.hpp"

#include "modules/sdk/connect.hpp"
#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/output_buffer.hpp"
#include "modules/sdk/scratch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace gpustack::modules {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class RealSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/gpustack-real-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    system_ = std::make_unique<RealSystem>(options());
  }
  void TearDown() override { fs::remove_all(folder_); }

  static RealSystemOptions options() {
    RealSystemOptions out;
    out.environment = process_environment();
    out.queries = "cat, /bin/echo hello, sh -c";
    return out;
  }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void place(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  std::string text(const std::string& name) const {
    const auto read = system_->read(path(name));
    return read ? *read : "<" + read.error().message() + ">";
  }
  std::size_t files() const { return system_->list(folder_)->size(); }
  Result<CommandResult> shell(const std::string& script) {
    return system_->run(Command{.argv = {"sh", "-c", script}});
  }

  std::string folder_;
  std::unique_ptr<RealSystem> system_;
};

TEST_F(RealSystemTest, WritesANewFileWithTheWantedMode) {
  WriteOptions wanted;
  wanted.mode = 0640;

  const auto report = system_->write(path("x"), Content::of("hello"), wanted);

  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(text("x"), "hello");
  EXPECT_EQ((*system_->stat(path("x")))->mode, 0640U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(RealSystemTest, KeepsModeOfTheFileItReplaces) {
  place("x", "old");
  ::chmod(path("x").c_str(), 0601);

  ASSERT_TRUE(system_->write(path("x"), Content::of("new"), {}));

  EXPECT_EQ(text("x"), "new");
  EXPECT_EQ((*system_->stat(path("x")))->mode, 0601U);
}

TEST_F(RealSystemTest, WritesThroughALinkUnlessToldNotTo) {
  place("target", "old");
  ASSERT_TRUE(system_->make_symlink("target", path("link")));

  ASSERT_TRUE(system_->write(path("link"), Content::of("through"), {}));
  EXPECT_EQ(text("target"), "through");
  EXPECT_EQ(*system_->read_link(path("link")), "target");

  WriteOptions replace;
  replace.follow = false;
  ASSERT_TRUE(system_->write(path("link"), Content::of("replaced"), replace));
  EXPECT_EQ(text("target"), "through");
  EXPECT_EQ((*system_->lstat(path("link")))->kind, FileKind::regular);
}

TEST_F(RealSystemTest, KeepsABackup) {
  place("x", "old");
  WriteOptions wanted;
  wanted.backup = true;

  const auto report = system_->write(path("x"), Content::of("new"), wanted);

  ASSERT_TRUE(report);
  EXPECT_EQ(*system_->read(report->backup_file), "old");
  EXPECT_EQ(text("x"), "new");
}

TEST_F(RealSystemTest, LeavesTheOldFileWhenValidationFails) {
  place("x", "old");
  WriteOptions wanted;
  wanted.validate = {"grep", "good", "%s"};

  const auto refused = system_->write(path("x"), Content::of("bad"), wanted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(text("x"), "old");
  EXPECT_EQ(files(), 1U);

  EXPECT_TRUE(system_->write(path("x"), Content::of("good"), wanted));
  EXPECT_EQ(text("x"), "good");
}

TEST_F(RealSystemTest, FetchesContentInPiecesAndChecksItsHash) {
  RealSystemOptions with_hook = options();
  std::string served = "served bytes";
  with_hook.hooks.fetch_content = [&](const Content&,
                                      const SystemHooks::Sink& sink) -> Result<void> {
    for (const char c : served) GS_TRY_VOID(sink(std::string_view(&c, 1)));
    return {};
  };
  RealSystem system(std::move(with_hook));
  Content content = Content::of(served);
  content.bytes.clear();
  content.is_inline = false;

  ASSERT_TRUE(system.write(path("x"), content, {}));
  served = "other bytes!";
  const auto refused = system.write(path("y"), content, {});

  EXPECT_EQ(text("x"), "served bytes");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::content_missing);
  EXPECT_EQ(files(), 1U);
}

TEST_F(RealSystemTest, SaysWhatAFullDiskNeedsAndHas) {
  const std::string mount = path("small");
  fs::create_directory(mount);
  if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting a small file system needs root";
  std::ofstream(mount + "/x") << "old";

  const auto refused = system_->write(mount + "/x", Content::of(std::string(2U << 20U, 'a')), {});
  const std::string left = *system_->read(mount + "/x");
  const std::size_t count = system_->list(mount)->size();
  ::umount(mount.c_str());

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::no_space);
  EXPECT_NE(refused.error().message().find("needs 2097152 bytes"), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(left, "old");
  EXPECT_EQ(count, 1U);
}

TEST_F(RealSystemTest, ExplainsAFileThatCannotBeReplaced) {
  place("x", "old");
  place("source", "mounted");
  if (::mount(path("source").c_str(), path("x").c_str(), nullptr, MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "a bind mount needs root";
  }
  WriteOptions in_place;
  in_place.unsafe_writes = true;

  const auto refused = system_->write(path("x"), Content::of("new"), {});
  const auto written = system_->write(path("x"), Content::of("new"), in_place);
  const std::string now = text("source");
  ::umount(path("x").c_str());

  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("it is a mount point"), std::string::npos)
      << refused.error().message();
  EXPECT_TRUE(written);
  EXPECT_EQ(now, "new");
}

TEST_F(RealSystemTest, RemovesATreeWithoutFollowingLinks) {
  fs::create_directories(path("tree/a/b"));
  place("outside", "stay");
  fs::create_directory(path("folder"));
  place("folder/inner", "stay");
  fs::create_symlink(path("folder"), path("tree/a/link"));
  fs::create_symlink(path("outside"), path("tree/link"));

  ASSERT_TRUE(system_->remove_tree(path("tree")));

  EXPECT_FALSE(fs::exists(path("tree")));
  EXPECT_EQ(text("outside"), "stay");
  EXPECT_EQ(text("folder/inner"), "stay");
}

TEST_F(RealSystemTest, ReplacesLinksAtomically) {
  ASSERT_TRUE(system_->make_symlink("one", path("link")));
  ASSERT_TRUE(system_->make_symlink("two", path("link")));

  EXPECT_EQ(*system_->read_link(path("link")), "two");
  EXPECT_EQ(files(), 1U);
}

TEST_F(RealSystemTest, ReportsAbsentFilesAsAbsent) {
  place("file", "");

  EXPECT_FALSE(system_->stat(path("none"))->has_value());
  EXPECT_FALSE(system_->stat(path("file/below"))->has_value());
  EXPECT_EQ(*system_->real_path(path("none")), path("none"));
  const auto missing = system_->read(path("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::file_operation);
}

TEST_F(RealSystemTest, RunsAProgramWithInputAndEnvironment) {
  Command command{.argv = {"sh", "-c", "cat; echo $NAME >&2; pwd; exit 3"},
                  .input = "in\n",
                  .directory = folder_};
  command.environment["NAME"] = "value";

  const auto done = system_->run(command);

  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->status, 3);
  EXPECT_EQ(done->output, "in\n" + folder_ + "\n");
  EXPECT_EQ(done->errors, "value\n");
}

TEST_F(RealSystemTest, SaysWhichProgramIsMissing) {
  const auto absent = system_->run(Command{.argv = {"no-such-program-here"}});
  const auto not_executable = system_->run(Command{.argv = {"/etc/passwd"}});

  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code(), ErrorCode::command_failed);
  EXPECT_NE(absent.error().message().find("'no-such-program-here'"), std::string::npos);
  ASSERT_FALSE(not_executable);
  EXPECT_NE(not_executable.error().message().find("permission denied"), std::string::npos);
}

TEST_F(RealSystemTest, EndsTheWholeProcessGroupAtTheTimeout) {
  Command command{.argv = {"sh", "-c", "sleep 60 & echo $!; sleep 60"},
                  .timeout = milliseconds(200)};

  const auto done = system_->run(command);

  ASSERT_TRUE(done);
  EXPECT_TRUE(done->timed_out);
  EXPECT_EQ(done->signal, SIGTERM);
  const pid_t child = std::stoi(done->output);
  for (int i = 0; i < 100 && ::kill(child, 0) == 0; ++i) std::this_thread::yield();
  std::ifstream stat_file("/proc/" + std::to_string(child) + "/stat");
  std::string word;
  std::string state = "gone";
  if (stat_file >> word >> word) stat_file >> state;
  EXPECT_TRUE(state == "gone" || state == "Z") << state;
}

TEST_F(RealSystemTest, DoesNotWaitForChildrenLeftBehind) {
  const auto before = std::chrono::steady_clock::now();

  const auto done = shell("sleep 30 & echo started");

  ASSERT_TRUE(done);
  EXPECT_EQ(done->output, "started\n");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
}

TEST_F(RealSystemTest, StopsAtACancelUnlessTheCommandMustFinish) {
  Pipe cancel = *make_pipe();
  RealSystemOptions with_cancel = options();
  with_cancel.hooks.cancel_descriptor = cancel.read_end.get();
  RealSystem system(std::move(with_cancel));
  ASSERT_EQ(write_fully(cancel.write_end.get(), "x"), 0);

  const auto stopped = system.run(Command{.argv = {"sleep", "60"}});
  const auto finished =
      system.run(Command{.argv = {"sh", "-c", "sleep 0.05; echo done"}, .must_finish = true});
  const auto woken = system.sleep(milliseconds(60'000));

  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::cancelled);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->output, "done\n");
  ASSERT_FALSE(woken);
  EXPECT_EQ(woken.error().code(), ErrorCode::cancelled);
}

TEST_F(RealSystemTest, StopsTheChildrenThatOutliveACancelledCommand) {
  Pipe cancel = *make_pipe();
  Pipe held = *make_pipe();
  RealSystemOptions with_cancel = options();
  with_cancel.hooks.cancel_descriptor = cancel.read_end.get();
  RealSystem system(std::move(with_cancel));
  // The child is deaf, and has said so before the cancel; its leader goes at once.
  ::fcntl(held.write_end.get(), F_SETFD, 0);
  const std::string ready = "/proc/self/fd/" + std::to_string(held.write_end.get());
  std::thread canceller([&] {
    char byte = 0;
    EXPECT_EQ(::read(held.read_end.get(), &byte, 1), 1);
    EXPECT_EQ(write_fully(cancel.write_end.get(), "x"), 0);
  });

  const auto stopped = system.run(Command{
      .argv = {"sh", "-c", "(trap '' TERM; echo >" + ready + "; exec sleep 60) & exec sleep 61"}});

  canceller.join();
  held.write_end.reset();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::cancelled);
  // The last writer of the pipe is gone: every process that had it has ended.
  char byte = 0;
  pollfd wanted{held.read_end.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&wanted, 1, 2000), 1);
  EXPECT_EQ(::read(held.read_end.get(), &byte, 1), 0);
}

TEST_F(RealSystemTest, ShowsLiveOutputOnlyWhenTheCommandShares) {
  std::string seen;
  RealSystemOptions with_output = options();
  with_output.hooks.output = [&](std::string_view stream, std::string_view piece) {
    seen.append(stream).append(":").append(piece);
  };
  RealSystem system(std::move(with_output));

  ASSERT_TRUE(system.run(Command{.argv = {"echo", "quiet"}}));
  ASSERT_TRUE(system.run(Command{.argv = {"echo", "loud"}, .shares_output = true}));

  EXPECT_EQ(seen, "stdout:loud\n");
}

TEST_F(RealSystemTest, RunsOnlyDeclaredQueries) {
  place("x", "text");

  EXPECT_EQ(system_->query(Command{.argv = {"cat", path("x")}})->output, "text");
  EXPECT_TRUE(system_->query(Command{.argv = {"/bin/echo", "hello", "you"}}));
  const auto refused = system_->query(Command{.argv = {"/bin/echo", "bye"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::bug);
}

TEST_F(RealSystemTest, LendsAQueryAFolderUntilItEnds) {
  Command command{.argv = {"sh",
                           "-c",
                           "mkdir -p $WHERE/a/b && echo x > $WHERE/a/b/c && "
                           "stat -c %a $WHERE && echo $WHERE"}};
  command.environment["WHERE"] = kScratchFolder;

  const auto done = system_->query(command);

  ASSERT_TRUE(done) << done.error().message();
  ASSERT_EQ(done->status, 0) << done->errors;
  EXPECT_EQ(done->output.substr(0, 5), "700\n/");
  const std::string folder = done->output.substr(4, done->output.size() - 5);
  EXPECT_FALSE(fs::exists(folder)) << folder;
  EXPECT_TRUE(fs::exists(fs::path(folder).parent_path()));
}

TEST_F(RealSystemTest, StartsCommandsThatOutliveIt) {
  const auto pid =
      system_->start_detached(Command{.argv = {"sh", "-c", "echo alive > " + path("x")}});

  ASSERT_TRUE(pid) << pid.error().message();
  EXPECT_GT(*pid, 1);
  for (int i = 0; i < 500 && text("x") != "alive\n"; ++i) ::usleep(10'000);
  EXPECT_EQ(text("x"), "alive\n");
}

TEST_F(RealSystemTest, ConnectsToLiteralAddresses) {
  EXPECT_EQ(resolve_host(*system_, "127.0.0.1", milliseconds(10)),
            std::vector<std::string>{"127.0.0.1"});
  EXPECT_FALSE(system_->can_connect("127.0.0.1", 1, milliseconds(200)));
}

TEST(OutputBuffer, KeepsHeadAndTail) {
  OutputBuffer buffer(8);
  for (int i = 0; i < 10; ++i) buffer.append("0123456789");

  EXPECT_EQ(buffer.take(), "0123\n[... 92 bytes left out ...]\n6789");
}

TEST(OutputBuffer, KeepsEverythingWithinTheLimit) {
  OutputBuffer buffer(8);
  buffer.append("012345");
  buffer.append("67");

  EXPECT_EQ(buffer.take(), "01234567");
}

}  // namespace
}  // namespace gpustack::modules
