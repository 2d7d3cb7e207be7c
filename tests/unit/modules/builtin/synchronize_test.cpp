#include "core/base/msgpack.hpp"
#include "modules/builtin/support/sync_list.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec synchronize_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::seconds kThen{1'700'000'000};

/// A copy from one place of the host to another: the listing and the receiving side in one.
Value here(std::initializer_list<std::pair<Value, Value>> more) {
  Value out = Value::map({{"src", "/from/"}, {"dest", "/to"}, {"_here", true}});
  for (const auto& [key, value] : more) out.set(key.as_string(), value);
  return out;
}

std::vector<std::string> lines(const Value& result) {
  std::vector<std::string> out;
  for (const Value& line : result.get("stdout_lines").as_list()) out.push_back(line.as_string());
  return out;
}

void age(MemorySystem& system, std::initializer_list<const char*> paths) {
  for (const char* path : paths) ASSERT_TRUE(system.set_times(path, kThen, kThen));
}

void arrange_source(MemorySystem& system) {
  system.file("/from/a", "one", 0640).file("/from/sub/b", "two").link("a", "/from/link");
  age(system, {"/from/a", "/from/sub/b", "/from/sub", "/from"});
}

TEST(Synchronize, MakesOneFolderAsTheOther) {
  MemorySystem system;
  arrange_source(system);

  const Value result = expect_converges(synchronize_module, here({}), system);

  EXPECT_THAT(lines(result),
              ElementsAre("cd+++++++++ ./",
                          ">f+++++++++ a",
                          "cL+++++++++ link -> a",
                          "cd+++++++++ sub/",
                          ">f+++++++++ sub/b"));
  EXPECT_EQ(system.text("/to/sub/b"), "two");
  EXPECT_EQ(system.info("/to/a").mode, 0640U);
  EXPECT_EQ(system.info("/to/a").modified, kThen);
  EXPECT_EQ(system.info("/to/sub").modified, kThen);
  EXPECT_EQ(system.link_target("/to/link"), "a");
}

TEST(Synchronize, LooksAtSizeAndTimeUnlessContentsAreCompared) {
  MemorySystem system;
  arrange_source(system);
  test::run(synchronize_module, here({}), system);
  system.file("/to/a", "eno", 0640);
  age(system, {"/to/a", "/to"});

  expect_unchanged(synchronize_module, here({}), system);
  const Value result = expect_converges(synchronize_module, here({{"checksum", true}}), system);

  EXPECT_THAT(lines(result), ElementsAre(">fc........ a"));
  EXPECT_EQ(system.text("/to/a"), "one");
}

TEST(Synchronize, CorrectsModesAndTimesWithoutSending) {
  MemorySystem system;
  arrange_source(system);
  test::run(synchronize_module, here({}), system);
  ASSERT_TRUE(system.set_mode("/to/a", 0600));
  ASSERT_TRUE(system.set_times("/to/sub", {}, kThen + std::chrono::hours(1)));

  const Value result = expect_converges(synchronize_module, here({}), system);

  EXPECT_THAT(lines(result), ElementsAre(".f...p..... a", ".d..t...... sub/"));
}

TEST(Synchronize, RemovesWhatOnlyTheDestinationHasUnlessItIsExcluded) {
  MemorySystem system;
  arrange_source(system);
  test::run(synchronize_module, here({}), system);
  system.file("/to/old/x", "").file("/to/old/kept.log", "").file("/to/gone/y", "");
  const Value arguments =
      here({{"delete", true}, {"rsync_opts", Value::list({"--exclude=*.log"})}});

  const Value result = expect_converges(synchronize_module, arguments, system);

  EXPECT_THAT(lines(result), Contains("*deleting   old/x"));
  EXPECT_THAT(lines(result), Contains("*deleting   gone/"));
  EXPECT_TRUE(system.exists("/to/old/kept.log"));
  EXPECT_FALSE(system.exists("/to/gone"));
}

TEST(Synchronize, MakesNothingNewWhenAsked) {
  MemorySystem system;
  arrange_source(system);
  system.file("/to/a", "older");

  expect_converges(synchronize_module, here({{"existing_only", true}}), system);

  EXPECT_EQ(system.text("/to/a"), "one");
  EXPECT_FALSE(system.exists("/to/sub"));
}

