#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec blockinfile_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kBlock = "# BEGIN ANSIBLE MANAGED BLOCK\nx\n# END ANSIBLE MANAGED BLOCK\n";

Value with(std::initializer_list<std::pair<Value, Value>> entries) {
  Value arguments = Value::map(entries);
  arguments.set("path", "/f");
  return arguments;
}

TEST(BlockInFile, AppendsTheBlock) {
  MemorySystem system;
  system.file("/f", "a");

  expect_converges(blockinfile_module, with({{"block", "x"}}), system);

  EXPECT_EQ(system.text("/f"), std::string("a\n") + kBlock);
}

TEST(BlockInFile, ReplacesTheBlockWhereItIs) {
  MemorySystem system;
  system.file("/f",
              "a\n# BEGIN ANSIBLE MANAGED BLOCK\nold\nolder\n# END ANSIBLE MANAGED BLOCK\nb\n");

  expect_converges(blockinfile_module, with({{"block", "x\n"}, {"insertbefore", "BOF"}}), system);

  EXPECT_EQ(system.text("/f"), std::string("a\n") + kBlock + "b\n");
}

TEST(BlockInFile, RemovesTheBlockWhenEmptyOrAbsent) {
  MemorySystem system;
  system.file("/f", std::string("a\n") + kBlock);

  const Value result = expect_converges(blockinfile_module, with({{"block", ""}}), system);

  EXPECT_EQ(system.text("/f"), "a\n");
  EXPECT_EQ(result.get("msg"), Value("Block removed"));
  expect_unchanged(blockinfile_module, with({{"state", "absent"}}), system);
}

TEST(BlockInFile, InsertsAtAnchors) {
  MemorySystem system;

  system.file("/f", "a\nb\nc\n");
  expect_converges(blockinfile_module, with({{"block", "x"}, {"insertafter", "^a"}}), system);
  EXPECT_EQ(system.text("/f"), std::string("a\n") + kBlock + "b\nc\n");

  system.file("/f", "a\nb\nc\n");
  expect_converges(blockinfile_module, with({{"block", "x"}, {"insertbefore", "^c"}}), system);
  EXPECT_EQ(system.text("/f"), std::string("a\nb\n") + kBlock + "c\n");

  system.file("/f", "a\nb\nc\n");
  expect_converges(
      blockinfile_module, with({{"block", "x"}, {"insertafter", "(?m)^a\nb"}}), system);
  EXPECT_EQ(system.text("/f"), std::string("a\nb\n") + kBlock + "c\n");
}

TEST(BlockInFile, UsesItsOwnMarkers) {
  MemorySystem system;
  system.file("/f", "");

  expect_converges(
      blockinfile_module,
      with(
          {{"block", "x"}, {"marker", "; {mark} gpu"}, {"marker_begin", "<"}, {"marker_end", ">"}}),
      system);

  EXPECT_EQ(system.text("/f"), "; < gpu\nx\n; > gpu\n");
}

TEST(BlockInFile, MakesTheFileWhenAsked) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(blockinfile_module, with({{"block", "x"}}), system),
              HasSubstr("does not exist"));
  const Value result =
      expect_converges(blockinfile_module, with({{"block", "x"}, {"create", true}}), system);

  EXPECT_EQ(system.text("/f"), kBlock);
  EXPECT_EQ(result.get("msg"), Value("File created"));
}

TEST(BlockInFile, RefusesTwoAnchors) {
  MemorySystem system;
  system.file("/f", "a\n");

  EXPECT_THAT(expect_refused(blockinfile_module,
                             with({{"block", "x"}, {"insertafter", "a"}, {"insertbefore", "b"}}),
                             system),
              HasSubstr("insert"));
}

}  // namespace
}  // namespace gpustack::modules
