#include "modules/builtin/support/archive.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec unarchive_module;

namespace {

using test::Command;
using test::CommandResult;
using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::Contains;
using testing::HasSubstr;

/// A host whose tar knows one archive with the file `d/f`.
class Unarchive : public testing::Test {
 protected:
  Unarchive() {
    system_.folder("/dst").file("/a.tgz", "bytes");
    system_.when({"tar", "--list"}, "d/\nd/f\n");
    system_.when({"tar", "--diff"}, [](const Command&, MemorySystem& system) {
      CommandResult result;
      if (!system.exists("/dst/d/f")) {
        result.status = 1;
        result.errors = "tar: d/f: Warning: Cannot stat: No such file or directory\n";
      }
      return result;
    });
    system_.when({"tar", "--extract"}, [](const Command&, MemorySystem& system) {
      system.file("/dst/d/f", "x");
      return CommandResult();
    });
  }

  MemorySystem system_;
};

TEST_F(Unarchive, UnpacksOnceAnArchiveOfTheHost) {
  const Value arguments =
      Value::map({{"src", "/a.tgz"}, {"dest", "/dst"}, {"remote_src", true}, {"list_files", true}});

  const Value result = expect_converges(unarchive_module, arguments, system_);

  EXPECT_EQ(result.get("handler"), Value("TarArchive"));
  EXPECT_EQ(result.get("files"), Value::list({"d/", "d/f"}));
}

TEST_F(Unarchive, RefusesMembersThatLeadOutOfTheFolder) {
  system_.when({"tar", "--list"}, "d/f\nd/../../etc/passwd\n");

  const Value result = test::run(
      unarchive_module,
      Value::map({{"src", "/a.tgz"}, {"dest", "/dst"}, {"remote_src", true}, {"mode", "0666"}}),
      system_);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("../../etc/passwd"));
  EXPECT_FALSE(system_.exists("/dst/d/f"));
}

TEST_F(Unarchive, UnpacksWhatTheControllerSendsAndRemovesIt) {
  Value arguments = Value::map({{"src", "a.tgz"}, {"dest", "/dst"}});
  arguments.set("_content", system_.remote_content("bytes").to_value());

  EXPECT_EQ(test::dry_run(unarchive_module, arguments, system_).get("skipped"), Value(true));
  const Value result = test::run(unarchive_module, arguments, system_);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  EXPECT_TRUE(system_.exists("/dst/d/f"));
  EXPECT_FALSE(system_.exists(to_text(result.get("src"))));
}

TEST_F(Unarchive, LoadsAWebAddress) {
  system_.answers("http://h/a.tgz", 200, "bytes");

  const Value result =
      test::run(unarchive_module,
                Value::map({{"src", "http://h/a.tgz"}, {"dest", "/dst"}, {"remote_src", true}}),
                system_);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  EXPECT_TRUE(system_.exists("/dst/d/f"));
}

TEST_F(Unarchive, GivesEveryFileItsModeAndPassesOptionsOn) {
  const Value arguments = Value::map({{"src", "/a.tgz"},
                                      {"dest", "/dst"},
                                      {"remote_src", true},
                                      {"mode", "u=rwX,go="},
                                      {"extra_opts", Value::list({"--strip-components=1"})},
                                      {"exclude", Value::list({"doc/"})}});

  expect_converges(unarchive_module, arguments, system_);

  EXPECT_EQ(system_.info("/dst/d/f").mode, 0600U);
  EXPECT_EQ(system_.info("/dst/d").mode, 0700U);
  EXPECT_THAT(system_.commands().back().argv, Contains("--strip-components=1"));
  EXPECT_THAT(system_.commands().back().argv, Contains("--exclude=doc"));
}

TEST_F(Unarchive, LooksIntoNoArchiveWithOptionsThatCouldWrite) {
  const Value arguments =
      Value::map({{"src", "/a.tgz"},
                  {"dest", "/dst"},
                  {"remote_src", true},
                  {"extra_opts", Value::list({"--checkpoint-action=exec=sh"})}});

  EXPECT_EQ(test::dry_run(unarchive_module, arguments, system_).get("skipped"), Value(true));
  EXPECT_TRUE(system_.queries().empty());
}

TEST_F(Unarchive, IsSkippedWhenThePathExists) {
  const Value result = test::run(
      unarchive_module,
      Value::map({{"src", "/a.tgz"}, {"dest", "/dst"}, {"remote_src", true}, {"creates", "/etc"}}),
      system_);

  EXPECT_EQ(result.get("skipped"), Value(true));
}

TEST_F(Unarchive, ReportsWhyTarFailed) {
  system_.when({"tar", "--extract"}, "", 2, "tar: disk full\n");

  const Value result =
      test::run(unarchive_module,
                Value::map({{"src", "/a.tgz"}, {"dest", "/dst"}, {"remote_src", true}}),
                system_);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("disk full"));
  EXPECT_EQ(result.get("extract_results").get("rc"), Value(2));
}

TEST_F(Unarchive, RefusesWhatIsMissing) {
  const auto refused = [&](const char* src, const char* dest) {
    return expect_refused(unarchive_module,
                          Value::map({{"src", src}, {"dest", dest}, {"remote_src", true}}),
                          system_);
  };

  EXPECT_THAT(refused("/none", "/dst"), HasSubstr("does not exist"));
  EXPECT_THAT(refused("/a.tgz", "/none"), HasSubstr("is no folder"));
  system_.file("/empty", "");
  EXPECT_THAT(refused("/empty", "/dst"), HasSubstr("is empty"));
  EXPECT_THAT(
      expect_refused(unarchive_module, Value::map({{"src", "a"}, {"dest", "/dst"}}), system_),
      HasSubstr("did not arrive"));
}

TEST(UnarchiveZip, ComparesSizeAndChecksum) {
  MemorySystem system;
  system.folder("/dst").file("/a.zip", "bytes").program("tar");
  system.when({"unzip", "-v"},
              "Archive:  /a.zip\n Length   Method    Size  Cmpr    Date    Time   CRC-32   Name\n"
              "--------  ------  ------- ---- ---------- ----- --------  ----\n"
              "       9  Stored        9   0% 2024-01-01 10:00 cbf43926  a file\n"
              "--------          -------  ---                            -------\n"
              "       9                9   0%                            1 file\n");
  system.when({"unzip", "-o"}, [](const Command&, MemorySystem& host) {
    host.file("/dst/a file", "123456789");
    return CommandResult();
  });

  const Value result = expect_converges(
      unarchive_module,
      Value::map({{"src", "/a.zip"}, {"dest", "/dst"}, {"remote_src", true}, {"list_files", true}}),
      system);

  EXPECT_EQ(result.get("handler"), Value("ZipArchive"));
  EXPECT_EQ(result.get("files"), Value::list({"a file"}));
  system.file("/dst/a file", "123456780");
  EXPECT_EQ(test::dry_run(unarchive_module,
                          Value::map({{"src", "/a.zip"}, {"dest", "/dst"}, {"remote_src", true}}),
                          system)
                .get("changed"),
            Value(true));
}

TEST(Crc32, HasItsCheckValue) { EXPECT_EQ(crc32("123456789"), 0xcbf43926U); }

}  // namespace
}  // namespace gpustack::modules
