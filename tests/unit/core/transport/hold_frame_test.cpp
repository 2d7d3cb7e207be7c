#include "core/transport/hold_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace gpustack::transport {
namespace {

std::vector<HoldFrame> all_of(HoldDecoder& decoder) {
  std::vector<HoldFrame> frames;
  for (auto frame = decoder.next(); frame && *frame; frame = decoder.next())
    frames.push_back(std::move(**frame));
  return frames;
}

TEST(HoldFrame, ArrivesWholeFromPiecesOfAnySize) {
  std::string bytes;
  append_hold_frame(bytes, HoldType::exec, 7, "uname");
  append_hold_frame(bytes, HoldType::input_end, 0x01020304);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    HoldDecoder decoder;
    std::vector<HoldFrame> frames;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      decoder.feed(std::string_view(bytes).substr(at, piece));
      for (HoldFrame& frame : all_of(decoder)) frames.push_back(std::move(frame));
    }

    ASSERT_EQ(frames.size(), 2U) << "pieces of " << piece;
    EXPECT_EQ(frames[0].type, HoldType::exec);
    EXPECT_EQ(frames[0].channel, 7U);
    EXPECT_EQ(frames[0].payload, "uname");
    EXPECT_EQ(frames[1].type, HoldType::input_end);
    EXPECT_EQ(frames[1].channel, 0x01020304U);
    EXPECT_EQ(frames[1].payload, "");
  }
}

TEST(HoldFrame, OfAnUnknownTypeBreaksTheDecoder) {
  HoldDecoder decoder;
  decoder.feed(std::string("\0\0\0\0\x20\0\0\0\0", 9));
  EXPECT_FALSE(decoder.next());
  std::string good;
  append_hold_frame(good, HoldType::list);
  decoder.feed(good);
  EXPECT_FALSE(decoder.next());
}

TEST(HoldFrame, OfAClaimedSizeOverTheLimitBreaksTheDecoderAtOnce) {
  HoldDecoder decoder;
  decoder.feed(std::string("\xff\xff\xff\x7f\x05\0\0\0\0", 9));
  const auto frame = decoder.next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code(), ErrorCode::protocol);
}

TEST(HoldFrame, BytesOfAStreamTravelInFramesWithinTheLimit) {
  const std::string much(3 * kMostHoldPayload + 5, 'x');
  std::string bytes;
  append_hold_bytes(bytes, HoldType::output, 1, much);
  HoldDecoder decoder;
  decoder.feed(bytes);
  std::string together;
  std::size_t count = 0;
  for (const HoldFrame& frame : all_of(decoder)) {
    together += frame.payload;
    ++count;
  }
  EXPECT_EQ(together, much);
  EXPECT_EQ(count, 4U);
}

TEST(HoldFrame, InfoTellsWhatItWasGiven) {
  HeldInfo info;
  info.host = "web1";
  info.user = "root";
  info.address = "fe80::1";
  info.port = 2222;
  info.keys = {HeldKey{"web1", 2222, HostKey{"ssh-ed25519", "AAAA"}},
               HeldKey{"jump", 22, HostKey{"ssh-rsa", "BBBB"}}};
  info.authentication = "key /root/.ssh/id";
  info.server = "OpenSSH";
  info.since = 1'700'000'000;
  info.idle = -1;
  info.process = 4711;

  const auto read = HeldInfo::parse(info.to_text());

  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, kHoldVersion);
  EXPECT_EQ(read->host, "web1");
  EXPECT_EQ(read->user, "root");
  EXPECT_EQ(read->address, "fe80::1");
  EXPECT_EQ(read->port, 2222);
  EXPECT_EQ(read->keys, info.keys);
  EXPECT_EQ(read->authentication, info.authentication);
  EXPECT_EQ(read->server, "OpenSSH");
  EXPECT_EQ(read->since, info.since);
  EXPECT_EQ(read->idle, -1);
  EXPECT_EQ(read->process, 4711);
}

TEST(HoldFrame, InfoWithoutHostKeysIsRefused) {
  EXPECT_FALSE(HeldInfo::parse(""));
  EXPECT_FALSE(HeldInfo::parse("\x80"));
  HoldRequest request;
  EXPECT_FALSE(HeldInfo::parse(request.to_text()));
}

TEST(HoldFrame, ACommandKeepsItsInputApart) {
  HoldExec exec;
  exec.command = "sh -c 'cat'";
  exec.ahead = std::string("\0\1binary", 8);

  const auto read = HoldExec::parse(exec.to_text());

  ASSERT_TRUE(read);
  EXPECT_EQ(read->command, exec.command);
  EXPECT_EQ(read->ahead, exec.ahead);
  EXPECT_FALSE(HoldExec::parse(std::string("\x09\0\0\0short", 9)));
  EXPECT_FALSE(HoldExec::parse("abc"));
}

TEST(HoldFrame, AFailureThatDoesNotSayCountsAsSeenByTheHost) {
  const auto read = HoldFailure::parse("\x80");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->was_sent);
}

}  // namespace
}  // namespace gpustack::transport
