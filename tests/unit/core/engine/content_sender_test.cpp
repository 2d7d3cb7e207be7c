#include "core/engine/content_sender.hpp"

#include "core/async/task_group.hpp"
#include "modules/sdk/hash.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace gpustack::engine {
namespace {

using wire::Frame;
using wire::FrameType;

/// A connection that keeps what it is given, and a runner that takes it when told to.
class Sending : public testing::Test {
 protected:
  Sending()
      : group_(loop_.get_executor(), 100),
        sender_(loop_.get_executor(), packing_, [this](Frame frame) {
          return keep(std::move(frame));
        }) {}

  Async<void> keep(Frame frame) {
    frames_.push_back(std::move(frame));
    co_return Result<void>();
  }
  void ask(std::uint32_t id, const std::vector<std::string>& texts) {
    wire::NeedContent need;
    for (const std::string& text : texts) {
      store_.keep_text(text);
      need.contents.push_back({modules::hash_bytes(modules::Algorithm::sha256, text), text.size()});
    }
    ask_for(id, need);
  }
  void ask_for(std::uint32_t id, const wire::NeedContent& need) {
    auto answer = sender_.begin(wire::make_frame(FrameType::need_content, 3, id, need), store_);
    ASSERT_TRUE(answer);
    group_.spawn_now(std::move(*answer));
    turn();
  }
  void turn() {
    loop_.restart();
    while (loop_.poll() > 0) {
    }
  }
  Result<void> acknowledge(std::uint32_t id, std::uint64_t bytes) {
    auto done =
        sender_.acknowledged(wire::make_frame(FrameType::content_ack, 3, id, wire::DataAck{bytes}));
    turn();
    return done;
  }
  [[nodiscard]] std::uint64_t payload() const {
    std::uint64_t size = 0;
    for (const Frame& frame : frames_)
      if (frame.type == FrameType::content) size += frame.payload.size();
    return size;
  }
  static std::string noise(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 1;
    for (char& byte : out) {
      state = state * 1'664'525U + 1'013'904'223U;
      byte = static_cast<char>(state >> 24U);
    }
    return out;
  }
  std::string error_at(std::size_t index) { return wire::ContentEnd::parse(frames_[index])->error; }

  asio::io_context loop_;
  async::TaskGroup group_;
  ContentStore store_;
  SharedPacking packing_;
  std::deque<Frame> frames_;
  ContentSender sender_;
};

TEST_F(Sending, SendsAllOfAStreamAndItsEnd) {
  ask(7, {"one", "", "two"});

  ASSERT_EQ(frames_.size(), 2U);
  EXPECT_EQ(frames_[0].type, FrameType::content);
  EXPECT_EQ(frames_[0].payload, "onetwo");
  EXPECT_EQ(frames_[0].id, 7U);
  EXPECT_EQ(frames_[0].lane, 3U);
  EXPECT_EQ(frames_[1].type, FrameType::content_end);
  EXPECT_EQ(error_at(1), "");
}

TEST_F(Sending, WaitsForTheRunner) {
  const std::string bytes = noise(6U << 20U);
  ask(7, {bytes});
  const std::uint64_t first = payload();
  EXPECT_LE(first, wire::kContentWindow);
  EXPECT_LT(first, bytes.size());
  turn();
  EXPECT_EQ(payload(), first);

  while (payload() < bytes.size()) {
    const std::uint64_t before = payload();
    ASSERT_TRUE(acknowledge(7, before));
    ASSERT_GT(payload(), before);
    EXPECT_LE(payload() - before, wire::kContentWindow);
  }

  EXPECT_EQ(frames_.back().type, FrameType::content_end);
  std::string arrived;
  for (const Frame& frame : frames_)
    if (frame.type == FrameType::content) arrived += *wire::piece_of(frame);
  EXPECT_TRUE(arrived == bytes);
}

TEST_F(Sending, EndsAStreamWhenTheTaskEnds) {
  ask(7, {noise(6U << 20U)});
  const std::size_t before = frames_.size();

  sender_.stop(7);
  turn();

  EXPECT_EQ(frames_.size(), before) << "nobody is there for its end either";
  ask(8, {"next"});
  EXPECT_EQ(frames_.back().id, 8U);
  EXPECT_EQ(frames_.back().type, FrameType::content_end);
}

TEST_F(Sending, LetsASecondRequestTakeTheFirstOnesPlace) {
  ask(7, {noise(6U << 20U)});
  const std::size_t before = frames_.size();

  ask(7, {"instead"});

  ASSERT_EQ(frames_.size(), before + 3);
  EXPECT_EQ(frames_[before].type, FrameType::content_end);
  EXPECT_NE(error_at(before), "");
  EXPECT_EQ(frames_[before + 1].payload, "instead");
  EXPECT_EQ(frames_[before + 2].type, FrameType::content_end);
  EXPECT_EQ(error_at(before + 2), "");
}

TEST_F(Sending, SaysWhatIsMissing) {
  wire::NeedContent need;
  need.contents.push_back({std::string(64, 'a'), 5});
  ask_for(7, need);

  ASSERT_EQ(frames_.size(), 1U);
  EXPECT_NE(error_at(0).find("no content with hash aaaa"), std::string::npos);
}

TEST_F(Sending, RefusesWhatBreaksTheProtocol) {
  ask(7, {"short"});
  EXPECT_FALSE(acknowledge(7, 500)) << "more than was sent";
  EXPECT_TRUE(acknowledge(99, 500)) << "a task that has ended meanwhile";
  EXPECT_FALSE(sender_.begin(Frame{FrameType::need_content, 0, 0, 1, "x"}, store_));
  EXPECT_FALSE(sender_.acknowledged(Frame{FrameType::content_ack, 0, 0, 7, "x"}));
}

TEST_F(Sending, EndsAllWithTheConnection) {
  ask(7, {noise(6U << 20U)});
  ask(8, {"behind"});
  const std::size_t before = frames_.size();

  sender_.stop_all();
  turn();

  EXPECT_EQ(frames_.size(), before);
  EXPECT_EQ(group_.running(), 0U);
}

TEST_F(Sending, PacksOnceForAllHosts) {
  std::string text;
  while (text.size() < 700'000) text += "option " + std::to_string(text.size()) + "\n";
  ask(7, {text});
  const std::uint64_t before = packing_.cache.hits();
  EXPECT_EQ(packing_.streams, 0U);

  ContentSender other(
      loop_.get_executor(), packing_, [this](Frame frame) { return keep(std::move(frame)); });
  frames_.clear();
  wire::NeedContent need;
  need.contents.push_back({modules::hash_bytes(modules::Algorithm::sha256, text), text.size()});
  auto answer = other.begin(wire::make_frame(FrameType::need_content, 0, 1, need), store_);
  ASSERT_TRUE(answer);
  group_.spawn_now(std::move(*answer));
  turn();

  EXPECT_EQ(packing_.cache.hits(), before + 3);
  std::string arrived;
  for (const Frame& frame : frames_)
    if (frame.type == FrameType::content) arrived += *wire::piece_of(frame);
  EXPECT_TRUE(arrived == text);
}

}  // namespace
}  // namespace gpustack::engine
