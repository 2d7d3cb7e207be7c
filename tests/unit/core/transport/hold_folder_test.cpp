#include "core/transport/hold_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>

namespace gpustack::transport {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HoldFolderTest : public testing::Test {
 protected:
  HoldFolderTest() {
    char name[] = "/tmp/gpustack-hold-XXXXXX";
    top_ = ::mkdtemp(name);
    path_ = top_ + "/sockets";
  }
  ~HoldFolderTest() override { fs::remove_all(top_); }

  HoldFolder made() const {
    auto folder = HoldFolder::open(path_, HoldFolder::Missing::make);
    EXPECT_TRUE(folder) << folder.error().render();
    return std::move(*folder);
  }

  std::string top_;
  std::string path_;
};

TEST_F(HoldFolderTest, IsMadeForItsOwnerAlone) {
  const HoldFolder folder = made();
  struct stat info = {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
}

TEST_F(HoldFolderTest, IsNotMadeForALook) {
  const auto folder = HoldFolder::open(path_, HoldFolder::Missing::refuse);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), ErrorCode::file_not_found);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(HoldFolderTest, ThatOthersMayEnterIsRefused) {
  fs::create_directory(path_);
  fs::permissions(path_, fs::perms::owner_all | fs::perms::group_exec);
  const auto folder = HoldFolder::open(path_, HoldFolder::Missing::make);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), ErrorCode::file_unwritable);
  EXPECT_THAT(folder.error().message(), HasSubstr("mode is 0710"));
}

TEST_F(HoldFolderTest, OfSomebodyElseIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives folders away";
  fs::create_directory(path_);
  ASSERT_EQ(::chmod(path_.c_str(), 0700), 0);
  ASSERT_EQ(::chown(path_.c_str(), 1234, 1234), 0);
  const auto folder = HoldFolder::open(path_, HoldFolder::Missing::make);
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message(), HasSubstr("belongs to user 1234"));
}

TEST_F(HoldFolderTest, ALinkInItsPlaceIsRefused) {
  fs::create_directory(top_ + "/other");
  ASSERT_EQ(::chmod((top_ + "/other").c_str(), 0700), 0);
  fs::create_directory_symlink(top_ + "/other", path_);
  EXPECT_FALSE(HoldFolder::open(path_, HoldFolder::Missing::make));
}

TEST_F(HoldFolderTest, LeadsToWhoeverListens) {
  const HoldFolder folder = made();
  EXPECT_FALSE(folder.connect("one").is_open());

  const auto listener = folder.listen("one");

  ASSERT_TRUE(listener) << listener.error().render();
  EXPECT_TRUE(folder.connect("one").is_open());
  EXPECT_TRUE(folder.leads_to("one", listener->inode));
  EXPECT_THAT(folder.names(), ElementsAre("one"));
}

TEST_F(HoldFolderTest, AFolderDeepDownIsNoProblem) {
  path_ = top_ + "/" + std::string(200, 'd') + "/sockets";
  const HoldFolder folder = made();
  const auto listener = folder.listen(std::string(40, 'f'));
  ASSERT_TRUE(listener) << listener.error().render();
  EXPECT_TRUE(folder.connect(std::string(40, 'f')).is_open());
}

TEST_F(HoldFolderTest, TheNewestListenerHasTheName) {
  const HoldFolder folder = made();
  const auto first = folder.listen("one");
  const auto second = folder.listen("one");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(folder.leads_to("one", first->inode));
  EXPECT_TRUE(folder.leads_to("one", second->inode));

  folder.remove("one", first->inode);
  EXPECT_THAT(folder.names(), ElementsAre("one"));
  folder.remove("one", second->inode);
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST_F(HoldFolderTest, SweepsSocketsOfTheDeadAlone) {
  const HoldFolder folder = made();
  const auto living = folder.listen("living");
  ASSERT_TRUE(living);
  {
    const auto dead = folder.listen("dead");
    ASSERT_TRUE(dead);
  }
  EXPECT_FALSE(folder.connect("dead").is_open());

  folder.sweep();

  EXPECT_THAT(folder.names(), ElementsAre("living"));
}

}  // namespace
}  // namespace gpustack::transport
