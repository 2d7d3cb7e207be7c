#include "core/engine/content_store.hpp"

#include "modules/sdk/hash.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace gpustack::engine {
namespace {

namespace fs = std::filesystem;

std::string hash_of(const std::string& text) {
  return modules::hash_bytes(modules::Algorithm::sha256, text);
}

wire::NeedContent::Wanted wanted(const std::string& text) {
  return wire::NeedContent::Wanted{hash_of(text), text.size()};
}

class Contents : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/gpustack-contents-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// A file that was written an hour ago.
  std::string write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    set_age(path, std::chrono::hours(1));
    return path;
  }
  static void set_age(const std::string& path, std::chrono::seconds age) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - age);
  }
  static Result<std::string> all_of(const ContentStore& store,
                                    std::vector<wire::NeedContent::Wanted> list,
                                    std::size_t piece = 100) {
    ContentCursor cursor(store, std::move(list));
    std::string out;
    while (true) {
      GS_TRY(const std::string next, cursor.next(piece));
      if (next.empty()) return out;
      EXPECT_LE(next.size(), piece);
      out += next;
    }
  }

  std::string folder_;
  ContentStore store_;
};

TEST_F(Contents, RideAlongWhenTheyAreSmall) {
  const auto small = store_.add_file(write("small", "hello"));
  const auto large = store_.add_file(write("large", std::string(20'000, 'a')));

  ASSERT_TRUE(small && large);
  EXPECT_TRUE(small->is_inline);
  EXPECT_EQ(small->bytes, "hello");
  EXPECT_FALSE(large->is_inline);
  EXPECT_EQ(large->size, 20'000U);
  EXPECT_EQ(large->sha256, hash_of(std::string(20'000, 'a')));
}

TEST_F(Contents, OfAFileAreHashedOnceWhileItStaysAsItIs) {
  const std::string path = write("f", "first");
  const auto first = store_.know_file(path);
  ASSERT_TRUE(first);
  const auto time = fs::last_write_time(path);

  // Other bytes with the same size, time and inode are what nobody can notice without reading.
  std::ofstream(path, std::ios::binary) << "other";
  fs::last_write_time(path, time);
  EXPECT_EQ(store_.know_file(path)->sha256, first->sha256);

  fs::last_write_time(path, time + std::chrono::nanoseconds(1000));
  EXPECT_EQ(store_.know_file(path)->sha256, hash_of("other"));
  fs::rename(write("g", "third"), path);
  fs::last_write_time(path, time + std::chrono::nanoseconds(1000));
  EXPECT_EQ(store_.know_file(path)->sha256, hash_of("third")) << "another inode";
}

TEST_F(Contents, OfAFileThatWasJustWrittenAreHashedAgain) {
  const std::string path = write("f", "first");
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(path, now);
  ASSERT_TRUE(store_.know_file(path));

  std::ofstream(path, std::ios::binary) << "other";
  fs::last_write_time(path, now);

  EXPECT_EQ(store_.know_file(path)->sha256, hash_of("other"));
}

TEST_F(Contents, OfWhatIsNoFileAreRefused) {
  EXPECT_EQ(store_.know_file(folder_ + "/none").error().code(), ErrorCode::file_not_found);
  EXPECT_EQ(store_.know_file(folder_).error().code(), ErrorCode::file_unreadable);
  EXPECT_TRUE(store_.know_file("/proc/version")->stamp.size > 0) << "its size is not told";
}

TEST_F(Contents, KnowAVaultFile) {
  EXPECT_TRUE(store_.know_file(write("v", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"))->is_vault);
  EXPECT_FALSE(store_.know_file(write("w", "$ANSIBLE"))->is_vault);
}

TEST_F(Contents, ComeAsOneStream) {
  std::string whole;
  std::vector<wire::NeedContent::Wanted> list;
  for (int i = 0; i < 50; ++i) {
    const std::string text(static_cast<std::size_t>(i * 7), static_cast<char>('a' + i % 26));
    if (i % 2 == 0) {
      ASSERT_TRUE(store_.know_file(write(std::to_string(i), text)));
    } else {
      store_.keep_text(text);
    }
    whole += text;
    list.push_back(wanted(text));
  }

  for (const std::size_t piece : {1U, 13U, 100U, 100'000U}) {
    const auto out = all_of(store_, list, piece);
    ASSERT_TRUE(out) << out.error().message();
    EXPECT_EQ(*out, whole) << piece;
  }
}

TEST_F(Contents, ThatAreUnknownOrOfAnotherSizeAreRefused) {
  store_.keep_text("known");
  EXPECT_FALSE(all_of(store_, {wanted("unknown")}));
  EXPECT_FALSE(all_of(store_, {wire::NeedContent::Wanted{hash_of("known"), 6}}));
}

TEST_F(Contents, OfAFileThatChangedAreNotSent) {
  const std::string text(50'000, 'a');
  const std::string path = write("f", text);
  ASSERT_TRUE(store_.know_file(path));

  set_age(path, std::chrono::seconds(5));
  const auto before = all_of(store_, {wanted(text)});
  ASSERT_FALSE(before);
  EXPECT_NE(before.error().message().find("changed"), std::string::npos);

  ASSERT_TRUE(store_.know_file(path));
  ContentCursor cursor(store_, {wanted(text)});
  ASSERT_TRUE(cursor.next(1000));
  std::ofstream(path, std::ios::app) << "more";
  EXPECT_FALSE(cursor.next(1000)) << "while it is being sent";
  ASSERT_TRUE(store_.know_file(path));
  ContentCursor shrinking(store_, {wanted(text + "more")});
  ASSERT_TRUE(shrinking.next(1000));
  fs::resize_file(path, 1500);
  EXPECT_FALSE(shrinking.next(10'000)) << "that became shorter";
}

TEST_F(Contents, StayWhereTheStoreLearnsOfAnotherFileWithThem) {
  const std::string text(5000, 'x');
  const std::string path = write("one", text);
  ASSERT_TRUE(store_.know_file(path));
  ContentCursor cursor(store_, {wanted(text)});
  const auto first = cursor.next(1000);
  ASSERT_TRUE(first);

  ASSERT_TRUE(store_.know_file(write("two", text)));
  store_.keep_text(text);

  const auto rest = cursor.next(10'000);
  ASSERT_TRUE(rest) << rest.error().message();
  EXPECT_EQ(*first + *rest, text);
}

TEST_F(Contents, OfSeveralFilesComeFromOneThatIsStillThere) {
  const std::string text(50'000, 'y');
  const std::string removed = write("a", text);
  const std::string changed = write("b", text);
  const std::string kept = write("c", text);
  for (const std::string& path : {kept, removed, changed}) ASSERT_TRUE(store_.know_file(path));
  fs::remove(removed);
  write("b", std::string(50'000, 'z'));
  set_age(changed, std::chrono::seconds(5));

  const auto sent = all_of(store_, {wanted(text)}, 10'000);
  ASSERT_TRUE(sent) << sent.error().message();
  EXPECT_EQ(*sent, text);
  const auto end = store_.read(hash_of(text), 49'990, 100);
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(*end, text.substr(49'990));
  fs::remove(kept);
  const auto gone = all_of(store_, {wanted(text)});
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message().find("'" + removed + "' cannot be read"), std::string::npos);
}

TEST_F(Contents, OfAFileThatIsAboutToGoAreForgotten) {
  const std::string text(300, 'y');
  const std::string passing = write("a", text);
  const std::string kept = write("b", text);
  ASSERT_TRUE(store_.know_file(passing));
  ASSERT_TRUE(store_.know_file(kept));

  store_.forget(passing, hash_of(text));
  write("a", "something else");

  const auto read = store_.read(hash_of(text), 0, 1000);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, text);
  store_.forget(kept, hash_of(text));
  EXPECT_EQ(store_.read(hash_of(text), 0, 1000).error().code(), ErrorCode::content_missing);
  store_.forget(kept, hash_of(text));
  store_.keep_text(text);
  store_.forget(kept, hash_of(text));
  EXPECT_TRUE(store_.read(hash_of(text), 0, 1000)) << "a text has no file to lose";
}

TEST_F(Contents, OfAFileThatWasHashedElsewhereAreThere) {
  const std::string small = write("small", "what came");
  const std::string large = write("large", std::string(50'000, 'l'));
  store_.remember(small, hash_of("what came"));
  store_.remember(large, hash_of(std::string(50'000, 'l')));

  const auto content = store_.add_file(small);
  ASSERT_TRUE(content) << content.error().message();
  EXPECT_EQ(content->bytes, "what came");
  ASSERT_TRUE(store_.add_file(large));
  const auto sent = all_of(store_, {wanted(std::string(50'000, 'l'))});
  ASSERT_TRUE(sent) << sent.error().message();
  EXPECT_EQ(sent->size(), 50'000U);
}

}  // namespace
}  // namespace gpustack::engine
