// Contents on their way to a real runner, and files on their way back: what is asked for, what is
// taken, and what a broken or hostile controller brings about.

#include "core/wire/packing.hpp"
#include "modules/builtin/support/tree_list.hpp"
#include "modules/sdk/module.hpp"
#include "tests/functional/runner/runner_fixture.hpp"

#include <sys/stat.h>

#include <csignal>

namespace gpustack {
namespace {

namespace fs = std::filesystem;
using modules::Content;
using test::Runner;
using test::RunnerProcess;
using wire::Frame;
using wire::FrameType;

std::string noise_of(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : out) {
    state = state * 1'664'525U + 1'013'904'223U;
    byte = static_cast<char>(state >> 24U);
  }
  return out;
}

Value by_hash(const std::string& bytes) {
  return Value::map(
      {{"sha256", modules::hash_bytes(modules::Algorithm::sha256, bytes)}, {"size", bytes.size()}});
}

class RunnerContent : public Runner {
 protected:
  [[nodiscard]] Value copy_of(const std::string& bytes, const std::string& name = "file") const {
    return Value::map({{"dest", path(name)}, {"_content", by_hash(bytes)}});
  }
  /// A folder of files with these contents, asked for by hash.
  [[nodiscard]] Value folder_of(const std::map<std::string, std::string>& files) const {
    std::vector<modules::TreeEntry> entries;
    modules::HashList hashes;
    for (const auto& [name, bytes] : files) {
      modules::TreeEntry entry;
      entry.path = name;
      entry.size = bytes.size();
      entries.push_back(entry);
      hashes.add(modules::hash_bytes(modules::Algorithm::sha256, bytes));
    }
    Value hash_list = Content::of(hashes.bytes()).to_value();
    return Value::map(
        {{"dest", path("tree/")}, {"_tree", modules::write_tree(entries)}, {"_hashes", hash_list}});
  }
  [[nodiscard]] std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::vector<wire::NeedContent::Wanted> wanted(RunnerProcess& runner) {
    const auto frame = runner.receive(FrameType::need_content);
    if (!frame) return {};
    const auto need = wire::NeedContent::parse(*frame);
    return need ? need->contents : std::vector<wire::NeedContent::Wanted>();
  }
  static void send_piece(RunnerProcess& runner, std::uint32_t id, std::string bytes, bool packed) {
    Frame frame{FrameType::content, 0, 0, id, std::move(bytes)};
    if (packed) {
      if (auto smaller = wire::pack(frame.payload)) {
        frame.payload = std::move(*smaller);
        frame.flags = wire::kPacked;
      }
    }
    runner.send(frame);
  }
  static void send_end(RunnerProcess& runner, std::uint32_t id, std::string error = {}) {
    runner.send(wire::make_frame(
        FrameType::content_end, 0, id, wire::ContentEnd{.error = std::move(error)}));
  }
  /// Sends `bytes` as the window allows. @return the most payload that was under way
  static std::uint64_t send_all(RunnerProcess& runner,
                                std::uint32_t id,
                                const std::string& bytes,
                                std::size_t piece = wire::kContentPiece) {
    std::uint64_t sent = 0;
    std::uint64_t taken = 0;
    std::uint64_t most = 0;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const std::string part = bytes.substr(at, piece);
      while (sent - taken + part.size() > wire::kContentWindow) {
        const auto ack = runner.receive(FrameType::content_ack);
        if (!ack) return 0;
        taken = wire::DataAck::parse(*ack)->bytes;
      }
      send_piece(runner, id, part, false);
      sent += part.size();
      most = std::max(most, sent - taken);
    }
    send_end(runner, id);
    return most;
  }
};

TEST_F(RunnerContent, IsNotAskedForWhenTheFileIsThere) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string bytes = noise_of(100'000);
  std::ofstream(path("file"), std::ios::binary) << bytes;

  const Value result = runner.run("copy", copy_of(bytes));

  EXPECT_EQ(result.get("changed"), Value(false)) << to_repr(result);
  EXPECT_FALSE(runner.receive(FrameType::need_content, std::chrono::milliseconds(50)));
}

TEST_F(RunnerContent, ArrivesWithinTheWindow) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string bytes = noise_of((9U << 20U) + 12'345);

  const auto id = runner.task("copy", copy_of(bytes));
  const auto need = wanted(runner);
  ASSERT_EQ(need.size(), 1U);
  EXPECT_EQ(need[0].size, bytes.size());
  EXPECT_EQ(fs::exists(path("file")), false);
  const std::uint64_t most = send_all(runner, id, bytes);
  const Value result = runner.result(id);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_LE(most, wire::kContentWindow);
  EXPECT_TRUE(text_of(path("file")) == bytes);
}

