// The names of owners and groups: kept from one path to the next, and never longer than the file
// they were read from.
#include "modules/sdk/accounts.hpp"

#include "tests/support/memory_system.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace gpustack::modules {
namespace {

using namespace std::chrono_literals;

/// Counts what is read.
class CountingSystem : public test::MemorySystem {
 public:
  Result<std::string> read(const std::string& path, std::uint64_t limit) const override {
    ++reads;
    return MemorySystem::read(path, limit);
  }
  mutable int reads = 0;
};

constexpr const char* kPasswd = "/etc/passwd";

}  // namespace

TEST(AccountNames, AreReadOnceFromAFileThatStaysTheSame) {
  CountingSystem system;
  system.file(kPasswd, "deploy:x:1500:1500::/home/deploy:/bin/sh\n");
  ASSERT_TRUE(system.sleep(3s));

  for (int path = 0; path < 5; ++path) EXPECT_EQ(user_name(system, 1500), "deploy");

  EXPECT_EQ(system.reads, 1);
}

TEST(AccountNames, FollowTheFile) {
  CountingSystem system;
  system.file(kPasswd, "deploy:x:1500:1500::/home/deploy:/bin/sh\n");
  ASSERT_TRUE(system.sleep(3s));
  ASSERT_EQ(user_name(system, 1500), "deploy");

  system.file(kPasswd, "runner:x:1500:1500::/home/runner:/bin/sh\n");
  EXPECT_EQ(user_name(system, 1500), "runner");

  ASSERT_TRUE(system.sleep(3s));
  EXPECT_EQ(user_name(system, 1500), "runner");
  ASSERT_TRUE(system.remove_file(kPasswd));
  EXPECT_EQ(user_name(system, 1500), "1500");
}

TEST(AccountNames, AreReadAgainWhileTheFileMayChangeWithoutItsTimes) {
  CountingSystem system;
  system.file(kPasswd, "deploy:x:1500:1500::/home/deploy:/bin/sh\n");
  ASSERT_TRUE(system.sleep(1s));

  EXPECT_EQ(user_name(system, 1500), "deploy");
  EXPECT_EQ(user_name(system, 1500), "deploy");

  EXPECT_EQ(system.reads, 2);
}

TEST(AccountNames, OfGroupsAreThoseOfTheGroupFile) {
  CountingSystem system;
  system.file("/etc/group", "video:x:44:\n").file(kPasswd, "odd:x:44:44::/:/bin/sh\n");
  ASSERT_TRUE(system.sleep(3s));

  EXPECT_EQ(group_name(system, 44), "video");
  EXPECT_EQ(user_name(system, 44), "odd");
  EXPECT_EQ(group_name(system, 44), "video");
}

}  // namespace gpustack::modules
