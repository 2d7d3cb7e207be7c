#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec file_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

Value args(std::initializer_list<std::pair<Value, Value>> entries) { return Value::map(entries); }

TEST(FileDirectory, IsMadeWithItsParents) {
  MemorySystem system;

  const Value result = expect_converges(
      file_module, args({{"path", "/opt/a/b"}, {"state", "directory"}, {"mode", "0750"}}), system);

  EXPECT_EQ(system.info("/opt/a").mode, 0750U);
  EXPECT_EQ(system.info("/opt/a/b").mode, 0750U);
  EXPECT_EQ(result.get("state"), Value("directory"));
  EXPECT_EQ(result.get("mode"), Value("0750"));
}

TEST(FileDirectory, ChangesModeAndOwnerOfWhatIsThere) {
  MemorySystem system;
  system.folder("/srv/data").user("ann", 1000, 1000);

  expect_converges(
      file_module,
      args(
          {{"path", "/srv/data"}, {"state", "directory"}, {"owner", "ann"}, {"mode", "u=rwx,go="}}),
      system);

  EXPECT_EQ(system.info("/srv/data").uid, 1000U);
  EXPECT_EQ(system.info("/srv/data").mode, 0700U);
}

TEST(FileDirectory, RecursesWithoutMakingFilesExecutable) {
  MemorySystem system;
  system.folder("/srv/data/sub", 0700)
      .file("/srv/data/sub/x", "1", 0600)
      .link("x", "/srv/data/sub/l");

  expect_converges(file_module,
                   args({{"path", "/srv/data"}, {"recurse", true}, {"mode", "u=rwX,go=rX"}}),
                   system);

  EXPECT_EQ(system.info("/srv/data/sub").mode, 0755U);
  EXPECT_EQ(system.info("/srv/data/sub/x").mode, 0644U);
}

TEST(FileDirectory, RefusesAFileInItsPlace) {
  MemorySystem system;
  system.file("/srv/x", "1");

  EXPECT_THAT(
      expect_refused(file_module, args({{"path", "/srv/x"}, {"state", "directory"}}), system),
      HasSubstr("already exists as a file"));
}

TEST(FileDirectory, EndsWhenALinkPointsUp) {
  MemorySystem system;
  system.folder("/srv/data").link("/srv/data", "/srv/data/up");

  expect_converges(
      file_module,
      args({{"path", "/srv/data"}, {"recurse", true}, {"mode", "0711"}, {"state", "directory"}}),
      system);
}

TEST(FileAbsent, RemovesTreesAndLinksButNotWhatLinksPointTo) {
  MemorySystem system;
  system.file("/srv/data/x", "1").file("/srv/keep/y", "2").link("/srv/keep", "/srv/link");

  expect_converges(file_module, args({{"path", "/srv/data"}, {"state", "absent"}}), system);
  expect_converges(file_module, args({{"path", "/srv/link"}, {"state", "absent"}}), system);

  EXPECT_FALSE(system.exists("/srv/data"));
  EXPECT_FALSE(system.exists("/srv/link"));
  EXPECT_TRUE(system.exists("/srv/keep/y"));
}

TEST(FileAbsent, ListsWhatGoesInTheDiff) {
  MemorySystem system;
  system.file("/srv/data/sub/x", "1").diff_mode(true);

  const Value result =
      test::dry_run(file_module, args({{"path", "/srv/data"}, {"state", "absent"}}), system);

  const Value& content = result.get("diff").get("before").get("path_content");
  EXPECT_EQ(content.get("directories"), Value::list({"/srv/data/sub"}));
  EXPECT_EQ(content.get("files"), Value::list({"/srv/data/sub/x"}));
}

TEST(FileLink, IsMadeAndMoved) {
  MemorySystem system;
  system.folder("/opt/cuda-12").folder("/opt/cuda-13");

  expect_converges(file_module,
                   args({{"src", "/opt/cuda-12"}, {"path", "/opt/cuda"}, {"state", "link"}}),
                   system);
  expect_converges(
      file_module, args({{"src", "cuda-13"}, {"path", "/opt/cuda"}, {"state", "link"}}), system);

  EXPECT_EQ(system.link_target("/opt/cuda"), "cuda-13");
}

