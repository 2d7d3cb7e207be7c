#include "core/wire/frame.hpp"

#include <gtest/gtest.h>

#include <random>

namespace gpustack::wire {
namespace {

Frame sample(std::string payload, std::uint32_t id = 7) {
  return Frame{FrameType::task, 3, 0x0102, id, std::move(payload)};
}

std::string encoded(const std::vector<Frame>& frames) {
  std::string out;
  for (const Frame& frame : frames) append_frame(out, frame);
  return out;
}

void expect_same(const Frame& got, const Frame& wanted) {
  EXPECT_EQ(got.type, wanted.type);
  EXPECT_EQ(got.flags, wanted.flags);
  EXPECT_EQ(got.lane, wanted.lane);
  EXPECT_EQ(got.id, wanted.id);
  EXPECT_EQ(got.payload, wanted.payload);
}

TEST(FrameEncoding, IsLittleEndianWithTwelveBytesOfHeader) {
  const std::string bytes = encoded({Frame{FrameType::ping, 1, 0x0203, 0x04050607, "ab"}});

  EXPECT_EQ(bytes,
            std::string("\x02\x00\x00\x00\x07\x01\x03\x02\x07\x06\x05\x04"
                        "ab",
                        14));
}

TEST(FrameDecoder, TakesMergedFrames) {
  FrameDecoder decoder;
  decoder.feed(encoded({sample("one"), sample(""), sample("three", 9)}));

  expect_same(**decoder.next(), sample("one"));
  expect_same(**decoder.next(), sample(""));
  expect_same(**decoder.next(), sample("three", 9));
  EXPECT_FALSE(decoder.next()->has_value());
  EXPECT_EQ(decoder.buffered(), 0U);
}

TEST(FrameDecoder, TakesSplitFrames) {
  const std::string bytes = encoded({sample("first"), sample(std::string(3000, 'x'))});
  for (std::size_t piece = 1; piece < 40; ++piece) {
    FrameDecoder decoder;
    std::vector<Frame> got;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      decoder.feed(std::string_view(bytes).substr(at, piece));
      for (auto frame = decoder.next(); frame && *frame; frame = decoder.next())
        got.push_back(std::move(**frame));
    }
    ASSERT_EQ(got.size(), 2U) << "pieces of " << piece;
    expect_same(got[0], sample("first"));
    expect_same(got[1], sample(std::string(3000, 'x')));
  }
}

TEST(FrameDecoder, RefusesTooLargeAPayloadBeforeItArrives) {
  FrameDecoder decoder;
  decoder.feed(std::string("\xff\xff\xff\x7f\x02\x00\x00\x00\x01\x00\x00\x00", 12));

  const auto refused = decoder.next();

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::protocol);
  EXPECT_LT(decoder.buffered(), 100U);
}

TEST(FrameDecoder, StaysBrokenAfterAnUnknownType) {
  FrameDecoder decoder;
  decoder.feed(std::string("\x00\x00\x00\x00\x3f\x00\x00\x00\x01\x00\x00\x00", 12) +
               encoded({sample("fine")}));

  EXPECT_FALSE(decoder.next());
  EXPECT_FALSE(decoder.next());
}

TEST(FrameDecoder, SurvivesRandomBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    FrameDecoder decoder;
    std::string bytes(64, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    decoder.feed(bytes);
    int frames = 0;
    for (auto frame = decoder.next(); frame && *frame; frame = decoder.next()) ++frames;
    EXPECT_LE(frames, 6);
  }
}

}  // namespace
}  // namespace gpustack::wire
