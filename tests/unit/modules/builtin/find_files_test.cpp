#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec find_files_module;

namespace {

using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Find : public testing::Test {
 protected:
  Find() {
    system_.file("/t/a.log", "one\ntwo\n")
        .file("/t/b.txt", std::string(3000, 'x'))
        .file("/t/.hidden", "");
    system_.file("/t/sub/c.log", "two\n")
        .file("/t/sub/deep/d.log", "three\n")
        .link("sub", "/t/link");
  }

  std::vector<std::string> find(std::initializer_list<std::pair<Value, Value>> more) {
    Value arguments = Value::map(more);
    arguments.set("paths", "/t");
    result_ = expect_unchanged(find_files_module, arguments, system_);
    std::vector<std::string> paths;
    for (const Value& file : result_.get("files").as_list())
      paths.push_back(to_text(file.get("path")));
    return paths;
  }

  MemorySystem system_;
  Value result_;
};

TEST_F(Find, ListsFilesOfOneFolder) {
  EXPECT_THAT(find({}), ElementsAre("/t/a.log", "/t/b.txt"));
  EXPECT_EQ(result_.get("matched"), Value(2));
  EXPECT_EQ(result_.get("examined"), Value(5));
}

TEST_F(Find, FiltersByName) {
  EXPECT_THAT(find({{"patterns", "*.log,*.conf"}}), ElementsAre("/t/a.log"));
  EXPECT_THAT(find({{"excludes", "*.log"}}), ElementsAre("/t/b.txt"));
  EXPECT_THAT(find({{"patterns", Value::list({"^[ab]"})},
                    {"use_regex", true},
                    {"excludes", Value::list({".*txt$"})}}),
              ElementsAre("/t/a.log"));
  EXPECT_THAT(find({{"hidden", true}, {"patterns", ".h*"}}), ElementsAre("/t/.hidden"));
}

TEST_F(Find, EntersFoldersDownToADepth) {
  EXPECT_THAT(find({{"patterns", "*.log"}, {"recurse", true}}),
              UnorderedElementsAre("/t/a.log", "/t/sub/c.log", "/t/sub/deep/d.log"));
  EXPECT_THAT(find({{"patterns", "*.log"}, {"recurse", true}, {"depth", 2}}),
              UnorderedElementsAre("/t/a.log", "/t/sub/c.log"));
  EXPECT_THAT(find({{"patterns", "c.log"}, {"recurse", true}, {"follow", true}}),
              UnorderedElementsAre("/t/sub/c.log", "/t/link/c.log"));
}

TEST_F(Find, FiltersByKind) {
  EXPECT_THAT(find({{"file_type", "directory"}}), ElementsAre("/t/sub"));
  EXPECT_THAT(find({{"file_type", "link"}}), ElementsAre("/t/link"));
  EXPECT_THAT(find({{"file_type", "any"}}),
              UnorderedElementsAre("/t/a.log", "/t/b.txt", "/t/sub", "/t/link"));
}

TEST_F(Find, FiltersBySizeAgeAndContent) {
  EXPECT_THAT(find({{"size", "2k"}}), ElementsAre("/t/b.txt"));
  EXPECT_THAT(find({{"size", "-2k"}}), ElementsAre("/t/a.log"));
  EXPECT_THAT(find({{"contains", "tw"}}), ElementsAre("/t/a.log"));
  EXPECT_THAT(find({{"contains", "wo"}}), ElementsAre());
  EXPECT_THAT(find({{"contains", "one\\ntwo"}, {"read_whole_file", true}}),
              ElementsAre("/t/a.log"));
  (void)system_.sleep(std::chrono::hours(3));
  system_.file("/t/new", "");
  EXPECT_THAT(find({{"age", "2h"}, {"patterns", "a.log,new"}}), ElementsAre("/t/a.log"));
  EXPECT_THAT(find({{"age", "-2h"}, {"patterns", "a.log,new"}}), ElementsAre("/t/new"));
}

TEST_F(Find, AddsADigestWhenAsked) {
  find({{"patterns", "a.log"}, {"get_checksum", true}});

  EXPECT_EQ(result_.get("files").as_list()[0].get("checksum").size(), 40U);
}

TEST_F(Find, WarnsOfAPathThatIsNoFolder) {
  const Value result =
      expect_unchanged(find_files_module, Value::map({{"paths", "/t,/none"}}), system_);

  EXPECT_THAT(to_text(result.get("skipped_paths").get("/none")), HasSubstr("not a directory"));
  EXPECT_EQ(result.get("matched"), Value(2));
}

TEST_F(Find, RefusesWhatItCannotRead) {
  EXPECT_THAT(
      expect_refused(find_files_module, Value::map({{"paths", "/t"}, {"age", "old"}}), system_),
      HasSubstr("age 'old'"));
  EXPECT_THAT(
      expect_refused(find_files_module, Value::map({{"paths", "/t"}, {"size", "5x"}}), system_),
      HasSubstr("size '5x'"));
  EXPECT_THAT(expect_refused(find_files_module,
                             Value::map({{"paths", "/t"}, {"patterns", "("}, {"use_regex", true}}),
                             system_),
              HasSubstr("regular expression"));
}

}  // namespace
}  // namespace gpustack::modules