TEST_F(RunnerContent, ArrivesPackedAndInOddPieces) {
  RunnerProcess runner(options());
  runner.greet();
  std::string bytes;
  while (bytes.size() < 700'000) bytes += "key" + std::to_string(bytes.size()) + " = value\n";

  const auto id = runner.task("copy", copy_of(bytes));
  ASSERT_EQ(wanted(runner).size(), 1U);
  for (std::size_t at = 0; at < bytes.size(); at += 99'991)
    send_piece(runner, id, bytes.substr(at, 99'991), at % 2 == 0);
  send_piece(runner, id, {}, false);  // an empty piece says nothing
  send_end(runner, id);

  EXPECT_EQ(runner.result(id).get("changed"), Value(true));
  EXPECT_TRUE(text_of(path("file")) == bytes);
}

struct BadStream {
  const char* name;
  void (*send)(RunnerProcess& runner, std::uint32_t id, const std::string& bytes);
  const char* message;
};

class BadContent : public RunnerContent, public testing::WithParamInterface<BadStream> {
 public:
  using RunnerContent::send_end;
  using RunnerContent::send_piece;
};

TEST_P(BadContent, LeavesTheOldFileAndTheConnection) {
  RunnerProcess runner(options());
  runner.greet();
  fs::create_directory(path("place"));
  std::ofstream(path("place/file")) << "old";
  const std::string bytes = noise_of(600'000);

  const auto id = runner.task("copy", copy_of(bytes, "place/file"));
  ASSERT_EQ(wanted(runner).size(), 1U);
  GetParam().send(runner, id, bytes);
  const Value result = runner.result(id);

  EXPECT_EQ(result.get("failed"), Value(true)) << to_repr(result);
  EXPECT_THAT(to_text(result.get("msg")), testing::HasSubstr(GetParam().message));
  EXPECT_EQ(text_of(path("place/file")), "old");
  EXPECT_EQ(names_in(path("place")), std::vector<std::string>{"file"});
  EXPECT_EQ(runner.run("shell", shell("echo next")).get("stdout"), Value("next"));
}

INSTANTIATE_TEST_SUITE_P(
    Streams,
    BadContent,
    testing::Values(
        BadStream{"Short",
                  [](RunnerProcess& runner, std::uint32_t id, const std::string& bytes) {
                    BadContent::send_piece(runner, id, bytes.substr(0, 200'000), false);
                    BadContent::send_end(runner, id);
                  },
                  "sent less than it was asked for"},
        BadStream{"Long",
                  [](RunnerProcess& runner, std::uint32_t id, const std::string& bytes) {
                    for (int i = 0; i < 4; ++i)
                      BadContent::send_piece(runner, id, bytes.substr(0, 200'000), false);
                    BadContent::send_end(runner, id);
                  },
                  "sent more than it was asked for"},
        BadStream{"OutOfOrder",
                  [](RunnerProcess& runner, std::uint32_t id, const std::string& bytes) {
                    for (const std::size_t at : {200'000U, 0U, 400'000U})
                      BadContent::send_piece(runner, id, bytes.substr(at, 200'000), false);
                    BadContent::send_end(runner, id);
                  },
                  "does not match its sha256"},
        BadStream{"PieceTooLarge",
                  [](RunnerProcess& runner, std::uint32_t id, const std::string& bytes) {
                    BadContent::send_piece(runner, id, bytes.substr(0, 300'000), false);
                    BadContent::send_end(runner, id);
                  },
                  "at most 262144 are allowed"},
        BadStream{"Bomb",
                  [](RunnerProcess& runner, std::uint32_t id, const std::string&) {
                    BadContent::send_piece(runner, id, std::string(50U << 20U, '\0'), true);
                    BadContent::send_end(runner, id);
                  },
                  "claim to be 52428800"},
        BadStream{
            "NotPacked",
            [](RunnerProcess& runner, std::uint32_t id, const std::string& bytes) {
              runner.send(Frame{FrameType::content, wire::kPacked, 0, id, bytes.substr(0, 5000)});
              BadContent::send_end(runner, id);
            },
            "packed bytes"},
        BadStream{"Gone",
                  [](RunnerProcess& runner, std::uint32_t id, const std::string& bytes) {
                    BadContent::send_piece(runner, id, bytes.substr(0, 200'000), false);
                    BadContent::send_end(runner, id, "the file is gone");
                  },
                  "the file is gone"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(RunnerContent, OfAnotherTaskOrAfterItsEndIsDropped) {
  RunnerProcess runner(options());
  runner.greet();
  const std::string bytes = noise_of(50'000);
  const auto id = runner.task("copy", copy_of(bytes));
  ASSERT_EQ(wanted(runner).size(), 1U);

  send_piece(runner, id + 100, noise_of(50'000), false);
  send_end(runner, id + 100, "not yours");
  send_piece(runner, id, bytes, false);
  send_end(runner, id);
  EXPECT_EQ(runner.result(id).get("changed"), Value(true));
  send_piece(runner, id, bytes, false);
  send_end(runner, id);

  EXPECT_EQ(runner.run("shell", shell("echo next")).get("stdout"), Value("next"));
  EXPECT_TRUE(text_of(path("file")) == bytes);
}

TEST_F(RunnerContent, BeyondTheWindowEndsTheConnection) {
  RunnerProcess runner(options());
  runner.greet();
  // A task that reads nothing, and a controller that sends all the same.
  const auto id = runner.task("shell", shell("sleep 60"));
  const std::string piece = noise_of(wire::kContentPiece);
  std::signal(SIGPIPE, SIG_IGN);  // the runner may end before the last of them
  for (int i = 0; i < 40; ++i) send_piece(runner, id, piece, false);

  const auto notice = runner.receive(FrameType::notice);
  ASSERT_TRUE(notice);
  EXPECT_THAT(wire::Notice::parse(*notice)->message, testing::HasSubstr("window"));
  EXPECT_EQ(runner.wait(), 3);
}

TEST_F(RunnerContent, StopsHalfWayWhenTheTaskIsCancelled) {
  RunnerProcess runner(options());
  runner.greet();
  fs::create_directory(path("place"));
  std::ofstream(path("place/file")) << "old";
  const std::string bytes = noise_of(3U << 20U);
  const auto id = runner.task("copy", copy_of(bytes, "place/file"));
  ASSERT_EQ(wanted(runner).size(), 1U);
  send_piece(runner, id, bytes.substr(0, wire::kContentPiece), false);
  ASSERT_TRUE(runner.receive(FrameType::content_ack));

  runner.send(Frame{FrameType::cancel, 0, 0, id, {}});
  const Value result = runner.result(id);
  send_piece(runner, id, bytes.substr(wire::kContentPiece, wire::kContentPiece), false);
  send_end(runner, id);

  EXPECT_EQ(result.get("cancelled"), Value(true)) << to_repr(result);
  EXPECT_EQ(text_of(path("place/file")), "old");
  EXPECT_EQ(names_in(path("place")), std::vector<std::string>{"file"});
  EXPECT_EQ(runner.run("shell", shell("echo next")).get("stdout"), Value("next"));
}

TEST_F(RunnerContent, LeavesNothingWhenTheConnectionEndsHalfWay) {
  fs::create_directory(path("place"));
  std::ofstream(path("place/file")) << "old";
  {
    RunnerProcess runner(options());
    runner.greet();
    const std::string bytes = noise_of(3U << 20U);
    const auto id = runner.task("copy", copy_of(bytes, "place/file"));
    ASSERT_EQ(wanted(runner).size(), 1U);
    send_piece(runner, id, bytes.substr(0, wire::kContentPiece), false);
    ASSERT_TRUE(runner.receive(FrameType::content_ack));
    runner.close_input();
    EXPECT_EQ(runner.wait(), 0);
  }

  EXPECT_EQ(text_of(path("place/file")), "old");
  EXPECT_EQ(names_in(path("place")), std::vector<std::string>{"file"});
}

TEST_F(RunnerContent, LeavesNothingWhenTheRunnerIsKilledHalfWay) {
  fs::create_directory(path("place"));
  std::ofstream(path("place/file")) << "old";
  RunnerProcess runner(options());
  runner.greet();
  const std::string bytes = noise_of(3U << 20U);
  const auto id = runner.task("copy", copy_of(bytes, "place/file"));
  ASSERT_EQ(wanted(runner).size(), 1U);
  send_piece(runner, id, bytes.substr(0, wire::kContentPiece), false);
  ASSERT_TRUE(runner.receive(FrameType::content_ack));
  ::kill(runner.pid(), SIGKILL);
  runner.wait();

  EXPECT_EQ(text_of(path("place/file")), "old");
  EXPECT_EQ(names_in(path("place")), std::vector<std::string>{"file"});
}

TEST_F(RunnerContent, OfAFolderComesInOneStream) {
  RunnerProcess runner(options());
  runner.greet();
  std::map<std::string, std::string> files;
  std::string stream;
  for (int i = 100; i < 400; ++i)
    files["d" + std::to_string(i % 7) + "/f" + std::to_string(i)] =
        noise_of(static_cast<std::size_t>(i) * 40);
  files["empty"] = "";

  const auto id = runner.task("copy", folder_of(files));
  const auto need = wanted(runner);
  ASSERT_EQ(need.size(), 300U) << "nobody sends an empty file";
  for (const auto& [name, bytes] : files) stream += bytes;
  send_all(runner, id, stream, 200'001);
  const Value first = runner.result(id);
  ASSERT_EQ(first.get("changed"), Value(true)) << to_repr(first);
  for (const auto& [name, bytes] : files) EXPECT_TRUE(text_of(path("tree/" + name)) == bytes);

  // Nothing differs: nothing is asked for.
  EXPECT_EQ(runner.run("copy", folder_of(files)).get("changed"), Value(false));
  // One file differs: it alone.
  files["d0/f105"] = noise_of(5000);
  const auto again = runner.task("copy", folder_of(files));
  const auto one = wanted(runner);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].size, 5000U);
  send_all(runner, again, files["d0/f105"]);
  EXPECT_EQ(runner.result(again).get("changed"), Value(true));
  EXPECT_TRUE(text_of(path("tree/d0/f105")) == files["d0/f105"]);
}

TEST_F(RunnerContent, OfAFolderIsAskedForOnceForADiff) {
  RunnerProcess runner(options());
  runner.greet();
  std::map<std::string, std::string> files;
  std::string stream;
  for (int i = 10; i < 40; ++i)
    stream += files["f" + std::to_string(i)] = "text " + std::to_string(i);

  const auto id = runner.task("copy", folder_of(files), [](wire::Task& task) { task.diff = true; });
  ASSERT_EQ(wanted(runner).size(), 30U);
  send_all(runner, id, stream);
  const Value result = runner.result(id);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_EQ(text_of(path("tree/f39")), "text 39");
  EXPECT_FALSE(runner.receive(FrameType::need_content, std::chrono::milliseconds(20)))
      << "what was fetched for the diff was fetched again";
}

TEST_F(RunnerContent, OfAFetchedFileIsPackedAndWithinTheWindow) {
  RunnerProcess runner(options());
  runner.greet();
  std::string bytes;
  while (bytes.size() < (12U << 20U)) bytes += "line " + std::to_string(bytes.size()) + "\n";
  std::ofstream(path("log"), std::ios::binary) << bytes;

  const auto id = runner.task("fetch", Value::map({{"src", path("log")}, {"dest", "x"}}));
  std::string arrived;
  std::uint64_t taken = 0;
  bool some_packed = false;
  while (true) {
    const auto frame = runner.receive(FrameType::data);
    ASSERT_TRUE(frame);
    if (frame->payload.empty()) break;
    some_packed = some_packed || (frame->flags & wire::kPacked) != 0;
    taken += frame->payload.size();
    const auto piece = wire::piece_of(*frame);
    ASSERT_TRUE(piece);
    arrived += *piece;
    runner.send(wire::make_frame(FrameType::data_ack, 0, id, wire::DataAck{taken}));
  }
  const Value result = runner.result(id);

  EXPECT_TRUE(arrived == bytes);
  EXPECT_TRUE(some_packed);
  EXPECT_EQ(result.get("sha256"), Value(modules::hash_bytes(modules::Algorithm::sha256, bytes)));
  EXPECT_EQ(result.get("md5sum"), Value(modules::hash_bytes(modules::Algorithm::md5, bytes)));
}

TEST_F(RunnerContent, OfAFetchedFileWaitsForTheController) {
  RunnerProcess runner(options());
  runner.greet();
  std::ofstream(path("big"), std::ios::binary) << noise_of(12U << 20U);

  const auto id = runner.task("fetch", Value::map({{"src", path("big")}, {"dest", "x"}}));
  const auto first = runner.receive(FrameType::data);
  ASSERT_TRUE(first);
  std::uint64_t arrived = first->payload.size();
  while (const auto frame = runner.receive(FrameType::data, std::chrono::milliseconds(300)))
    arrived += frame->payload.size();
  EXPECT_LE(arrived, wire::kDataWindow);
  EXPECT_GE(arrived, wire::kContentPiece);

  runner.send(Frame{FrameType::cancel, 0, 0, id, {}});
  EXPECT_EQ(runner.result(id).get("cancelled"), Value(true));
}

}  // namespace
}  // namespace gpustack
