#include "core/transport/bootstrap.hpp"

#include "core/transport/gzip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gpustack::transport {
namespace {

using Kind = BootstrapAnswer::Kind;

BootstrapAnswer read_one(BootstrapReader& reader, std::string_view text) {
  for (const char letter : text) {
    Result<std::optional<BootstrapAnswer>> answer = reader.feed(std::string_view(&letter, 1));
    if (answer && *answer) return **answer;
  }
  ADD_FAILURE() << "no answer in " << text;
  return {};
}

TEST(BootstrapReader, PutsGreetingsAsideAndKeepsTheRunnersBytes) {
  BootstrapReader reader;

  const auto answer =
      reader.feed(std::string_view("Welcome!\nno line endGPUSTACK-READY abc\nframe\0bytes", 46));

  ASSERT_TRUE(answer.has_value() && answer->has_value());
  EXPECT_EQ((*answer)->kind, Kind::ready);
  EXPECT_EQ(reader.noise(), "Welcome!\nno line end");
  EXPECT_EQ(reader.take_rest().substr(0, 5), "frame");
}

TEST(BootstrapReader, ReadsAnswersThatArriveByteByByte) {
  BootstrapReader reader;

  const BootstrapAnswer need = read_one(reader, "GPUSTACK-NEED aarch64 3\r\n");
  const BootstrapAnswer packs = read_one(reader, "GPUSTACK-NEED aarch64 3 gzip\n");
  const BootstrapAnswer fail = read_one(reader, "GPUSTACK-FAIL short 2 5 of 9 bytes in /x\n");

  EXPECT_EQ(need.kind, Kind::need);
  EXPECT_EQ(need.architecture, "aarch64");
  EXPECT_EQ(need.folder, 3);
  EXPECT_FALSE(need.unpacks);
  EXPECT_TRUE(packs.unpacks);
  EXPECT_EQ(fail.kind, Kind::fail);
  EXPECT_EQ(fail.folder, 2);
  EXPECT_EQ(fail.reason, "short 2 5 of 9 bytes in /x");
}

TEST(BootstrapReader, GivesUpAfterTooMuchNoise) {
  BootstrapReader reader;
  const std::string noise(70'000, 'x');

  const auto answer = reader.feed(noise);

  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::protocol);
}

/// Runs the real command under a shell, with a runner that is a shell script.
class BootstrapCommand : public testing::Test {
 protected:
  BootstrapCommand() {
    char folder[] = "/tmp/gpustack-bs-XXXXXX";
    folder_ = ::mkdtemp(folder);
    runner_path_ = folder_ + "/runner";
    std::ofstream(runner_path_)
        << "#!/bin/sh\n[ \"$1\" = version ] && exit 0\necho \"started $1 $2\"\ncat\n";
    EXPECT_TRUE(store_.add(runner_path_).has_value());
  }
  ~BootstrapCommand() override { std::filesystem::remove_all(folder_); }

  std::string run(const std::string& shell,
                  const BootstrapRequest& request,
                  const std::string& input,
                  const std::string& before = {},
                  const std::string& after = {}) {
    std::string command = bootstrap_command(store_, request);
    for (const std::string place :
         {"=/var/tmp/", "=/dev/shm/", "=/tmp/"}) {  // the test leaves the machine's own alone
      command.replace(command.find(place), place.size(), "=" + folder_ + "/other/");
    }
    std::string path;
    if (shell.starts_with("busybox")) {  // its own commands too, in place of coreutils
      std::filesystem::create_directories(folder_ + "/bin");
      EXPECT_EQ(std::system(("busybox --install -s " + folder_ + "/bin 2>/dev/null").c_str()), 0);
      path = "PATH=" + folder_ + "/bin:$PATH ";
      command.replace(command.find("/bin/sh"), 7, "busybox sh");
    }
    std::ofstream(folder_ + "/command") << command;
    std::ofstream(folder_ + "/input") << input;
    const std::string line = before + path + "HOME=" + folder_ + "/home " + shell + " -c \"$(cat " +
                             folder_ + "/command)\" <" + folder_ + "/input 2>" + folder_ +
                             "/stderr" + after;
    std::string output;
    FILE* pipe = ::popen(line.c_str(), "r");
    char piece[4096];
    while (std::size_t count = ::fread(piece, 1, sizeof piece, pipe)) output.append(piece, count);
    ::pclose(pipe);
    return output;
  }

  const RunnerBinary& binary() const { return *store_.local(); }