TEST(Synchronize, OneFileGetsTheNameOfTheDestination) {
  MemorySystem system;
  arrange_source(system);

  expect_converges(synchronize_module, here({{"src", "/from/a"}, {"dest", "/copy.txt"}}), system);

  EXPECT_EQ(system.text("/copy.txt"), "one");
}

TEST(Synchronize, AsksForContentsAndPlacesThem) {
  MemorySystem system;
  SyncEntry entry;
  entry.path = "a";
  entry.mode = 0644;
  entry.size = 5;
  entry.modified = kThen;
  const Value list = Content::of(to_msgpack(sync_value({entry}))).to_value();
  Value arguments = Value::map({{"src", "x/a"}, {"dest", "/new/"}, {"_list", list}});

  const Value asked = test::run(synchronize_module, arguments, system);
  EXPECT_EQ(asked.get("_wanted"), Value::list({0}));
  EXPECT_FALSE(system.exists("/new"));
  arguments.set("_contents", Value::map({{"0", system.remote_content("hello").to_value()}}));
  const Value result = expect_converges(synchronize_module, arguments, system);

  EXPECT_THAT(lines(result), ElementsAre("<f+++++++++ a"));
  EXPECT_EQ(system.text("/new/a"), "hello");
}

TEST(Synchronize, OwnersAreKnownByName) {
  MemorySystem system;
  system.user("web", 1001, 1001);
  SyncEntry entry;
  entry.path = "a";
  entry.uid = entry.gid = 4242;
  entry.user = entry.group = "web";
  const Value arguments =
      Value::map({{"src", "a"},
                  {"dest", "/srv/"},
                  {"_list", Content::of(to_msgpack(sync_value({entry}))).to_value()},
                  {"_contents", Value::map({{"0", Content::of("").to_value()}})}});

  test::run(synchronize_module, arguments, system);

  EXPECT_EQ(system.info("/srv/a").uid, 1001U);
  EXPECT_EQ(system.info("/srv/a").gid, 1001U);
}

TEST(Synchronize, TellsWhatItLeavesOut) {
  MemorySystem system;
  arrange_source(system);

  const Value flat = test::run(synchronize_module, here({{"recursive", false}}), system);
  const Value plain =
      test::run(synchronize_module, here({{"archive", false}, {"recursive", true}}), system);

  EXPECT_THAT(lines(flat), ElementsAre("skipping directory ."));
  EXPECT_EQ(flat.get("changed"), Value(false));
  EXPECT_THAT(lines(plain), Contains("skipping non-regular file \"link\""));
}

SyncEntry entry(SyncEntry::Kind kind, std::string path) {
  SyncEntry out;
  out.kind = kind;
  out.path = std::move(path);
  return out;
}

TEST(Synchronize, AListThatCameStaysInItsFolder) {
  using Kind = SyncEntry::Kind;
  const SyncEntry top = entry(Kind::folder, ".");
  const SyncEntry folder = entry(Kind::folder, "a");
  EXPECT_TRUE(sync_entries(sync_value({top,
                                       folder,
                                       entry(Kind::file, "a/b"),
                                       entry(Kind::left_out, ""),
                                       entry(Kind::left_out, "")})));
  const std::vector<std::vector<SyncEntry>> bad = {
      {top, entry(Kind::file, "../b")},
      {top, entry(Kind::file, "..")},
      {top, entry(Kind::file, "/etc/passwd")},
      {top, entry(Kind::file, "")},
      {top, entry(Kind::file, ".")},
      {top, folder, entry(Kind::file, "a/../../b")},
      {top, folder, entry(Kind::file, "a/.")},
      {top, folder, entry(Kind::file, "a/")},
      {top, entry(Kind::file, "a/b")},                          // what is "a" there?
      {top, entry(Kind::link, "a"), entry(Kind::file, "a/b")},  // through a link
      {top, entry(Kind::link, "a"), folder, entry(Kind::file, "a/b")},
      {entry(Kind::link, "."), entry(Kind::file, "b")},
      {folder, top}};
  for (const std::vector<SyncEntry>& list : bad) {
    const auto taken = sync_entries(sync_value(list));
    ASSERT_FALSE(taken) << list.back().path;
    EXPECT_THAT(taken.error().message(), HasSubstr("leads out of its folder"));
  }
}

