#include "core/vault/files.hpp"

#include "tests/unit/core/vault/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

namespace gpustack::vault {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(VaultReplaceFile, KeepsTheModeAndLeavesNothingBeside) {
  const Folder folder;
  const std::string path = folder.write("f", "old", 0640);

  ASSERT_TRUE(replace_file(path, "new", Readers::as_before).has_value());

  EXPECT_EQ(folder.read("f"), "new");
  EXPECT_EQ(folder.mode("f"), 0640U);
  EXPECT_EQ(folder.count(), 1U);
}

TEST(VaultReplaceFile, GivesPlainTextToItsOwnerAlone) {
  const Folder folder;
  const std::string path = folder.write("f", "old", 0644);

  ASSERT_TRUE(replace_file(path, "new", Readers::owner).has_value());

  EXPECT_EQ(folder.mode("f"), 0600U);
}

TEST(VaultReplaceFile, MakesANewFileForItsOwnerAlone) {
  const Folder folder;

  ASSERT_TRUE(replace_file(folder.at("f"), "new", Readers::as_before).has_value());

  EXPECT_EQ(folder.read("f"), "new");
  EXPECT_EQ(folder.mode("f"), 0600U);
}

TEST(VaultReplaceFile, FollowsLinks) {
  const Folder folder;
  std::ignore = folder.write("f", "old");
  fs::create_symlink("f", folder.at("link"));

  ASSERT_TRUE(replace_file(folder.at("link"), "new", Readers::as_before).has_value());

  EXPECT_TRUE(fs::is_symlink(folder.at("link")));
  EXPECT_EQ(folder.read("f"), "new");
}

TEST(VaultReplaceFile, LeavesAnotherNameOfTheOldFileAlone) {
  const Folder folder;
  const std::string path = folder.write("f", "old");
  fs::create_hard_link(path, folder.at("other"));

  ASSERT_TRUE(replace_file(path, "new", Readers::as_before, OldBytes::overwritten).has_value());

  EXPECT_EQ(folder.read("other"), "old");
}

TEST(VaultReplaceFile, OverwritesTheOldBytes) {
  const Folder folder;
  const std::string path = folder.write("f", "the plain text", 0400);
  std::ifstream still_open(path);

  ASSERT_TRUE(replace_file(path, "new", Readers::as_before, OldBytes::overwritten).has_value());

  std::string left;
  std::getline(still_open, left, '\0');
  EXPECT_THAT(left, ::testing::Not(HasSubstr("plain")));
}

TEST(VaultReplaceFile, RefusesWhatIsNoFile) {
  const Folder folder;
  fs::create_directory(folder.at("folder"));

  EXPECT_EQ(replace_file(folder.at("folder"), "new", Readers::as_before).error().code(),
            ErrorCode::file_unwritable);
  EXPECT_EQ(replace_file(folder.at("missing/f"), "new", Readers::as_before).error().code(),
            ErrorCode::file_unwritable);
  EXPECT_EQ(folder.count(), 1U);
}

TEST(VaultCreateFile, NeverTakesThePlaceOfAnother) {
  const Folder folder;
  const std::string path = folder.write("f", "old");

  EXPECT_EQ(create_file(path, "new").error().code(), ErrorCode::file_unwritable);
  ASSERT_TRUE(create_file(folder.at("g"), "new").has_value());

  EXPECT_EQ(folder.read("f"), "old");
  EXPECT_EQ(folder.read("g"), "new");
  EXPECT_EQ(folder.count(), 2U);
}

TEST(VaultPrivateFolder, IsOursAloneAndGoesWithAllThatIsInIt) {
  std::string path;
  {
    auto made = PrivateFolder::make();
    ASSERT_TRUE(made.has_value());
    path = made->path();
    std::ofstream(path + "/text") << "plain";
    fs::create_directory(path + "/sub");
    std::ofstream(path + "/sub/.text.swp") << "plain";
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
  }

  EXPECT_FALSE(fs::exists(path));
}

TEST(VaultReadFile, SaysWhyItCannot) {
  const Folder folder;

  EXPECT_EQ(read_file(folder.at("missing")).error().code(), ErrorCode::file_not_found);
  EXPECT_EQ(read_file(folder.at("")).error().code(), ErrorCode::file_unreadable);
}

}  // namespace
}  // namespace gpustack::vault
