#include "core/cli/vault_passwords.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace gpustack::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers questions in order, and knows which there were.
class VaultPasswords : public ::testing::Test {
 protected:
  /// The defaults of a machine without ansible.cfg and with these environment variables.
  static Result<VaultDefaults> defaults(const std::map<std::string, std::string>& variables) {
    config::Sources sources;
    sources.folder = sources.home = sources.machine_file = "/nonexistent";
    sources.variable = [&](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(std::string(name));
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    GS_TRY(const auto config, config::Config::load(sources));
    return vault_defaults(config);
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

TEST_F(VaultPasswords, ComeFromTheConfigurationToo) {
  const auto known = defaults({{"ANSIBLE_VAULT_PASSWORD_FILE", "/nonexistent/file"},
                               {"ANSIBLE_VAULT_IDENTITY_LIST", " a@x , ,b@prompt"}});
  ASSERT_TRUE(known.has_value());
  VaultSources sources{.ids = {"c@y"}, .password_files = {"mine"}};
  sources.add(*known);

  EXPECT_THAT(sources.ids, ElementsAre("a@x", "b@prompt", "c@y"));
  EXPECT_THAT(sources.password_files, ElementsAre("mine", "/nonexistent/file"));
}

TEST_F(VaultPasswords, NeedOneSourceThatGivesOne) {
  answers = {"swordfish"};
  VaultSources sources{.ids = {}, .password_files = {"/nonexistent/file"}};

  EXPECT_EQ(read(sources).error().code(), ErrorCode::file_not_found);
  sources.ids = {"b@prompt"};
  EXPECT_TRUE(read(sources).has_value()) << "one source that fails is passed over";
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(VaultPasswords, AreNotAskedForWhereNobodyMustGiveOne) {
  auto secrets = read({.ids = {}, .password_files = {}, .asks_without_another = false});

  ASSERT_TRUE(secrets.has_value());
  EXPECT_TRUE((*secrets)->empty());
  EXPECT_THAT(asked, IsEmpty());
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
  EXPECT_EQ(defaults({{"ANSIBLE_VAULT_ID_MATCH", "perhaps"}}).error().code(),
            ErrorCode::config_invalid);
}

}  // namespace
}  // namespace gpustack::cli