TEST(FileLink, NeedsItsSourceUnlessForced) {
  MemorySystem system;
  const Value plain = args({{"src", "/nowhere"}, {"path", "/opt/l"}, {"state", "link"}});

  system.folder("/opt");
  EXPECT_THAT(expect_refused(file_module, plain, system), HasSubstr("does not exist"));
  expect_converges(file_module,
                   args({{"src", "/nowhere"},
                         {"path", "/opt/l"},
                         {"state", "link"},
                         {"force", true},
                         {"follow", false}}),
                   system);
}

TEST(FileLink, ReplacesAFileOrEmptyFolderOnlyWhenForced) {
  MemorySystem system;
  system.file("/opt/f", "x").folder("/opt/d").file("/opt/full/x", "1");

  EXPECT_THAT(
      expect_refused(
          file_module, args({{"src", "/etc"}, {"path", "/opt/f"}, {"state", "link"}}), system),
      HasSubstr("refusing"));
  expect_converges(file_module,
                   args({{"src", "/etc"}, {"path", "/opt/f"}, {"state", "link"}, {"force", true}}),
                   system);
  expect_converges(file_module,
                   args({{"src", "/etc"}, {"path", "/opt/d"}, {"state", "link"}, {"force", true}}),
                   system);
  EXPECT_THAT(
      expect_refused(
          file_module,
          args({{"src", "/etc"}, {"path", "/opt/full"}, {"state", "link"}, {"force", true}}),
          system),
      HasSubstr("not empty"));
}

TEST(FileHard, GivesAFileASecondName) {
  MemorySystem system;
  system.file("/opt/a", "x");

  expect_converges(
      file_module, args({{"src", "/opt/a"}, {"path", "/opt/b"}, {"state", "hard"}}), system);

  EXPECT_EQ(system.info("/opt/a").inode, system.info("/opt/b").inode);
}

TEST(FileHard, RefusesAnotherFileUnlessForced) {
  MemorySystem system;
  system.file("/opt/a", "x").file("/opt/b", "y");

  EXPECT_THAT(
      expect_refused(
          file_module, args({{"src", "/opt/a"}, {"path", "/opt/b"}, {"state", "hard"}}), system),
      HasSubstr("cannot link"));
  expect_converges(
      file_module,
      args({{"src", "/opt/a"}, {"path", "/opt/b"}, {"state", "hard"}, {"force", true}}),
      system);
}

TEST(FileTouch, MakesAnEmptyFileThenOnlyMovesItsTimes) {
  MemorySystem system;
  system.folder("/opt");
  const Value touch = args({{"path", "/opt/x"}, {"state", "touch"}, {"mode", "0600"}});

  EXPECT_EQ(test::run(file_module, touch, system).get("changed"), Value(true));
  EXPECT_EQ(system.info("/opt/x").mode, 0600U);
  (void)system.sleep(std::chrono::seconds(5));

  EXPECT_EQ(test::run(file_module, touch, system).get("changed"), Value(true));
  EXPECT_THAT(system.changes(), ElementsAre("write /opt/x", "set_times /opt/x"));
}

TEST(FileTouch, LeavesAFileAloneWhenTimesArePreserved) {
  MemorySystem system;
  system.file("/opt/x", "1");

  expect_unchanged(file_module,
                   args({{"path", "/opt/x"},
                         {"state", "touch"},
                         {"access_time", "preserve"},
                         {"modification_time", "preserve"}}),
                   system);
}

TEST(FileTouch, SetsExactTimes) {
  MemorySystem system;
  system.file("/opt/x", "1");

  expect_converges(file_module,
                   args({{"path", "/opt/x"},
                         {"state", "touch"},
                         {"access_time", "preserve"},
                         {"modification_time", "202001020304.05"}}),
                   system);

  EXPECT_NE(system.info("/opt/x").modified, system.info("/opt/x").accessed);
}

