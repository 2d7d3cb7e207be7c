#include "modules/builtin/support/tree_list.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

TEST(TreeList, ComesBackAsItWas) {
  std::vector<TreeEntry> entries(4);
  entries[0].kind = TreeEntry::Kind::folder;
  entries[0].path = "a folder";
  entries[1].path = "a folder/line\nend:7";
  entries[1].size = 12'345'678'901;
  entries[1].mode = 04755;
  entries[2].kind = TreeEntry::Kind::link;
  entries[2].path = "link";
  entries[2].target = "../else:where";
  entries[3].path = "empty";

  const auto back = read_tree(write_tree(entries));

  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*back)[i].kind, entries[i].kind);
    EXPECT_EQ((*back)[i].path, entries[i].path);
    EXPECT_EQ((*back)[i].target, entries[i].target);
    EXPECT_EQ((*back)[i].size, entries[i].size);
    EXPECT_EQ((*back)[i].mode, entries[i].mode);
  }
}

TEST(TreeList, IsRefusedWhenDamaged) {
  using std::string_literals::operator""s;
  for (const std::string& text : {"f"s,
                                  "fa\0"s,
                                  "fa\0x\0"s,
                                  "fa\0-1\0"s,
                                  "fa\0 7\0"s,
                                  "fa\0007:9\0"s,
                                  "xa\0"s,
                                  "\0"s,
                                  "la\0"s})
    EXPECT_FALSE(read_tree(text)) << text;
  EXPECT_TRUE(read_tree("")->empty());
}

TEST(HashList, KeepsHashesInOrder) {
  HashList list;
  list.add("00ff" + std::string(60, 'a'));
  list.add("");
  HashList other;
  other.add("00ff" + std::string(60, 'a'));
  other.add(std::string(64, '1'));

  EXPECT_EQ(list.count(), 2U);
  EXPECT_EQ(list.hex(0), "00ff" + std::string(60, 'a'));
  EXPECT_EQ(list.hex(1), std::string(64, '0'));
  EXPECT_TRUE(list.same(0, other));
  EXPECT_FALSE(list.same(1, other));
}

}  // namespace
}  // namespace gpustack::modules
