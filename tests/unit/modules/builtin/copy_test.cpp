#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec copy_module;
extern const ModuleSpec template_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Value with_content(const std::string& text, std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(more);
  arguments.set("_content", Content::of(text).to_value());
  return arguments;
}

TEST(Copy, WritesANewFileWithItsMode) {
  MemorySystem system;
  system.user("ann", 1000, 1000);

  const Value result = expect_converges(
      copy_module,
      with_content("hi\n", {{"dest", "/etc/f"}, {"mode", "0600"}, {"owner", "ann"}}),
      system);

  EXPECT_EQ(system.text("/etc/f"), "hi\n");
  EXPECT_EQ(system.info("/etc/f").mode, 0600U);
  EXPECT_EQ(system.info("/etc/f").uid, 1000U);
  EXPECT_EQ(result.get("checksum"), Value("55ca6286e3e4f4fba5d0448333fa99fc5a404a73"));
  EXPECT_EQ(result.get("dest"), Value("/etc/f"));
  EXPECT_EQ(result.get("mode"), Value("0600"));
}

TEST(Copy, KeepsModeAndOwnerOfWhatItReplaces) {
  MemorySystem system;
  system.file("/etc/f", "old", 0640, 5, 6);

  expect_converges(copy_module, with_content("new", {{"dest", "/etc/f"}}), system);

  EXPECT_EQ(system.info("/etc/f").mode, 0640U);
  EXPECT_EQ(system.info("/etc/f").uid, 5U);
}

TEST(Copy, ChangesModeWithoutWritingAgain) {
  MemorySystem system;
  system.file("/etc/f", "same", 0644);

  expect_converges(
      copy_module, with_content("same", {{"dest", "/etc/f"}, {"mode", "0600"}}), system);

  EXPECT_THAT(system.changes(), ElementsAre("set_mode /etc/f"));
}

TEST(Copy, AsksForBytesOnlyWhenTheFileDiffers) {
  MemorySystem system;
  const std::string bytes(100'000, 'x');
  const Content content = system.remote_content(bytes);
  Value arguments = Value::map({{"dest", "/etc/f"}});
  arguments.set("_content", content.to_value());
  system.file("/etc/f", bytes);

  expect_unchanged(copy_module, arguments, system);
  EXPECT_EQ(system.fetched_contents(), 0U);

  system.file("/etc/f", "other");
  expect_converges(copy_module, arguments, system);
  EXPECT_EQ(system.text("/etc/f"), bytes);
}

TEST(Copy, PutsAFileInsideAFolder) {
  MemorySystem system;
  system.folder("/srv/d");

  expect_converges(copy_module,
                   with_content("1", {{"dest", "/srv/d"}, {"_original_basename", "a.conf"}}),
                   system);
  expect_converges(copy_module,
                   with_content("1",
                                {{"dest", "/srv/new/deep/"},
                                 {"_original_basename", "b.conf"},
                                 {"directory_mode", "0700"}}),
                   system);

  EXPECT_TRUE(system.exists("/srv/d/a.conf"));
  EXPECT_TRUE(system.exists("/srv/new/deep/b.conf"));
  EXPECT_EQ(system.info("/srv/new").mode, 0700U);
  EXPECT_THAT(expect_refused(copy_module, with_content("1", {{"dest", "/srv/d"}}), system),
              HasSubstr("dir as dest"));
}

TEST(Copy, NeedsTheFolderInARunButNotInADryRun) {
  MemorySystem system;
  const Value arguments = with_content("1", {{"dest", "/srv/none/f"}});

  EXPECT_EQ(test::dry_run(copy_module, arguments, system).get("changed"), Value(true));
  EXPECT_THAT(expect_refused(copy_module, arguments, system),
              HasSubstr("'/srv/none' does not exist"));
}

TEST(Copy, KeepsWhatIsThereWithoutForce) {
  MemorySystem system;
  system.file("/etc/f", "old");

  expect_unchanged(
      copy_module, with_content("new", {{"dest", "/etc/f"}, {"force", false}}), system);
}

TEST(Copy, ReplacesALinkUnlessItFollows) {
  MemorySystem system;
  system.file("/etc/real", "old", 0600).link("real", "/etc/l");

  expect_converges(
      copy_module, with_content("new", {{"dest", "/etc/l"}, {"follow", true}}), system);
  EXPECT_EQ(system.text("/etc/real"), "new");
  EXPECT_EQ(system.link_target("/etc/l"), "real");

  expect_converges(copy_module, with_content("newer", {{"dest", "/etc/l"}}), system);
  EXPECT_EQ(system.text("/etc/real"), "new");
  EXPECT_EQ(system.text("/etc/l"), "newer");
  EXPECT_EQ(system.info("/etc/l").kind, FileKind::regular);
  EXPECT_EQ(system.info("/etc/l").mode, 0644U);
}

TEST(Copy, KeepsABackup) {
  MemorySystem system;
  system.file("/etc/f", "old");

  const Value result =
      test::run(copy_module, with_content("new", {{"dest", "/etc/f"}, {"backup", true}}), system);

  EXPECT_EQ(system.text(to_text(result.get("backup_file"))), "old");
}

TEST(Copy, LeavesTheOldFileWhenValidationFails) {
  MemorySystem system;
  system.file("/etc/f", "old").when({"check"}, "", 1, "bad line");

  EXPECT_THAT(
      expect_refused(
          copy_module, with_content("new", {{"dest", "/etc/f"}, {"validate", "check %s"}}), system),
      Not(testing::IsEmpty()));

  EXPECT_EQ(system.text("/etc/f"), "old");
}

TEST(Copy, RefusesContentOfAnotherChecksum) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(copy_module,
                     with_content("new", {{"dest", "/etc/f"}, {"checksum", std::string(40, '0')}}),
                     system),
      HasSubstr("expected 0000"));
}

