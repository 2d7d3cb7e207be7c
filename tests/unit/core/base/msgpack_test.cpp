// MessagePack against the reference: what nlohmann's encoder writes is read as the same value, and
// what is written here it reads.
#include "core/base/msgpack.hpp"

#include "core/base/json.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <random>
#include <string>

using namespace gpustack;

namespace {

using nlohmann::json;

std::string packed_by_reference(const json& value) {
  std::string out;
  json::to_msgpack(value, out);
  return out;
}

std::string same(const std::string& text) { return to_json(*parse_json(text)); }

/// Values whose encodings begin with every tag that the reference writes.
json random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 3 ? 6 : 8)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:  // every width
      return static_cast<std::int64_t>(random()) >> (random() % 32);
    case 3:
      return -(static_cast<std::int64_t>((std::uint64_t{random()} << 31U) | random()) >>
               (random() % 63));
    case 4:
      return static_cast<double>(random()) / 7;
    case 5:
      return std::string(random() % 40 == 0 ? 300 : random() % 40, 'x');
    case 6: {
      json list = json::array();
      for (std::size_t left = random() % 20; left > 0; --left)
        list.push_back(random_value(random, depth + 1));
      return list;
    }
    default: {
      json map = json::object();
      for (std::size_t left = random() % 20; left > 0; --left)
        map["key" + std::to_string(random() % 1000)] = random_value(random, depth + 1);
      return map;
    }
  }
}

struct Broken {
  std::string bytes;
  std::string reason;
};

class MsgpackBroken : public testing::TestWithParam<Broken> {};

}  // namespace

TEST(Msgpack, ReadsAndWritesWhatTheReferenceDoes) {
  std::mt19937 random(20260926);
  for (int round = 0; round < 2000; ++round) {
    const json value = random_value(random, 0);
    const std::string text = same(value.dump());
    const auto read = parse_msgpack(packed_by_reference(value));
    ASSERT_TRUE(read) << value.dump() << ": " << read.error().message();
    ASSERT_EQ(to_json(*read), text);
    ASSERT_EQ(same(json::from_msgpack(to_msgpack(*read)).dump()), text);
  }
}

TEST(Msgpack, KnowsTheWidestAndTheSmallestOfEachFormat) {
  for (const std::int64_t number : {std::int64_t{0},
                                    std::int64_t{127},
                                    std::int64_t{128},
                                    std::int64_t{255},
                                    std::int64_t{256},
                                    std::int64_t{65535},
                                    std::int64_t{65536},
                                    std::int64_t{4294967295},
                                    std::int64_t{4294967296},
                                    INT64_MAX,
                                    std::int64_t{-1},
                                    std::int64_t{-32},
                                    std::int64_t{-33},
                                    std::int64_t{-128},
                                    std::int64_t{-129},
                                    std::int64_t{-32768},
                                    std::int64_t{-32769},
                                    std::int64_t{INT32_MIN},
                                    std::int64_t{INT32_MIN} - 1,
                                    INT64_MIN}) {
    EXPECT_EQ(parse_msgpack(packed_by_reference(number))->as_integer(), number);
    EXPECT_EQ(parse_msgpack(to_msgpack(Value(number)))->as_integer(), number);
  }
  for (const std::size_t size : {0, 31, 32, 255, 256, 65535, 65536}) {
    const std::string text(size, 'x');
    EXPECT_EQ(parse_msgpack(packed_by_reference(text))->as_string(), text);
    EXPECT_EQ(json::from_msgpack(to_msgpack(Value(text))), json(text));
    const auto bytes = json::binary({text.begin(), text.end()});
    EXPECT_EQ(parse_msgpack(packed_by_reference(bytes))->as_string(), text);
    const json list = json::array_t(size, 7);
    EXPECT_EQ(parse_msgpack(packed_by_reference(list))->size(), size);
    EXPECT_EQ(json::from_msgpack(to_msgpack(*parse_msgpack(packed_by_reference(list)))), list);
  }
  // Beyond 63 bits a number is a real one, as in JSON.
  EXPECT_EQ(parse_msgpack(packed_by_reference(UINT64_MAX))->as_real(), 18446744073709551615.0);
  EXPECT_EQ(parse_msgpack(std::string("\xCA\x3F\x80\x00\x00", 5))->as_real(), 1.0);
}

TEST(Msgpack, TheLastOfTwoEqualKeysCounts) {
  EXPECT_EQ(to_json(*parse_msgpack("\x82\xA1k\x01\xA1k\x02")), R"({"k": 2})");
}

TEST(Msgpack, ANameThatIsNoTextIsWrittenAsText) {
  EXPECT_EQ(to_json(*parse_msgpack(to_msgpack(Value::map({{1, 2}, {nullptr, 3}})))),
            R"({"1": 2, "null": 3})");
}

TEST_P(MsgpackBroken, SaysWhereItStopsMakingSense) {
  const auto read = parse_msgpack(GetParam().bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::protocol);
  EXPECT_EQ(read.error().message(), "not MessagePack: " + GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    MsgpackBroken,
    testing::Values(Broken{"", "it ends too early (byte 0)"},
                    Broken{"\xC1", "a format that means nothing here (byte 1)"},
                    Broken{std::string("\xD4\x01\x02", 3),
                           "a format that means nothing here (byte 1)"},
                    Broken{"\xA5"
                           "four",
                           "it ends too early (byte 1)"},
                    Broken{"\xDB\xFF\xFF\xFF\xFFx", "it ends too early (byte 5)"},
                    Broken{"\xDD\xFF\xFF\xFF\xFF\x01", "it ends too early (byte 6)"},
                    Broken{"\xDF\xFF\xFF\xFF\xFF\xA1k\x01", "it ends too early (byte 8)"},
                    Broken{"\x81\x01\x02", "a key that is no text (byte 2)"},
                    Broken{"\x01\x02", "something follows the value (byte 1)"},
                    Broken{std::string(201, '\x91') + "\x01", "nested deeper than 200 (byte 201)"}),
    [](const auto& one) { return "case" + std::to_string(one.index); });

TEST(Msgpack, NestsAsDeepAsItSays) {
  EXPECT_TRUE(parse_msgpack(std::string(200, '\x91') + "\x01"));
}

TEST(Msgpack, TakesNoMoreItemsThanItSays) {
  const std::size_t most = 4'000'000;
  std::string bytes("\xDD\x00\x3D\x09\x00", 5);
  EXPECT_EQ(parse_msgpack(bytes + std::string(most, '\x01')).error().message(),
            "not MessagePack: more than 4000000 items (byte 4000004)");
}
