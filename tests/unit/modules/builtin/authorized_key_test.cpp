#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec authorized_key_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kFile = "/home/ann/.ssh/authorized_keys";
constexpr const char* kOne = "ssh-ed25519 AAAAone ann@laptop";
constexpr const char* kTwo = "ssh-rsa AAAAtwo";

class AuthorizedKey : public testing::Test {
 protected:
  AuthorizedKey() { system_.user("ann", 1000, 1000).folder("/home/ann", 0755, 1000, 1000); }

  static Value with(std::initializer_list<std::pair<Value, Value>> more) {
    Value arguments = Value::map(more);
    arguments.set("user", "ann");
    return arguments;
  }

  MemorySystem system_;
};

TEST_F(AuthorizedKey, MakesFolderAndFileForTheUser) {
  const Value result = expect_converges(authorized_key_module, with({{"key", kOne}}), system_);

  EXPECT_EQ(system_.text(kFile), std::string(kOne) + "\n");
  EXPECT_EQ(system_.info(kFile).mode, 0600U);
  EXPECT_EQ(system_.info(kFile).uid, 1000U);
  EXPECT_EQ(system_.info("/home/ann/.ssh").mode, 0700U);
  EXPECT_EQ(system_.info("/home/ann/.ssh").uid, 1000U);
  EXPECT_EQ(result.get("keyfile"), Value(kFile));
}

TEST_F(AuthorizedKey, AddsKeysAndKeepsComments) {
  system_.file(kFile, std::string("# mine\n") + kOne + "\n", 0600, 1000, 1000);

  expect_converges(
      authorized_key_module, with({{"key", std::string(kTwo) + "\n" + kOne + "\n"}}), system_);

  EXPECT_EQ(system_.text(kFile), std::string("# mine\n") + kOne + "\n" + kTwo + " \n");
}

TEST_F(AuthorizedKey, RewritesOptionsAndComment) {
  system_.file(kFile, std::string(kOne) + "\n", 0600, 1000, 1000);

  expect_converges(authorized_key_module,
                   with({{"key", kOne},
                         {"key_options", "no-pty,from=\"10.0.0.1,10.0.0.2\""},
                         {"comment", "new one"}}),
                   system_);

  EXPECT_EQ(system_.text(kFile), "no-pty,from=\"10.0.0.1,10.0.0.2\" ssh-ed25519 AAAAone new one\n");
}

TEST_F(AuthorizedKey, RemovesAKeyWhateverItsOptions) {
  system_.file(kFile, "no-pty ssh-ed25519 AAAAone other\nssh-rsa AAAAtwo x\n", 0600, 1000, 1000);

  expect_converges(authorized_key_module, with({{"key", kOne}, {"state", "absent"}}), system_);
  EXPECT_EQ(system_.text(kFile), "ssh-rsa AAAAtwo x\n");
  expect_unchanged(authorized_key_module, with({{"key", kOne}, {"state", "absent"}}), system_);
}

TEST_F(AuthorizedKey, RemovesTheOnlyKey) {
  system_.folder("/home/ann/.ssh", 0700, 1000, 1000)
      .file(kFile, std::string(kOne) + "\n", 0600, 1000, 1000);

  expect_converges(authorized_key_module, with({{"key", kOne}, {"state", "absent"}}), system_);

  EXPECT_EQ(system_.text(kFile), "");
}

TEST_F(AuthorizedKey, RemovesAllOthersWhenExclusive) {
  system_.file(kFile, std::string("# mine\n") + kOne + "\nssh-rsa AAAAtwo x\n", 0600, 1000, 1000);

  expect_converges(authorized_key_module, with({{"key", kOne}, {"exclusive", true}}), system_);

  EXPECT_EQ(system_.text(kFile), std::string(kOne) + "\n");
}

TEST_F(AuthorizedKey, LeavesAnotherFoldersOwnerAlone) {
  system_.folder("/etc/ssh/keys", 0755);

  expect_converges(authorized_key_module,
                   with({{"key", kOne}, {"path", "/etc/ssh/keys/ann"}, {"manage_dir", false}}),
                   system_);

  EXPECT_EQ(system_.info("/etc/ssh/keys").mode, 0755U);
  EXPECT_EQ(system_.info("/etc/ssh/keys/ann").mode, 0600U);
}

TEST_F(AuthorizedKey, LoadsKeysFromAServer) {
  system_.answers("https://keys/ann", 200, std::string(kOne) + "\n\n# c\n");

  expect_converges(authorized_key_module, with({{"key", "https://keys/ann"}}), system_);

  EXPECT_EQ(system_.text(kFile), std::string(kOne) + "\n");
}

TEST_F(AuthorizedKey, RefusesWhatIsNoKeyAndWhoIsNoUser) {
  EXPECT_THAT(expect_refused(authorized_key_module, with({{"key", "hello"}}), system_),
              HasSubstr("'hello' is no public key"));
  EXPECT_THAT(
      expect_refused(authorized_key_module, Value::map({{"user", "bob"}, {"key", kOne}}), system_),
      HasSubstr("'bob'"));
}

TEST_F(AuthorizedKey, ShowsBothTexts) {
  system_.diff_mode(true);

  const Value result = test::dry_run(authorized_key_module, with({{"key", kOne}}), system_);

  EXPECT_EQ(result.get("diff").get("after"), Value(std::string(kOne) + "\n"));
}

}  // namespace
}  // namespace gpustack::modules
