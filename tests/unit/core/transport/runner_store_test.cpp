#include "core/transport/runner_store.hpp"

#include "core/transport/digest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/utsname.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gpustack::transport {
namespace {

namespace fs = std::filesystem;

/// Programs of this machine stand in for runners: they are old, as installed files are.
class RunnerStoreNotes : public testing::Test {
 protected:
  RunnerStoreNotes() {
    char folder[] = "/tmp/gpustack-store-XXXXXX";
    folder_ = ::mkdtemp(folder);
    fs::create_directory(folder_ + "/runners");
    struct utsname names = {};
    ::uname(&names);
    runner_ = folder_ + "/runners/gpustack-runner-" + names.machine;
    fs::create_symlink("/bin/ls", runner_);
  }
  ~RunnerStoreNotes() override { fs::remove_all(folder_); }

  std::string hash() const {
    const auto store = RunnerStore::from_folder(folder_ + "/runners", notes());
    return store ? store->local()->sha256 : store.error().message();
  }
  std::string notes() const { return folder_ + "/cache/notes"; }
  static std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  static std::string hash_of(const std::string& path) { return sha256_hex(text_of(path)); }
  void forge(fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) const {
    const std::string text = text_of(notes());
    std::ofstream(notes()) << forged_ << text.substr(forged_.size());
    fs::permissions(notes(), mode);
  }

  std::string folder_;
  std::string runner_;
  const std::string forged_ = std::string(64, 'e');
};

TEST_F(RunnerStoreNotes, SpareTheHashing) {
  EXPECT_EQ(hash(), hash_of("/bin/ls"));
  ASSERT_TRUE(fs::exists(notes()));
  forge();

  EXPECT_EQ(hash(), forged_) << "the note is believed";
}

TEST_F(RunnerStoreNotes, AreOfOneFile) {
  hash();
  forge();
  fs::remove(runner_);
  fs::create_symlink("/bin/cat", runner_);

  EXPECT_EQ(hash(), hash_of("/bin/cat"));
}

TEST_F(RunnerStoreNotes, AreNotKeptOfAFileThatHasJustChanged) {
  fs::remove(runner_);
  fs::copy_file("/bin/ls", runner_);

  EXPECT_EQ(hash(), hash_of("/bin/ls"));
  EXPECT_FALSE(fs::exists(notes()));
}

TEST_F(RunnerStoreNotes, AreNotTakenFromWhereOthersWrite) {
  hash();
  forge(fs::perms::owner_all | fs::perms::group_write);

  EXPECT_EQ(hash(), hash_of("/bin/ls"));
}

TEST_F(RunnerStoreNotes, AreLeftAloneWhenTheyAreNone) {
  fs::create_directories(folder_ + "/cache");
  std::ofstream(notes()) << "no hash at all\n\n" << std::string(64, 'e') << "\n";

  EXPECT_EQ(hash(), hash_of("/bin/ls"));
}

TEST_F(RunnerStoreNotes, DoNotLetAnotherFileBeSent) {
  const auto first = RunnerStore::from_folder(folder_ + "/runners", notes());
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->local()->read()->size(), first->local()->size);
  fs::remove(runner_);
  fs::create_symlink("/bin/cat", runner_);

  const auto content = first->local()->read();

  ASSERT_FALSE(content.has_value());
  EXPECT_THAT(content.error().message(), testing::HasSubstr("another file"));
}

TEST(RunnerStore, NamesAFileThatIsNoRunner) {
  RunnerStore store;

  const auto added = store.add("/etc/passwd");
  const auto missing = store.add("/nonexistent");

  ASSERT_FALSE(added.has_value());
  EXPECT_THAT(added.error().message(), testing::HasSubstr("is no runner"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message(), testing::HasSubstr("No such file"));
}

}  // namespace
}  // namespace gpustack::transport
