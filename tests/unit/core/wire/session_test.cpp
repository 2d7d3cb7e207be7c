#include "core/wire/session.hpp"

#include "core/base/msgpack.hpp"

#include <gtest/gtest.h>

namespace gpustack::wire {
namespace {

TEST(Assembler, JoinsWhatWasSplit) {
  const Frame message{FrameType::result, kFailed, 2, 9, std::string(2 * kMaxPayload + 5, 'a')};
  std::string bytes;
  append_message(bytes, message);
  FrameDecoder decoder;
  decoder.feed(bytes);
  Assembler assembler;

  std::vector<Frame> whole;
  int frames = 0;
  for (auto frame = decoder.next(); frame && *frame; frame = decoder.next()) {
    ++frames;
    auto joined = assembler.take(std::move(**frame));
    ASSERT_TRUE(joined);
    if (*joined) whole.push_back(std::move(**joined));
  }

  EXPECT_EQ(frames, 3);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].payload, message.payload);
  EXPECT_EQ(whole[0].flags, kFailed);
}

TEST(Assembler, KeepsLanesAndTasksApart) {
  Assembler assembler;
  const auto part =
      [&](std::uint16_t lane, std::uint32_t id, const char* text, std::uint8_t flags) {
        return *assembler.take(Frame{FrameType::result, flags, lane, id, text});
      };

  EXPECT_FALSE(part(0, 1, "a", kMore));
  EXPECT_FALSE(part(1, 1, "x", kMore));
  EXPECT_EQ(part(0, 2, "single", 0)->payload, "single");
  EXPECT_EQ(part(1, 1, "y", 0)->payload, "xy");
  EXPECT_EQ(part(0, 1, "b", 0)->payload, "ab");
}

TEST(Assembler, RefusesAMessageWithoutEnd) {
  Assembler assembler;
  Result<std::optional<Frame>> last = std::optional<Frame>();
  for (std::size_t i = 0; i <= kMaxMessage / kMaxPayload && last; ++i) {
    last = assembler.take(Frame{
        FrameType::result, kMore, 0, static_cast<std::uint32_t>(i), std::string(kMaxPayload, 'a')});
  }

  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), ErrorCode::protocol);
}

TEST(Messages, KeepATaskWhole) {
  Task task;
  task.module = "copy";
  task.arguments = Value::map({{"dest", "/x"}, {"mode", 420}});
  task.check = true;
  task.epoch = 4;
  task.barrier = true;
  task.environment["A"] = "b";
  task.umask = 077;
  task.timeout = std::chrono::milliseconds(1500);

  const auto back = Task::parse(make_task(1, 2, task));

  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->module, "copy");
  EXPECT_EQ(back->arguments, task.arguments);
  EXPECT_TRUE(back->check);
  EXPECT_FALSE(back->diff);
  EXPECT_EQ(back->epoch, 4);
  EXPECT_TRUE(back->barrier);
  EXPECT_EQ(back->environment, task.environment);
  EXPECT_EQ(back->umask, task.umask);
  EXPECT_EQ(back->timeout, task.timeout);
  EXPECT_TRUE(back->facts.is_null());
}

TEST(Messages, KeepHelloAndBecome) {
  const Hello hello{.controller = "c",
                    .run = "r",
                    .fence = 3,
                    .lock = LockKind::exclusive,
                    .ping_interval = std::chrono::seconds(15)};
  const OpenBecome request{.method = "su",
                           .user = "ann",
                           .password = "pw",
                           .executable = "/bin/su",
                           .flags = "-l",
                           .same_user = true};
  const BecomeReply reply{.error = {}, .error_code = {}, .command = "su ann -c x", .uid = 7};

  const auto hello_back = Hello::parse(make_hello(hello));
  const auto request_back = OpenBecome::parse(make_open_become(1, request));
  const auto reply_back = BecomeReply::parse(make_frame(FrameType::become_reply, 1, 0, reply));

  ASSERT_TRUE(hello_back);
  EXPECT_EQ(hello_back->lock, LockKind::exclusive);
  EXPECT_EQ(hello_back->fence, 3);
  EXPECT_EQ(hello_back->ping_interval, std::chrono::seconds(15));
  ASSERT_TRUE(request_back);
  EXPECT_EQ(request_back->method, "su");
  EXPECT_EQ(request_back->password, "pw");
  EXPECT_TRUE(request_back->same_user);
  ASSERT_TRUE(reply_back);
  EXPECT_EQ(reply_back->command, "su ann -c x");
  EXPECT_EQ(reply_back->uid, 7);
}

TEST(Messages, MarkFailedResultsInTheHeader) {
  EXPECT_EQ(make_result(0, 1, Value::map({{"failed", true}})).flags, kFailed);
  EXPECT_EQ(make_result(0, 1, Value::map({{"failed", false}})).flags, 0);
}

class HostileTask : public testing::TestWithParam<std::pair<const char*, Value>> {};

TEST_P(HostileTask, IsRefused) {
  const auto refused = Task::parse(Frame{FrameType::task, 0, 0, 1, to_msgpack(GetParam().second)});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::protocol);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    HostileTask,
    testing::Values(std::pair("NoModule", Value(Map())),
                    std::pair("ModuleIsList", Value::map({{"module", Value::list({})}})),
                    std::pair("ArgumentsAreText", Value::map({{"module", "x"}, {"args", "y"}})),
                    std::pair("EpochIsText", Value::map({{"module", "x"}, {"epoch", "1"}})),
                    std::pair("NegativeTimeout", Value::map({{"module", "x"}, {"timeout_ms", -1}})),
                    std::pair("HugeUmask", Value::map({{"module", "x"}, {"umask", 1LL << 40}})),
                    std::pair("NotAMap", Value::list({1}))),
    [](const auto& test) { return std::string(test.param.first); });

TEST(Messages, RefuseGarbage) {
  EXPECT_FALSE(parse_map(Frame{FrameType::result, 0, 0, 1, "\xc1"}));
  EXPECT_FALSE(parse_map(Frame{FrameType::result, 0, 0, 1, "\xdd\xff\xff\xff\xff"}));
  EXPECT_FALSE(parse_map(Frame{FrameType::result, 0, 0, 1, ""}));
}

TEST(NeedContent, NamesContentsByHashAndSize) {
  NeedContent need;
  need.contents.push_back({std::string(64, '0'), 0});
  need.contents.push_back({"00ff10" + std::string(58, 'a'), 1ULL << 40U});

  const auto back = NeedContent::parse(make_frame(FrameType::need_content, 0, 1, need));

  ASSERT_TRUE(back);
  EXPECT_EQ(back->contents, need.contents);
}

TEST(NeedContent, IsRefusedWhenDamaged) {
  for (const Value& contents :
       {Value(), Value(7), Value(""), Value(std::string(39, 'a')), Value(std::string(81, 'a'))}) {
    const auto need = NeedContent::parse(
        make_map_frame(FrameType::need_content, 0, 1, Value::map({{"contents", contents}})));
    EXPECT_FALSE(need) << to_repr(contents);
  }
}

}  // namespace
}  // namespace gpustack::wire