  std::string folder_;
  std::string runner_path_;
  RunnerStore store_;
};

class BootstrapShells : public BootstrapCommand, public testing::WithParamInterface<const char*> {};

TEST_P(BootstrapShells, UploadsOnceAndStartsFromTheCacheAfterwards) {
  const std::string shell = GetParam();
  const std::string name = shell.substr(0, shell.find(' '));
  if (std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP() << name << " is not installed";
  std::filesystem::create_directories(folder_ + "/home");
  const std::string ready = "GPUSTACK-READY " + binary().sha256 + "\nstarted serve --hash\n";

  const std::string first =
      run(shell, {.bytes_ahead = 5}, "hello" + upload_header(0) + *binary().read() + "frames");
  const std::string second = run(shell, {.bytes_ahead = 5}, "hello");

  EXPECT_EQ(first, "GPUSTACK-NEED " + binary().architecture + " 1 gzip\n" + ready + "frames");
  EXPECT_EQ(second, ready + "hello");
}

TEST_P(BootstrapShells, UnpacksWhatIsUploaded) {
  const std::string shell = GetParam();
  const std::string name = shell.substr(0, shell.find(' '));
  if (std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP() << name << " is not installed";
  std::filesystem::create_directories(folder_ + "/home");
  const std::string packed = *gzip(*binary().read());

  const std::string output =
      run(shell, {.bytes_ahead = 5}, "hello" + upload_header(packed.size()) + packed + "frames");

  EXPECT_EQ(output,
            "GPUSTACK-NEED " + binary().architecture + " 1 gzip\nGPUSTACK-READY " +
                binary().sha256 + "\nstarted serve --hash\nframes");
}

INSTANTIATE_TEST_SUITE_P(Shells,
                         BootstrapShells,
                         testing::Values("sh", "bash", "busybox sh", "zsh", "tcsh", "fish"));

TEST_F(BootstrapCommand, TakesTheNextFolderWhenHomeCannotBeWritten) {
  // A file where the home should be: nobody, root included, can make a folder below it.
  std::ofstream(folder_ + "/home") << "";

  const std::string output = run("sh", {}, "");

  EXPECT_THAT(output, testing::StartsWith("GPUSTACK-NEED " + binary().architecture + " 2 gzip\n"));
}

TEST_F(BootstrapCommand, DoesNotTrustAFolderThatOthersMayWrite) {
  const std::string cache = folder_ + "/home/.cache/gpustack";
  std::filesystem::create_directories(cache + "/" + binary().sha256);
  std::filesystem::copy(runner_path_, cache + "/" + binary().sha256 + "/runner");
  std::filesystem::permissions(cache + "/" + binary().sha256 + "/runner",
                               std::filesystem::perms::owner_all);
  std::filesystem::permissions(cache, std::filesystem::perms::all);

  const std::string output = run("sh", {}, "");

  EXPECT_THAT(output, testing::StartsWith("GPUSTACK-NEED " + binary().architecture + " 2 gzip\n"));
}

TEST_F(BootstrapCommand, StartsACachedRunnerBehindOneProcess) {
  std::filesystem::create_directories(folder_ + "/home");
  run("sh", {}, upload_header(0) + *binary().read());
  // Nothing else can be started.
  std::filesystem::create_directories(folder_ + "/bin");
  for (const std::string name : {"ls", "cat"})
    std::filesystem::create_symlink("/bin/" + name, folder_ + "/bin/" + name);

  const std::string output = run("/bin/sh", {}, "hello", "PATH=" + folder_ + "/bin ");

  EXPECT_EQ(output, "GPUSTACK-READY " + binary().sha256 + "\nstarted serve --hash\nhello");
}

TEST_F(BootstrapCommand, AsksForTheArchitectureWhereTheHomeHasRunnersOfTwo) {
  const std::string foreign = folder_ + "/foreign";
  const bool is_arm = binary().architecture == "aarch64";
  std::string header = std::string("\x7f") + "ELF" + std::string(60, '\0');
  header[18] = static_cast<char>(is_arm ? 62 : 183);  // e_machine
  std::ofstream(foreign) << header;
  const std::string name = is_arm ? "x86_64" : "aarch64";
  ASSERT_TRUE(store_.add(name, foreign).has_value());
  std::filesystem::create_directories(folder_ + "/home");
  run("sh", {}, upload_header(0) + *binary().read());
  const std::string place = folder_ + "/home/.cache/gpustack/" + store_.find(name)->sha256;
  std::filesystem::create_directories(place);
  std::filesystem::copy(foreign, place + "/runner");
  std::filesystem::permissions(place + "/runner", std::filesystem::perms::owner_all);

  EXPECT_EQ(run("sh", {}, "hello"),
            "GPUSTACK-READY " + binary().sha256 + "\nstarted serve --hash\nhello");
}

TEST_F(BootstrapCommand, ReportsAnUploadThatIsCutShort) {
  std::filesystem::create_directories(folder_ + "/home");

  const std::string output = run("sh", {}, upload_header(0) + "half");

  EXPECT_THAT(output, testing::HasSubstr("GPUSTACK-FAIL short 1 4 of "));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/home/.cache/gpustack"));
}

TEST_F(BootstrapCommand, RefusesAPackedUploadThatIsCutShortOrDamaged) {
  std::filesystem::create_directories(folder_ + "/home");
  const std::string packed = *gzip(*binary().read());
  const std::string half = packed.substr(0, packed.size() / 2);

  EXPECT_THAT(run("sh", {}, upload_header(packed.size()) + half),
              testing::HasSubstr("GPUSTACK-FAIL short 1 "));
  EXPECT_THAT(run("sh", {}, upload_header(packed.size()) + std::string(packed.size(), 'x')),
              testing::HasSubstr("GPUSTACK-FAIL short 1 "));
  EXPECT_THAT(run("sh", {}, ""), testing::HasSubstr("GPUSTACK-FAIL short 1 0 of "));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/home/.cache/gpustack"));
}

TEST_F(BootstrapCommand, AsksForItAsItIsWithoutGzip) {
  std::filesystem::create_directories(folder_ + "/home");
  std::filesystem::create_directories(folder_ + "/bin");
  ASSERT_EQ(std::system(("busybox --install -s " + folder_ + "/bin 2>/dev/null").c_str()), 0);
  std::filesystem::remove(folder_ + "/bin/gzip");

  const std::string output =
      run("sh", {}, upload_header(0) + *binary().read() + "frames", "PATH=" + folder_ + "/bin ");

  EXPECT_EQ(output,
            "GPUSTACK-NEED " + binary().architecture + " 1\nGPUSTACK-READY " + binary().sha256 +
                "\nstarted serve --hash\nframes");
}

TEST_F(BootstrapCommand, RefusesBytesWithAnotherHash) {
  std::filesystem::create_directories(folder_ + "/home");
  const std::string wrong(binary().size, 'x');

  EXPECT_THAT(run("sh", {}, upload_header(0) + wrong), testing::HasSubstr("GPUSTACK-FAIL hash 1"));
}

TEST_F(BootstrapCommand, KeepsTheNewestRunnersAndOtherUploads) {
  const std::string cache = folder_ + "/home/.cache/gpustack";
  std::filesystem::create_directories(cache);
  std::filesystem::permissions(cache, std::filesystem::perms::owner_all);
  for (int i = 0; i < 6; ++i) {
    std::filesystem::create_directories(cache + "/old" + std::to_string(i));
    std::ofstream(cache + "/up." + std::to_string(i)) << "";
  }

  run("sh", {}, upload_header(0) + *binary().read());

  int runners = 0;
  int uploads = 0;
  for (const auto& entry : std::filesystem::directory_iterator(cache))
    ++(entry.is_directory() ? runners : uploads);
  EXPECT_EQ(runners, 4);
  EXPECT_EQ(uploads, 6);
  EXPECT_TRUE(std::filesystem::exists(cache + "/" + binary().sha256 + "/runner"));
}

TEST_F(BootstrapCommand, LeavesNoUploadWhenNobodyTakesItsAnswer) {
  const std::string cache = folder_ + "/home/.cache/gpustack";
  std::filesystem::create_directories(folder_ + "/home");

  // Long enough for `true` to end, so that the first answer meets a closed pipe.
  run("sh", {}, upload_header(0) + *binary().read(), "{ sleep 0.3; ", "; } | true");

  ASSERT_TRUE(std::filesystem::exists(cache)) << "the bootstrap did not get as far as the answer";
  EXPECT_TRUE(std::filesystem::is_empty(cache));
}

TEST_F(BootstrapCommand, IgnoresTheCacheWhenAskedTo) {
  std::filesystem::create_directories(folder_ + "/home");
  run("sh", {}, upload_header(0) + *binary().read());

  EXPECT_THAT(run("sh", {.ignores_cache = true}, ""), testing::StartsWith("GPUSTACK-NEED"));
}

TEST_F(BootstrapCommand, NamesAnArchitectureWithoutRunner) {
  RunnerStore other;
  store_ = other;

  EXPECT_THAT(run("sh", {}, ""), testing::StartsWith("GPUSTACK-FAIL architecture "));
}

}  // namespace
}  // namespace gpustack::transport
