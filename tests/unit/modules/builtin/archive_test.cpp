#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec archive_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string listed(const std::string& names, const MemorySystem& system) {
  std::string out;
  for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1) {
    const std::string name = names.substr(at, names.find('\0', at) - at);
    out +=
        "-rw-r--r-- 0/0 " + std::to_string(system.text("/srv/" + name).size()) + " " + name + "\n";
  }
  return out;
}

/// tar(1) whose archive is the listing of what it holds, in front of it how it was packed.
CommandResult play_tar(const Command& command, MemorySystem& system) {
  CommandResult done;
  std::string file;
  std::string packing = "tar";
  bool lists = false;
  for (const std::string& word : command.argv) {
    if (word.starts_with("--file=")) file = word.substr(7);
    if (word == "--gzip" || word == "--xz" || word == "--bzip2") packing = word;
    lists = lists || word == "--list";
  }
  if (lists) {
    const std::string text = system.text(file);
    done.status = text.starts_with(packing + "\n") ? 0 : 2;
    if (done.status == 0) done.output = text.substr(packing.size() + 1);
  } else if (file == "/dev/null") {
    done.output = listed(command.input, system);
  } else {
    system.file(file, packing + "\n" + listed(command.input, system), 0600);
  }
  return done;
}

/// gzip(1) and its like: `x` becomes `x.gz`.
CommandResult play_packer(const Command& command, MemorySystem& system) {
  const std::string& file = command.argv.back();
  system.file(file + ".gz", "packed " + system.text(file), 0600);
  EXPECT_TRUE(system.remove_file(file));
  return {};
}

CommandResult play_compare(const Command& command, MemorySystem& system) {
  CommandResult done;
  const auto& argv = command.argv;
  done.status = system.text(argv[2]) == "packed " + system.text(argv[3]) ? 0 : 1;
  return done;
}

void install(MemorySystem& system) {
  for (const char* name : {"tar", "gzip", "zcmp", "xz", "zip", "unzip"}) system.program(name);
  system.when({"tar"}, play_tar).when({"gzip"}, play_packer).when({"zcmp"}, play_compare);
  system.file("/srv/data/a", "1").file("/srv/data/sub/b", "22").link("a", "/srv/data/l");
}

Value with(std::initializer_list<std::pair<Value, Value>> arguments) {
  return Value::map(arguments);
}

Value texts(std::initializer_list<const char*> names) {
  List out;
  for (const char* name : names) out.emplace_back(name);
  return out;
}

TEST(Archive, PacksATree) {
  MemorySystem system;
  install(system);

  const Value result =
      expect_converges(archive_module,
                       with({{"path", "/srv/data"}, {"dest", "/srv/d.tgz"}, {"mode", "0640"}}),
                       system);

  EXPECT_EQ(result.get("archived"),
            texts({"/srv/data/sub", "/srv/data/a", "/srv/data/l", "/srv/data/sub/b"}));
  EXPECT_EQ(result.get("arcroot"), Value("/srv/"));
  EXPECT_EQ(result.get("dest_state"), Value("archive"));
  EXPECT_THAT(system.text("/srv/d.tgz"), HasSubstr("--gzip\n"));
  EXPECT_THAT(system.text("/srv/d.tgz"), HasSubstr(" 2 data/sub/b\n"));
  EXPECT_EQ(system.info("/srv/d.tgz").mode, 0640U);
}

TEST(Archive, ChangesWithItsFiles) {
  MemorySystem system;
  install(system);
  const Value arguments = with({{"path", "/srv/data"}, {"dest", "/srv/d.tgz"}});
  expect_converges(archive_module, arguments, system);

  system.file("/srv/data/a", "larger");
  expect_converges(archive_module, arguments, system);
  // The same files in another packing are another archive.
  Value other = arguments;
  other.set("format", "xz");
  expect_converges(archive_module, other, system);

  EXPECT_THAT(system.text("/srv/d.tgz"), HasSubstr("--xz\n"));
}

TEST(Archive, LeavesOutWhatItIsTold) {
  MemorySystem system;
  install(system);
  system.file("/srv/more", "x").file("/srv/most", "x").file("/srv/data/old.log", "x");

  const Value result =
      expect_converges(archive_module,
                       with({{"path", texts({"/srv/data", "/srv/mo*"})},
                             {"dest", "/srv/data/all.tar.gz"},
                             {"exclude_path", texts({"/srv/mos?"})},
                             {"exclusion_patterns", texts({"*.log", "data/sub*"})}}),
                       system);

  // Nor is the archive in itself.
  EXPECT_EQ(result.get("archived"), texts({"/srv/data/a", "/srv/data/l", "/srv/more"}));
  EXPECT_EQ(result.get("expanded_exclude_paths"), texts({"/srv/most"}));
}