TEST(Synchronize, ADamagedListIsRefused) {
  Value list = sync_value({entry(SyncEntry::Kind::file, "a")});
  EXPECT_TRUE(sync_entries(list));
  list.mutable_list()[0].mutable_list()[0] = Value(9);
  EXPECT_FALSE(sync_entries(list));
  EXPECT_FALSE(sync_entries(Value::list({Value::list({1, "a"})})));
}

TEST(Synchronize, RefusesWhatItCannotDo) {
  MemorySystem system;
  arrange_source(system);
  const auto refused = [&](std::initializer_list<std::pair<Value, Value>> more) {
    return expect_refused(synchronize_module, here(more), system);
  };

  EXPECT_THAT(refused({{"rsync_opts", Value::list({"--bwlimit=100"})}}),
              HasSubstr("'--bwlimit=100'"));
  EXPECT_THAT(refused({{"delete", true}, {"recursive", false}}), HasSubstr("delete does not work"));
  EXPECT_THAT(refused({{"rsync_path", "sudo rsync"}}), HasSubstr("become"));
  EXPECT_THAT(refused({{"dest", "/no/such/folder"}}), HasSubstr("'/no/such' does not exist"));
  EXPECT_THAT(refused({{"src", "/nowhere/"}}), HasSubstr("'/nowhere/' does not exist"));
  system.file("/to/a/inside", "");
  EXPECT_THAT(refused({}), HasSubstr("could not make way"));
  system.file("/from/.rsync-filter", "- *.o");
  EXPECT_THAT(refused({}), HasSubstr(".rsync-filter"));
}

struct FilterCase {
  const char* name;
  std::vector<std::string> options;
  std::vector<std::string> kept;
};

class SynchronizeFilter : public testing::TestWithParam<FilterCase> {};

TEST_P(SynchronizeFilter, LeavesOutAsRsyncDoes) {
  MemorySystem system;
  for (const char* path :
       {"/from/a.log", "/from/b", "/from/sub/a.log", "/from/sub/c", "/from/sub/deep/d"})
    system.file(path, "");
  const auto filter = RsyncFilter::parse(GetParam().options);
  ASSERT_TRUE(filter) << filter.error().message();
  SyncRules rules;
  rules.filter = *filter;

  const auto entries = list_source(system, "/from/", rules);

  ASSERT_TRUE(entries);
  std::vector<std::string> files;
  for (const SyncEntry& entry : *entries)
    if (entry.kind == SyncEntry::Kind::file) files.push_back(entry.path);
  EXPECT_EQ(files, GetParam().kept);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    SynchronizeFilter,
    testing::Values(
        FilterCase{"by_name", {"--exclude=*.log"}, {"b", "sub/c", "sub/deep/d"}},
        FilterCase{"anchored", {"--exclude=/a.log"}, {"b", "sub/a.log", "sub/c", "sub/deep/d"}},
        FilterCase{"two_words", {"--exclude", "a.*"}, {"b", "sub/c", "sub/deep/d"}},
        FilterCase{"in_one_text",
                   {"--include='sub/a.log' --exclude=*.log"},
                   {"b", "sub/a.log", "sub/c", "sub/deep/d"}},
        FilterCase{"folders_only",
                   {"--exclude=b/", "--exclude=deep/"},
                   {"a.log", "b", "sub/a.log", "sub/c"}},
        FilterCase{"star_stops_at_slashes",
                   {"--exclude=/*/d"},
                   {"a.log", "b", "sub/a.log", "sub/c", "sub/deep/d"}},
        FilterCase{"two_stars_do_not", {"--exclude=/**/d"}, {"a.log", "b", "sub/a.log", "sub/c"}},
        FilterCase{"all_below",
                   {"--include=/sub/", "--include=/sub/deep/***", "--exclude=*"},
                   {"sub/deep/d"}},
        FilterCase{"brackets", {"--exclude=[a-c]"}, {"a.log", "sub/a.log", "sub/deep/d"}}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace gpustack::modules