TEST(Copy, ShowsBothTexts) {
  MemorySystem system;
  system.file("/etc/f", "old\n").diff_mode(true);

  const Value result =
      test::dry_run(copy_module, with_content("new\n", {{"dest", "/etc/f"}}), system);

  EXPECT_EQ(result.get("diff").get("before"), Value("old\n"));
  EXPECT_EQ(result.get("diff").get("after"), Value("new\n"));
}

TEST(CopyFolder, PlacesFilesFoldersAndLinks) {
  MemorySystem system;
  Value arguments =
      Value::map({{"dest", "/opt/app"}, {"directory_mode", "0750"}, {"mode", "0640"}});
  arguments.set("_directories", Value::list({"conf", "empty"}));
  arguments.set(
      "_files",
      Value::list(
          {Value::map({{"path", "conf/a"}, {"_content", Content::of("A").to_value()}}),
           Value::map(
               {{"path", "run"}, {"_content", Content::of("R").to_value()}, {"mode", "0755"}}),
           Value::map({{"path", "l"}, {"link", "run"}})}));

  expect_converges(copy_module, arguments, system);

  EXPECT_EQ(system.text("/opt/app/conf/a"), "A");
  EXPECT_EQ(system.info("/opt/app/conf/a").mode, 0640U);
  EXPECT_EQ(system.info("/opt/app/run").mode, 0755U);
  EXPECT_EQ(system.info("/opt/app/empty").mode, 0750U);
  EXPECT_EQ(system.info("/opt/app").mode, 0750U);
  EXPECT_EQ(system.link_target("/opt/app/l"), "run");
}

TEST(CopyRemote, CopiesAFileOfTheHost) {
  MemorySystem system;
  system.file("/srv/a", "x", 0750);

  expect_converges(copy_module,
                   Value::map({{"src", "/srv/a"}, {"dest", "/srv/b"}, {"remote_src", true}}),
                   system);
  expect_converges(
      copy_module,
      Value::map(
          {{"src", "/srv/a"}, {"dest", "/srv/c"}, {"remote_src", true}, {"mode", "preserve"}}),
      system);

  EXPECT_EQ(system.info("/srv/b").mode, 0644U);
  EXPECT_EQ(system.info("/srv/c").mode, 0750U);
  EXPECT_EQ(system.text("/srv/c"), "x");
  EXPECT_THAT(
      expect_refused(copy_module,
                     Value::map({{"src", "/srv/none"}, {"dest", "/srv/b"}, {"remote_src", true}}),
                     system),
      HasSubstr("does not exist on the host"));
}

TEST(CopyRemote, CopiesAFolderBesideOrIntoAnother) {
  MemorySystem system;
  system.file("/srv/src/sub/a", "x", 0600).link("a", "/srv/src/sub/l").folder("/srv/there");

  expect_converges(copy_module,
                   Value::map({{"src", "/srv/src"}, {"dest", "/srv/there"}, {"remote_src", true}}),
                   system);
  expect_converges(copy_module,
                   Value::map({{"src", "/srv/src/"}, {"dest", "/srv/flat"}, {"remote_src", true}}),
                   system);

  EXPECT_EQ(system.text("/srv/there/src/sub/a"), "x");
  EXPECT_EQ(system.info("/srv/there/src/sub/a").mode, 0600U);
  EXPECT_EQ(system.text("/srv/flat/sub/a"), "x");
  EXPECT_EQ(system.link_target("/srv/flat/sub/l"), "a");
}

TEST(CopyRemote, CopiesOnlyWhatDiffers) {
  MemorySystem system;
  system.file("/srv/src/a", "1")
      .file("/srv/src/b", "2")
      .file("/srv/dst/a", "1", 0600)
      .file("/srv/dst/own", "3");

  expect_converges(copy_module,
                   Value::map({{"src", "/srv/src/"}, {"dest", "/srv/dst"}, {"remote_src", true}}),
                   system);

  EXPECT_THAT(system.changes(), ElementsAre("write /srv/dst/b"));
  EXPECT_EQ(system.text("/srv/dst/own"), "3");
}

TEST(CopyArguments, RefuseTwoSourcesAndNone) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(
          copy_module, Value::map({{"src", "a"}, {"content", "b"}, {"dest", "/etc/f"}}), system),
      HasSubstr("content"));
  EXPECT_THAT(expect_refused(copy_module, Value::map({{"src", "a"}, {"dest", "/etc/f"}}), system),
              HasSubstr("did not arrive"));
}

TEST(Template, PutsItsContentAsCopyDoes) {
  MemorySystem system;
  Value arguments =
      with_content("text", {{"src", "a.j2"}, {"dest", "/etc/"}, {"_original_basename", "a.j2"}});

  expect_converges(template_module, arguments, system);

  EXPECT_EQ(system.text("/etc/a.j2"), "text");
}

TEST(Template, TakesTheLineEndsAnsibleTakes) {
  for (const char* sequence : {"\n", "\\n", "\r\n", "\\r\\n"}) {
    MemorySystem system;
    const Value result = test::run(
        template_module,
        with_content("x", {{"src", "a.j2"}, {"dest", "/etc/f"}, {"newline_sequence", sequence}}),
        system);
    EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  }
  MemorySystem system;
  EXPECT_THAT(
      expect_refused(
          template_module,
          with_content("x", {{"src", "a.j2"}, {"dest", "/etc/f"}, {"newline_sequence", "x"}}),
          system),
      HasSubstr("newline_sequence"));
}

}  // namespace
}  // namespace gpustack::modules
