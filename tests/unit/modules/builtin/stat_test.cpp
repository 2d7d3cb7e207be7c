#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec stat_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

Value stat_of(std::initializer_list<std::pair<Value, Value>> arguments, MemorySystem& system) {
  return expect_unchanged(stat_module, Value::map(arguments), system).get("stat");
}

TEST(Stat, SaysWhenNothingIsThere) {
  MemorySystem system;

  EXPECT_EQ(stat_of({{"path", "/none"}}, system), Value::map({{"exists", false}}));
}

TEST(Stat, DescribesAFile) {
  MemorySystem system;
  system.file("/f", "hi\n", 04755, 0, 0);

  const Value stat = stat_of({{"path", "/f"}}, system);

  EXPECT_EQ(stat.get("isreg"), Value(true));
  EXPECT_EQ(stat.get("mode"), Value("4755"));
  EXPECT_EQ(stat.get("isuid"), Value(true));
  EXPECT_EQ(stat.get("woth"), Value(false));
  EXPECT_EQ(stat.get("size"), Value(3));
  EXPECT_EQ(stat.get("checksum"), Value("55ca6286e3e4f4fba5d0448333fa99fc5a404a73"));
  EXPECT_EQ(stat.get("pw_name"), Value("root"));
  EXPECT_EQ(stat.get("gr_name"), Value("root"));
  EXPECT_EQ(stat.get("mimetype"), Value("unknown"));
  EXPECT_TRUE(stat.get("mtime").is_real());
}

TEST(Stat, TakesAnotherDigestOrNone) {
  MemorySystem system;
  system.file("/f", "hi\n");

  EXPECT_EQ(stat_of({{"path", "/f"}, {"checksum_algorithm", "sha256"}}, system).get("checksum"),
            Value(Content::of("hi\n").sha256));
  EXPECT_EQ(stat_of({{"path", "/f"}, {"get_checksum", false}}, system).find("checksum"), nullptr);
}

TEST(Stat, LooksAtTheLinkUnlessItFollows) {
  MemorySystem system;
  system.file("/dir/real", "hi\n").link("dir/real", "/l");

  const Value link = stat_of({{"path", "/l"}}, system);
  EXPECT_EQ(link.get("islnk"), Value(true));
  EXPECT_EQ(link.get("lnk_target"), Value("dir/real"));
  EXPECT_EQ(link.get("lnk_source"), Value("/dir/real"));
  EXPECT_EQ(stat_of({{"path", "/l"}, {"follow", true}}, system).get("isreg"), Value(true));
}

TEST(Stat, AsksForTheTypeWhereItCan) {
  MemorySystem system;
  system.file("/f", "hi\n").when({"file", "--mime-type"}, "/f: text/plain; charset=us-ascii\n");

  const Value stat = stat_of({{"path", "/f"}}, system);

  EXPECT_EQ(stat.get("mimetype"), Value("text/plain"));
  EXPECT_EQ(stat.get("charset"), Value("us-ascii"));
}

TEST(Stat, NamesAttributes) {
  MemorySystem system;
  system.file("/f", "hi\n");
  ASSERT_TRUE(system.set_attribute_flags("/f", "=ie"));

  const Value stat = stat_of({{"path", "/f"}}, system);

  EXPECT_EQ(stat.get("attributes"), Value::list({"immutable", "extents"}));
}

TEST(Stat, RefusesAnUnknownDigest) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(
          stat_module, Value::map({{"path", "/etc"}, {"checksum_algorithm", "crc"}}), system),
      HasSubstr("crc"));
}

}  // namespace
}  // namespace gpustack::modules