TEST(FileTouch, RefusesATimeOfAnotherForm) {
  MemorySystem system;
  system.file("/opt/x", "1");

  EXPECT_THAT(
      expect_refused(file_module,
                     args({{"path", "/opt/x"}, {"state", "touch"}, {"access_time", "noon"}}),
                     system),
      HasSubstr("'noon'"));
}

TEST(FileState, DefaultsToWhatIsThere) {
  MemorySystem system;
  system.folder("/srv/data", 0700).file("/srv/f", "1", 0600);

  expect_converges(file_module, args({{"path", "/srv/data"}, {"mode", "0755"}}), system);
  expect_converges(file_module, args({{"path", "/srv/f"}, {"mode", "0644"}}), system);
}

TEST(FileState, RefusesAnAbsentFile) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(file_module, args({{"path", "/srv/none"}, {"mode", "0644"}}), system),
              HasSubstr("is absent"));
}

TEST(FileState, FollowsALinkToItsTarget) {
  MemorySystem system;
  system.file("/srv/f", "1", 0600).link("f", "/srv/l");

  expect_converges(
      file_module, args({{"path", "/srv/l"}, {"state", "file"}, {"mode", "0644"}}), system);

  EXPECT_EQ(system.info("/srv/f").mode, 0644U);
}

TEST(FileArguments, RefusesContradictions) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(file_module, args({{"path", "/etc"}, {"src", "/x"}}), system),
              HasSubstr("src needs state"));
  EXPECT_THAT(
      expect_refused(
          file_module, args({{"path", "/tmp/x"}, {"recurse", true}, {"state", "touch"}}), system),
      HasSubstr("recurse needs state"));
  EXPECT_THAT(expect_refused(file_module, args({{"path", "/etc"}, {"state", "there"}}), system),
              HasSubstr("there"));
}

TEST(FileOwner, IsAWarningInADryRunAndAnErrorInARun) {
  MemorySystem system;
  system.file("/srv/f", "1");
  const Value arguments = args({{"path", "/srv/f"}, {"owner", "later"}});

  const Value foreseen = test::dry_run(file_module, arguments, system);

  EXPECT_EQ(foreseen.get("changed"), Value(true));
  EXPECT_THAT(to_text(foreseen.get("warnings")), HasSubstr("later"));
  EXPECT_THAT(expect_refused(file_module, arguments, system), HasSubstr("later"));
}

/// A host with SELinux whose chcon changes what stat then says.
class FileContext : public testing::Test {
 protected:
  FileContext() {
    system_.file("/sys/fs/selinux/enforce", "1").file("/srv/f", "1");
    show("system_u:object_r:var_t:s0:c1,c2");
    system_.when({"matchpathcon", "-n"}, "system_u:object_r:httpd_t:s0\n");
    system_.when({"chcon"}, [this](const test::Command&, MemorySystem&) {
      show("system_u:object_r:httpd_t:s0:c1,c2");
      return test::CommandResult();
    });
  }

  void show(const std::string& context) { system_.when({"stat", "-c", "%C"}, context + "\n"); }

  MemorySystem system_;
};

TEST_F(FileContext, IsSetWhereItDiffers) {
  expect_converges(file_module,
                   args({{"path", "/srv/f"}, {"setype", "httpd_t"}, {"serole", "object_r"}}),
                   system_);

  ASSERT_EQ(system_.commands().size(), 1U);
  EXPECT_THAT(system_.commands()[0].argv, ElementsAre("chcon", "-h", "-t", "httpd_t", "/srv/f"));
}

TEST_F(FileContext, TakesThePolicysDefault) {
  expect_converges(file_module, args({{"path", "/srv/f"}, {"setype", "_default"}}), system_);
}

TEST(FileContextOff, HasNoEffect) {
  MemorySystem system;
  system.file("/srv/f", "1");

  expect_unchanged(file_module, args({{"path", "/srv/f"}, {"setype", "httpd_t"}}), system);
}

}  // namespace
}  // namespace gpustack::modules
