#include "modules/builtin/support/tree_list.hpp"
#include "modules/sdk/hash.hpp"
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

TEST(Copy, ComparesAChecksumOfWhatIsOnTheController) {
  MemorySystem system;
  const std::string large(20'000, 'a');
  Value arguments = Value::map({{"dest", "/etc/f"}, {"checksum", std::string(40, '0')}});
  arguments.set("_content", system.remote_content(large).to_value());
  arguments.set("_sha1", hash_bytes(Algorithm::sha1, large));

  EXPECT_THAT(expect_refused(copy_module, arguments, system), HasSubstr("expected 0000"));
  EXPECT_EQ(system.fetched_contents(), 0U);
  arguments.set("checksum", hash_bytes(Algorithm::sha1, large));
  expect_converges(copy_module, arguments, system);
}

TEST(Copy, ShowsBothTexts) {
  MemorySystem system;
  system.file("/etc/f", "old\n").diff_mode(true);

  const Value result =
      test::dry_run(copy_module, with_content("new\n", {{"dest", "/etc/f"}}), system);

  EXPECT_EQ(result.get("diff").get("before"), Value("old\n"));
  EXPECT_EQ(result.get("diff").get("after"), Value("new\n"));
}

struct TreeFile {
  std::string path;
  std::string bytes;
  std::optional<std::uint32_t> mode = std::nullopt;
};

/// What the controller sends of a folder. @param rides  the bytes travel with the task
Value tree_of(MemorySystem& system,
              Value arguments,
              const std::vector<TreeFile>& files,
              bool rides,
              std::vector<TreeEntry> others = {}) {
  HashList hashes;
  std::string bytes;
  for (const TreeFile& file : files) {
    TreeEntry entry;
    entry.path = file.path;
    entry.size = file.bytes.size();
    entry.mode = file.mode;
    others.push_back(std::move(entry));
    const Content content = Content::of(file.bytes);
    hashes.add(content.sha256);
    bytes += file.bytes;
    if (!rides) (void)system.remote_content(file.bytes);
  }
  arguments.set("_tree", Value(write_tree(others)));
  const Content list = rides ? Content::of(hashes.bytes()) : system.remote_content(hashes.bytes());
  arguments.set("_hashes", list.to_value());
  if (rides) arguments.set("_bytes", Value(bytes));
  return arguments;
}

TEST(CopyFolder, PlacesFilesFoldersAndLinks) {
  for (const bool rides : {true, false}) {
    MemorySystem system;
    std::vector<TreeEntry> others(3);
    others[0].kind = others[1].kind = TreeEntry::Kind::folder;
    others[0].path = "conf";
    others[1].path = "empty";
    others[2].kind = TreeEntry::Kind::link;
    others[2].path = "l";
    others[2].target = "run";
    const Value arguments =
        tree_of(system,
                Value::map({{"dest", "/opt/app"}, {"directory_mode", "0750"}, {"mode", "0640"}}),
                {{"conf/a", "A"}, {"none", ""}, {"run", "R", 0755U}},
                rides,
                others);

    expect_converges(copy_module, arguments, system);

    EXPECT_EQ(system.text("/opt/app/conf/a"), "A");
    EXPECT_EQ(system.text("/opt/app/none"), "");
    EXPECT_EQ(system.info("/opt/app/conf/a").mode, 0640U);
    EXPECT_EQ(system.info("/opt/app/run").mode, 0755U);
    EXPECT_EQ(system.info("/opt/app/empty").mode, 0750U);
    EXPECT_EQ(system.info("/opt/app").mode, 0750U);
    EXPECT_EQ(system.link_target("/opt/app/l"), "run");
  }
}

TEST(CopyFolder, FetchesOnlyWhatDiffers) {
  MemorySystem system;
  system.file("/opt/app/a", "A").file("/opt/app/b", "X").file("/opt/app/c", "long");
  const Value arguments = tree_of(system,
                                  Value::map({{"dest", "/opt/app"}}),
                                  {{"a", "A"}, {"b", "B"}, {"c", "C"}, {"d", "D"}},
                                  false);

  const Value result = test::run(copy_module, arguments, system);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_repr(result);
  EXPECT_EQ(system.fetched_contents(), 4U) << "the list of hashes and three files";
  EXPECT_EQ(system.expected_contents(), std::vector<std::size_t>{3});
  EXPECT_EQ(system.text("/opt/app/b"), "B");
  EXPECT_EQ(system.text("/opt/app/c"), "C");
  test::run(copy_module, arguments, system);
  EXPECT_EQ(system.fetched_contents(), 4U) << "equal folders need not even the list";
}

TEST(CopyFolder, FetchesOnceForDiffAndWrite) {
  MemorySystem system;
  system.file("/opt/app/b", "X").diff_mode(true);
  const Value arguments =
      tree_of(system, Value::map({{"dest", "/opt/app"}}), {{"a", "A\n"}, {"b", "B\n"}}, false);

  const Value result = test::run(copy_module, arguments, system);

  EXPECT_EQ(system.fetched_contents(), 3U);
  EXPECT_EQ(system.expected_contents(), std::vector<std::size_t>{2});
  EXPECT_EQ(result.get("diff").size(), 2U) << to_repr(result);
  EXPECT_EQ(system.text("/opt/app/b"), "B\n");
}

TEST(CopyFolder, KeepsWhatIsThereWithoutForce) {
  MemorySystem system;
  system.file("/opt/app/b", "X");
  const Value arguments = tree_of(
      system, Value::map({{"dest", "/opt/app"}, {"force", false}}), {{"a", "A"}, {"b", "B"}}, true);

  expect_converges(copy_module, arguments, system);

  EXPECT_EQ(system.text("/opt/app/a"), "A");
  EXPECT_EQ(system.text("/opt/app/b"), "X");
}

TEST(CopyFolder, ReplacesALinkByAFile) {
  MemorySystem system;
  system.file("/srv/target", "A").link("/srv/target", "/opt/app/a");

  expect_converges(
      copy_module, tree_of(system, Value::map({{"dest", "/opt/app"}}), {{"a", "A"}}, true), system);

  EXPECT_EQ(system.info("/opt/app/a").kind, FileKind::regular);
  EXPECT_EQ(system.text("/srv/target"), "A");
}

TEST(CopyFolder, RefusesListsThatDoNotFit) {
  MemorySystem system;
  Value arguments = tree_of(system, Value::map({{"dest", "/opt/app"}}), {{"a", "A"}}, true);
  arguments.set("_bytes", "AB");
  EXPECT_THAT(expect_refused(copy_module, arguments, system), HasSubstr("2 arrived"));
  arguments.set("_bytes", "A");
  arguments.set("_hashes", Content::of(std::string(64, 'x')).to_value());
  EXPECT_THAT(expect_refused(copy_module, arguments, system), HasSubstr("incomplete"));
  arguments.set("_tree", "damaged");
  EXPECT_THAT(expect_refused(copy_module, arguments, system), HasSubstr("damaged"));
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