TEST(Archive, PacksOneFileBesideItself) {
  MemorySystem system;
  install(system);
  const Value arguments = with({{"path", "/srv/data/a"}});

  const Value result = expect_converges(archive_module, arguments, system);

  EXPECT_EQ(result.get("dest"), Value("/srv/data/a.gz"));
  EXPECT_EQ(result.get("dest_state"), Value("compress"));
  EXPECT_EQ(system.text("/srv/data/a.gz"), "packed 1");
  EXPECT_EQ(system.info("/srv/data/a.gz").mode, 0644U);
  system.file("/srv/data/a", "2");
  expect_converges(archive_module, arguments, system);
}

TEST(Archive, RemovesWhatItHasPacked) {
  MemorySystem system;
  install(system);
  const Value arguments =
      with({{"path", "/srv/data"}, {"dest", "/srv/d.tar"}, {"format", "tar"}, {"remove", true}});

  const Value result = expect_converges(archive_module, arguments, system);

  EXPECT_FALSE(system.exists("/srv/data"));
  EXPECT_EQ(result.get("archived").as_list().size(), 4U);
  const Value again = expect_unchanged(archive_module, arguments, system);
  EXPECT_EQ(again.get("dest_state"), Value("archive"));
  EXPECT_EQ(again.get("missing"), texts({"/srv/data"}));
}

TEST(Archive, TellsZipsByTheirChecksums) {
  MemorySystem system;
  install(system);
  const std::string head = "Archive:  /srv/a.zip\n Length   Method    Size\n--------  ------\n";
  system.file("/srv/a.zip", "zip")
      .when(
          {"unzip", "-v", "/srv/a.zip"},
          head + "       1  Stored        1   0% 2026-11-22 08:38 83dcefb7  a\n--------  1 file\n");
  const Value arguments =
      with({{"path", "/srv/data/a"}, {"dest", "/srv/a.zip"}, {"format", "zip"}});
  expect_unchanged(archive_module, arguments, system);

  system.file("/srv/data/a", "other").when({"zip"}, [](const Command& command, MemorySystem& host) {
    EXPECT_EQ(command.input, "a\n");
    EXPECT_EQ(command.directory, "/srv/data/");
    host.file(command.argv[4], "new zip", 0600);
    return CommandResult{};
  });
  EXPECT_TRUE(test::run(archive_module, arguments, system).get("changed").truthy());

  EXPECT_EQ(system.text("/srv/a.zip"), "new zip");
}

TEST(Archive, LeavesNothingBehindWhenPackingFails) {
  MemorySystem system;
  install(system);
  system.when({"tar", "--create", "--file=/dev/null"}, play_tar);
  system.when({"tar"}, "", 2, "tar: data/a: Cannot open: Permission denied\n");

  const Value result =
      test::run(archive_module, with({{"path", "/srv/data"}, {"dest", "/srv/d.tgz"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_THAT(result.get("msg").as_string(), HasSubstr("Permission denied"));
  EXPECT_EQ(system.list("/srv").value(), std::vector<std::string>{"data"});
}

TEST(Archive, RefusesWhatItCannotDo) {
  MemorySystem system;
  install(system);

  EXPECT_THAT(expect_refused(archive_module, with({{"path", "/srv/data"}}), system),
              HasSubstr("must specify \"dest\""));
  EXPECT_THAT(expect_refused(archive_module, with({{"path", "/none*"}, {"dest", "/x"}}), system),
              HasSubstr("no source paths were found"));
  EXPECT_THAT(expect_refused(archive_module, with({{"path", "data"}}), system),
              HasSubstr("absolute path"));
  EXPECT_THAT(
      expect_refused(archive_module,
                     with({{"path", "/srv/data"}, {"dest", "/srv/data/x"}, {"remove", true}}),
                     system),
      HasSubstr("can not be contained"));
  EXPECT_THAT(
      expect_refused(archive_module, with({{"path", "/srv/data"}, {"dest", "/etc"}}), system),
      HasSubstr("is a folder"));
}

}  // namespace
}  // namespace gpustack::modules
