#include "core/wire/packing.hpp"

#include "core/wire/session.hpp"

#include <gtest/gtest.h>

namespace gpustack::wire {
namespace {

using namespace std::chrono_literals;

std::string text_of(std::size_t size) {
  std::string out;
  while (out.size() < size) out += "line " + std::to_string(out.size()) + " of a log\n";
  out.resize(size);
  return out;
}

std::string noise_of(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : out) {
    state = state * 1'664'525U + 1'013'904'223U;
    byte = static_cast<char>(state >> 24U);
  }
  return out;
}

TEST(Packing, ComesBackAsItWas) {
  for (const std::size_t size : {4096U, 100'000U, 262'144U, 3'000'000U}) {
    const std::string text = text_of(size);
    const auto packed = pack(text);
    ASSERT_TRUE(packed) << size;
    EXPECT_LT(packed->size(), size / 2);
    const auto back = unpack(*packed, size);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_TRUE(*back == text);
  }
}

TEST(Packing, LeavesWhatDoesNotShrink) {
  EXPECT_FALSE(pack(noise_of(100'000)));
  EXPECT_FALSE(pack(""));
}

TEST(Unpacking, RefusesABombByWhatItAnnounces) {
  const auto bomb = pack(std::string(50U << 20U, '\0'));
  ASSERT_TRUE(bomb);
  ASSERT_LT(bomb->size(), 10'000U);

  const auto out = unpack(*bomb, kContentPiece);

  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), ErrorCode::protocol);
  EXPECT_NE(out.error().message().find("claim to be 52428800"), std::string::npos)
      << out.error().message();
}

TEST(Unpacking, RefusesMoreThanWasAnnounced) {
  auto small = pack(std::string(2000, 'a'));
  auto large = pack(std::string(200'000, 'a'));
  ASSERT_TRUE(small && large);
  // A second frame behind the first: its bytes are not among those the first one announces.
  EXPECT_FALSE(unpack(*small + *large, kContentPiece));
  // The larger one's blocks behind the smaller one's header, both with a two-byte size field.
  std::string lies = *large;
  ASSERT_EQ(unpack(lies, kContentPiece)->size(), 200'000U);
  lies[5] = '\1';
  lies[6] = lies[7] = '\0';
  EXPECT_FALSE(unpack(lies, kContentPiece));
}

TEST(Unpacking, RefusesWhatIsNotPacked) {
  const std::string packed = *pack(text_of(50'000));
  for (std::size_t cut = 0; cut < packed.size(); cut += 97)
    EXPECT_FALSE(unpack(packed.substr(0, cut), kContentPiece)) << cut;
  EXPECT_FALSE(unpack(noise_of(1000), kContentPiece));
  std::size_t wrong = 0;
  for (std::size_t at = 0; at < packed.size(); at += 31) {
    std::string changed = packed;
    changed[at] = static_cast<char>(changed[at] ^ 0x55);
    const auto out = unpack(changed, kContentPiece);
    // zstd finds most, the hash of the whole finds the rest; nothing gets larger than allowed.
    if (!out) ++wrong;
    if (out) {
      EXPECT_LE(out->size(), kContentPiece);
    }
  }
  EXPECT_GT(wrong, 0U);
}

TEST(Piece, IsBoundedPackedOrNot) {
  EXPECT_FALSE(piece_of(Frame{FrameType::content, 0, 0, 1, std::string(kContentPiece + 1, 'a')}));
  EXPECT_FALSE(piece_of(
      Frame{FrameType::content, kPacked, 0, 1, *pack(std::string(kContentPiece + 1, 'a'))}));
  const auto whole =
      piece_of(Frame{FrameType::data, kPacked, 0, 1, *pack(std::string(kContentPiece, 'a'))});
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), kContentPiece);
}

TEST(PackedMessage, IsSplitAndJoinedLikeAnyOther) {
  Task task;
  task.module = "copy";
  task.arguments = Value::map({{"text", text_of(3U << 20U)}, {"noise", noise_of(3U << 20U)}});
  Frame message = make_task(1, 9, task);
  const std::string payload = message.payload;
  pack_message(message);
  ASSERT_LT(message.payload.size(), payload.size());
  std::string bytes;
  append_message(bytes, message);
  FrameDecoder decoder;
  Assembler assembler;

  std::optional<Frame> whole;
  for (std::size_t at = 0; at < bytes.size(); at += 7777) {
    decoder.feed(std::string_view(bytes).substr(at, 7777));
    for (auto frame = decoder.next(); frame && *frame; frame = decoder.next()) {
      auto joined = assembler.take(std::move(**frame));
      ASSERT_TRUE(joined);
      if (*joined) whole = std::move(**joined);
    }
  }

  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->payload == payload);
  EXPECT_EQ(whole->flags, 0);
  EXPECT_TRUE(Task::parse(*whole));
}

TEST(PackedMessage, IsRefusedWhenItLies) {
  Assembler assembler;
  const auto taken = assembler.take(Frame{FrameType::task, kPacked, 0, 1, noise_of(500)});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::protocol);
}

TEST(PackCache, RemembersWhatWasWantedLast) {
  PackCache cache(40'000);
  const std::string text = text_of(50'000);
  const auto first = cache.pack(text);
  ASSERT_TRUE(first);
  EXPECT_EQ(cache.pack(text), first);
  EXPECT_FALSE(cache.pack(noise_of(9000)));
  EXPECT_FALSE(cache.pack(noise_of(9000)));
  EXPECT_EQ(cache.hits(), 2U) << "that something does not shrink is known, too";

  for (int i = 1; i < 200; ++i) {
    cache.pack(std::to_string(i) + text);
    cache.pack(text);
    EXPECT_LE(cache.size(), 40'000U);
  }
  EXPECT_EQ(cache.hits(), 201U);
  cache.pack(noise_of(9000));
  EXPECT_EQ(cache.hits(), 201U) << "it had to go";
}

/// A rule on a link of so many bytes a second, fed with what `piece` packs to.
class Link {
 public:
  explicit Link(double rate) : rate_(rate) { rule.begin(now_); }

  std::uint8_t send(const std::string& piece) {
    std::uint8_t flags = 0;
    const std::string payload = rule.apply(piece, flags);
    sent += payload.size();
    now_ += std::chrono::duration_cast<PackingRule::Clock::duration>(
        std::chrono::duration<double>(static_cast<double>(payload.size()) / rate_));
    rule.acknowledged(sent, now_);
    return flags;
  }

  PackingRule rule;
  std::uint64_t sent = 0;

 private:
  double rate_;
  PackingRule::Clock::time_point now_{};
};

TEST(PackingRule, PacksTextOnASlowLink) {
  Link slow(2.5e6);
  int packed = 0;
  for (int i = 0; i < 100; ++i) packed += slow.send(text_of(kContentPiece)) == kPacked ? 1 : 0;

  EXPECT_EQ(packed, 100);
  EXPECT_LT(slow.sent, 100 * kContentPiece / 4);
}

TEST(PackingRule, SendsAsItIsOnALinkFasterThanThePacker) {
  Link fast(20e9);
  int packed = 0;
  for (int i = 0; i < 100; ++i) packed += fast.send(text_of(kContentPiece)) == kPacked ? 1 : 0;

  // The first pieces, until the link is known; then one in 32, in case that has changed.
  EXPECT_LT(packed, 30);
  packed = 0;
  for (int i = 0; i < 320; ++i) packed += fast.send(text_of(4096)) == kPacked ? 1 : 0;
  EXPECT_LE(packed, 11);
  EXPECT_GE(packed, 9);
}

TEST(PackingRule, TriesNoiseEverMoreRarely) {
  PackingRule rule;
  rule.begin({});
  int tries = 0;
  // What a try would do, without its cost.
  for (int i = 0; i < 320; ++i) {
    std::uint8_t flags = 0;
    const double before = rule.link_rate();
    EXPECT_EQ(rule.apply(noise_of(2048), flags).size(), 2048U);
    EXPECT_EQ(flags, 0);
    EXPECT_EQ(rule.link_rate(), before);
    ++tries;
  }
  std::uint8_t flags = 0;
  int until_packed = 0;
  while (flags == 0 && until_packed < 100) {
    rule.apply(text_of(2048), flags);
    ++until_packed;
  }
  EXPECT_LE(until_packed, 32) << "a stream that changes its nature is found again";
  EXPECT_EQ(tries, 320);
}

TEST(PackingRule, CountsAllStreamsOfTheThread) {
  Link link(20e6);
  for (int i = 0; i < 40; ++i) link.send(noise_of(kContentPiece));
  link.rule.begin({});
  link.rule.tried(1'000'000, 250'000, 0.005);

  EXPECT_TRUE(link.rule.pays());
  EXPECT_FALSE(link.rule.pays(100)) << "twenty megabytes a second, a hundred times";
}

TEST(PackingRule, KeepsHalfASecondUnderWay) {
  Link slow(2.5e6);
  Link fast(1e9);
  EXPECT_EQ(slow.rule.window(), 2 * PackingRule::kSmallestWindow) << "not known yet";
  for (int i = 0; i < 20; ++i) {
    slow.send(noise_of(kContentPiece));
    fast.send(noise_of(kContentPiece));
  }

  EXPECT_NEAR(static_cast<double>(slow.rule.window()), 1.25e6, 2e5);
  EXPECT_EQ(fast.rule.window(), kContentWindow);
}

}  // namespace
}  // namespace gpustack::wire
