#include "core/cli/vault_passwords.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <utility>

namespace gpustack::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers questions in order, and knows which there were.
class VaultPasswords : public ::testing::Test {
 protected:
  VaultPasswords() {
    for (const char* name :
         {"ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST", "ANSIBLE_VAULT_ID_MATCH"})
      ::unsetenv(name);
  }

  Result<std::unique_ptr<vault::VaultSecrets>> read(const VaultSources& sources,
                                                    Purpose purpose = Purpose::open) {
    return read_passwords(sources, purpose, [this](const std::string& question) -> Result<Secret> {
      asked.push_back(question);
      if (answers.empty()) return Error(ErrorCode::vault_source, "no answer");
      Secret answer{answers.front()};
      answers.pop_front();
      return answer;
    });
  }

  std::vector<std::string> asked;
  std::deque<std::string> answers;
};

TEST_F(VaultPasswords, AreAskedForWhenThereIsNoOtherSource) {
  answers = {"swordfish"};

  auto secrets = read({});

  ASSERT_TRUE(secrets.has_value());
  EXPECT_THAT(asked, ElementsAre("Vault password: "));
  EXPECT_EQ(find_identity(**secrets, "")->password.reveal(), "swordfish");
}

TEST_F(VaultPasswords, AreAskedForTwiceWhenTheyAreNew) {
  answers = {"one", " one ", "two", "two"};

  auto secrets = read({.ids = {"dev@prompt"}, .password_files = {}, .ask = true}, Purpose::encrypt);

  ASSERT_TRUE(secrets.has_value());
  EXPECT_THAT(asked,
              ElementsAre("New vault password (dev): ",
                          "Confirm new vault password (dev): ",
                          "New Vault password: ",
                          "Confirm New Vault password: "));
  EXPECT_EQ(list_ids(**secrets, ","), "dev,default");
}

TEST_F(VaultPasswords, MustBeTypedAlikeAndNotEmpty) {
  answers = {"one", "two"};
  EXPECT_EQ(read({}, Purpose::encrypt).error().message(), "Passwords do not match");
  answers = {"  "};
  EXPECT_THAT(read({}).error().message(), HasSubstr("Invalid vault password was provided"));
}

TEST_F(VaultPasswords, ComeFromTheEnvironmentToo) {
  ::setenv("ANSIBLE_VAULT_PASSWORD_FILE", "/nonexistent/file", 1);
  ::setenv("ANSIBLE_VAULT_IDENTITY_LIST", " a@x , ,b@prompt", 1);
  answers = {"swordfish"};

  EXPECT_THAT(ids_of_environment(), ElementsAre("a@x", "b@prompt"));
  EXPECT_EQ(read({}).error().code(), ErrorCode::file_not_found);
  EXPECT_TRUE(read({.ids = {"b@prompt"}, .password_files = {}}).has_value())
      << "one source that fails is passed over";
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(VaultPasswords, NameTheIdsThatThereAre) {
  answers = {"x", "y"};
  auto secrets = read({.ids = {"a@prompt", "b@prompt"}, .password_files = {}});
  ASSERT_TRUE(secrets.has_value());

  EXPECT_EQ(find_identity(**secrets, "b")->password.reveal(), "y");
  EXPECT_EQ(find_identity(**secrets, "c").error().message(),
            "Did not find a match for --encrypt-vault-id=c in the known vault-ids ['a', 'b']");
}

TEST_F(VaultPasswords, RefuseAChoiceThatIsNone) {
  ::setenv("ANSIBLE_VAULT_ID_MATCH", "perhaps", 1);

  EXPECT_EQ(read({}).error().code(), ErrorCode::usage);
  ::unsetenv("ANSIBLE_VAULT_ID_MATCH");
}

}  // namespace
}  // namespace gpustack::cli
