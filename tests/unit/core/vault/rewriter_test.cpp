#include "core/vault/rewriter.hpp"

#include "core/vault/envelope.hpp"
#include "core/vault/files.hpp"
#include "tests/unit/core/vault/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

namespace gpustack::vault {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Identity kDev{"dev", Secret("swordfish")};
const Identity kNew{"new", Secret("trout")};

class VaultRewriter : public ::testing::Test {
 protected:
  VaultRewriter() { secrets.add("dev", Secret("swordfish")); }

  [[nodiscard]] std::string encrypted(const std::string& name,
                                      const std::string& text,
                                      mode_t mode = 0600) const {
    return folder.write(name, *encrypt_text(text, kDev), mode);
  }
  [[nodiscard]] std::string plain(const std::string& name) const {
    auto opened = secrets.unlock(folder.read(name), {});
    return opened ? opened->plain : opened.error().message();
  }

  Folder folder;
  VaultSecrets secrets;
  std::string input;
  std::string output;
  Rewriter rewriter{secrets,
                    {.read = [this]() -> Result<std::string> { return input; },
                     .write = [this](std::string_view text) -> Result<void> {
                       output = text;
                       return {};
                     }}};
};

TEST_F(VaultRewriter, EncryptsInPlaceAndBack) {
  const std::string path = folder.write("f", "a: 1\n", 0640);

  ASSERT_TRUE(rewriter.encrypt(path, "", kDev).has_value());
  EXPECT_THAT(folder.read("f"), StartsWith("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
  EXPECT_EQ(folder.mode("f"), 0640U);
  auto opened = rewriter.decrypt(path, "");

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(opened->vault_id, "dev");
  EXPECT_EQ(folder.read("f"), "a: 1\n");
  EXPECT_EQ(folder.mode("f"), 0600U);
}

TEST_F(VaultRewriter, GoesThroughTheStreams) {
  input = "a: 1\n";
  ASSERT_TRUE(rewriter.encrypt("-", "", kDev).has_value());
  input = output;
  ASSERT_TRUE(rewriter.decrypt("-", "").has_value());

  EXPECT_EQ(output, "a: 1\n");
}

TEST_F(VaultRewriter, WritesAnOutputFileAndLeavesTheSource) {
  const std::string path = folder.write("f", "a: 1\n");

  ASSERT_TRUE(rewriter.encrypt(path, folder.at("g"), kDev).has_value());

  EXPECT_EQ(folder.read("f"), "a: 1\n");
  EXPECT_EQ(plain("g"), "a: 1\n");
}

TEST_F(VaultRewriter, SaysInKnownWordsWhatCannotBeDone) {
  const std::string vault = encrypted("vault", "text");
  const std::string text = folder.write("text", "token: hunter2\n");
  VaultSecrets wrong;
  wrong.add("dev", Secret("trout"));

  auto twice = rewriter.encrypt(vault, "", kDev);
  auto not_vault = rewriter.decrypt(text, "");
  auto closed = Rewriter(wrong, {}).decrypt(vault, "");

  EXPECT_EQ(twice.error().message(), "input is already encrypted");
  EXPECT_EQ(twice.error().span().text(), vault + ":1:1");
  EXPECT_THAT(not_vault.error().message(), StartsWith("input is not vault encrypted data"));
  EXPECT_THAT(not_vault.error().render(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(closed.error().message(),
              StartsWith("Decryption failed (no vault secrets were found that could decrypt)"));
  EXPECT_THAT(closed.error().hint(), HasSubstr("tried the ids 'dev'"));
  EXPECT_EQ(closed.error().span().text(), vault + ":1:1");
}

TEST_F(VaultRewriter, NamesTheLineOfDamage) {
  const std::string path = folder.write("f", "$ANSIBLE_VAULT;1.1;AES256\n00\n0x\n");

  auto opened = rewriter.open(path);

  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().span().text(), path + ":3:2");
}

TEST_F(VaultRewriter, RekeysAndKeepsTheMode) {
  const std::string path = encrypted("f", "text", 0644);

  ASSERT_TRUE(rewriter.rekey(path, kNew).has_value());
  secrets.add("new", Secret("trout"));

  EXPECT_THAT(folder.read("f"), StartsWith("$ANSIBLE_VAULT;1.2;AES256;new\n"));
  EXPECT_EQ(plain("f"), "text");
  EXPECT_EQ(folder.mode("f"), 0644U);
}

TEST_F(VaultRewriter, LeavesAFileThatWasNotEditedAlone) {
  const std::string path = encrypted("f.yml", "text");
  const std::string before = folder.read("f.yml");
  std::string worked_on;

  auto done = rewriter.edit(path, [&](const std::string& file) -> Result<void> {
    worked_on = file;
    EXPECT_EQ(*read_file(file), "text");
    return {};
  });

  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(folder.read("f.yml"), before);
  EXPECT_THAT(worked_on, ::testing::EndsWith("/f.yml"));
  EXPECT_FALSE(std::filesystem::exists(worked_on));
}

TEST_F(VaultRewriter, SavesWhatWasEditedUnderTheTextsOwnId) {
  const std::string path =
      folder.write("f", *encrypt_text("text", Identity{"other", Secret("swordfish")}), 0640);

  auto done = rewriter.edit(path, [](const std::string& file) {
    return replace_file(file, "more", Readers::owner);  // as editors do that rename
  });

  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->vault_id, "dev");
  EXPECT_THAT(folder.read("f"), StartsWith("$ANSIBLE_VAULT;1.2;AES256;other\n"));
  EXPECT_EQ(plain("f"), "more");
  EXPECT_EQ(folder.mode("f"), 0640U);
}

TEST_F(VaultRewriter, LeavesTheFileAloneWhenTheEditorFails) {
  const std::string path = encrypted("f", "text");
  const std::string before = folder.read("f");
  std::string worked_on;

  auto done = rewriter.edit(path, [&](const std::string& file) -> Result<void> {
    worked_on = file;
    EXPECT_TRUE(replace_file(file, "half", Readers::owner).has_value());
    return Error(ErrorCode::command_failed, "the editor fell over");
  });

  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(folder.read("f"), before);
  EXPECT_FALSE(std::filesystem::exists(worked_on));
}

TEST_F(VaultRewriter, CreatesAFileAndItsFolder) {
  const auto write_text = [](const std::string& file) {
    return replace_file(file, "text", Readers::owner);
  };

  ASSERT_TRUE(rewriter.create(folder.at("sub/f"), kDev, write_text).has_value());
  auto again = rewriter.create(folder.at("sub/f"), kDev, write_text);

  EXPECT_EQ(plain("sub/f"), "text");
  EXPECT_THAT(again.error().message(), HasSubstr("exists, please use 'edit' instead"));
}

TEST_F(VaultRewriter, NeedsAFileToEdit) {
  const auto nothing = [](const std::string&) -> Result<void> { return {}; };

  EXPECT_EQ(rewriter.edit("-", nothing).error().code(), ErrorCode::usage);
  EXPECT_EQ(rewriter.rekey("-", kNew).error().code(), ErrorCode::usage);
  EXPECT_EQ(rewriter.create("-", kDev, nothing).error().code(), ErrorCode::usage);
}

TEST(VaultEncryptText, RefusesAnIdThatWouldBreakTheHeader) {
  for (const char* id : {"a;b", "a\nb", "dév"}) {
    EXPECT_EQ(encrypt_text("x", Identity{id, Secret("y")}).error().code(), ErrorCode::usage);
  }
}

TEST(VaultYamlValue, IndentsEveryLine) {
  EXPECT_EQ(as_yaml_value("one\ntwo\n", ""), "!vault |\n          one\n          two");
  EXPECT_EQ(as_yaml_value("one\n", "key"), "key: !vault |\n          one");
}

}  // namespace
}  // namespace gpustack::vault
