#include "core/vault/cipher.hpp"
#include "core/vault/secrets.hpp"
#include "tests/unit/core/vault/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::vault {
namespace {

using ::testing::HasSubstr;

/// `hello` under the password `swordfish`, written by ansible-vault of ansible-core 2.14.18.
constexpr std::string_view kHello = R"($ANSIBLE_VAULT;1.1;AES256
38326563376430633562633939363738393438383034343964363164653730363061393861323133
3139383437643030633065326165343664303934393361640a666563626138626630626263366631
36623734336666373932616533396439633431393339626535356238326466353935383366626361
3739653461383764640a306565613661626263346237356539636561633033366539376439343335
6132
)";

TEST(VaultCipher, OpensWhatAnsibleWrote) {
  auto envelope = read_envelope(kHello);
  ASSERT_TRUE(envelope.has_value());

  auto plain = decrypt(*envelope, Secret("swordfish"));

  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(*plain, "hello");
}

TEST(VaultCipher, WritesTheSameBytesForTheSameSalt) {
  auto envelope = read_envelope(kHello);
  ASSERT_TRUE(envelope.has_value());

  EXPECT_EQ(write_envelope(encrypt("hello", Secret("swordfish"), "", envelope->salt)), kHello);
}

TEST(VaultCipher, GivesNothingForAWrongPassword) {
  auto envelope = read_envelope(kHello);
  ASSERT_TRUE(envelope.has_value());

  auto plain = decrypt(*envelope, Secret("trout"));

  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->has_value());
}

TEST(VaultCipher, TakesEveryLengthAndLongPasswords) {
  const Secret password(std::string(100, 'p'));
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 1000U}) {
    const std::string text(size, '\x03');
    auto envelope = read_envelope(write_envelope(encrypt(text, password, "prod")));
    ASSERT_TRUE(envelope.has_value());
    EXPECT_EQ(envelope->vault_id, "prod");
    auto plain = decrypt(*envelope, password);
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(*plain, text);
  }
}

struct HeaderCase {
  const char* name;
  const char* text;
  const char* place;
  const char* says;
};

class VaultHeader : public ::testing::TestWithParam<HeaderCase> {};

TEST_P(VaultHeader, NamesTheFaultAndItsPlace) {
  const SourceSpan start{intern_source("v.yml", GetParam().text), 1, 1, 1};

  auto envelope = read_envelope(GetParam().text, start);

  ASSERT_FALSE(envelope.has_value());
  EXPECT_EQ(envelope.error().code(), ErrorCode::vault_header);
  EXPECT_EQ(envelope.error().span().text(), GetParam().place);
  EXPECT_THAT(envelope.error().message(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Faults,
    VaultHeader,
    ::testing::Values(
        HeaderCase{"fields", "$ANSIBLE_VAULT;1.1\n00\n", "v.yml:1:1", "expected a vault header"},
        HeaderCase{"cipher", "$ANSIBLE_VAULT;1.0;AES\n00\n", "v.yml:1:1", "found 'AES'"},
        HeaderCase{"no_body", "$ANSIBLE_VAULT;1.1;AES256\n", "v.yml:1:1", "no body"},
        HeaderCase{"not_hex", "$ANSIBLE_VAULT;1.1;AES256\n00\n0x\n", "v.yml:3:2", "found 'x'"},
        HeaderCase{"odd", "$ANSIBLE_VAULT;1.1;AES256\n00\n0\n", "v.yml:3:1", "odd number"},
        HeaderCase{"parts", "$ANSIBLE_VAULT;1.1;AES256\n3030\n", "v.yml:2:1", "lacks a part"},
        HeaderCase{"inner", "$ANSIBLE_VAULT;1.1;AES256\n780a780a78\n", "v.yml:2:1", "damaged"}),
    [](const auto& one) { return one.param.name; });

TEST(VaultHeader, PointsIntoAnInlineValue) {
  VaultSecrets secrets;
  secrets.add("", Secret("x"));

  auto document = yaml::load(
      "h.yml", "a: 1\npassword: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    00zz\n", &secrets);

  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().span().text(), "h.yml:4:7");
}

TEST(VaultSecrets, OpenInlineValuesAndMarkThemSecret) {
  VaultSecrets secrets;
  secrets.add("", Secret("wrong"));
  secrets.add("other", Secret("swordfish"));

  auto value = secrets.open(kHello, {});

  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->as_string(), "hello");
  EXPECT_TRUE(value->is_secret());
}

TEST(VaultSecrets, SayWhichIdsWereTried) {
  VaultSecrets secrets;
  secrets.add("a", Secret("x"));
  secrets.add("b", Secret("y"));

  auto value = secrets.open(kHello, {});

  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().code(), ErrorCode::vault_no_secret);
  EXPECT_THAT(value.error().message(), HasSubstr("'a', 'b'"));
}

TEST(VaultSecrets, TryOnlyTheTextsOwnIdWhenTold) {
  VaultSecrets secrets(
      {.prompt = {}, .must_match_id = true, .script_timeout = std::chrono::seconds(5)});
  secrets.add("other", Secret("swordfish"));

  auto value = secrets.open(kHello, {});

  ASSERT_FALSE(value.has_value());
  EXPECT_THAT(value.error().message(), HasSubstr("for the vault id 'default'"));
}

TEST(VaultSecrets, ReadFilesWithTheWhiteSpaceAroundTaken) {
  const Folder folder;
  VaultSecrets secrets;

  ASSERT_TRUE(secrets.add_source(folder.write("password", "  swordfish \n\n")).has_value());
  EXPECT_TRUE(secrets.open(kHello, {}).has_value());
}

TEST(VaultSecrets, ReadAPasswordFileThatIsVaultTextItself) {
  const Folder folder;
  VaultSecrets secrets;
  secrets.add("outer", Secret("outer"));

  ASSERT_TRUE(secrets
                  .add_source(folder.write(
                      "p", write_envelope(encrypt("swordfish\n", Secret("outer"), ""))))
                  .has_value());
  EXPECT_TRUE(secrets.open(kHello, {}).has_value());
}

TEST(VaultSecrets, RunPrograms) {
  const Folder folder;
  VaultSecrets secrets;

  ASSERT_TRUE(
      secrets.add_source(folder.write("p.sh", "#!/bin/sh\necho swordfish\n", 0700)).has_value());
  EXPECT_TRUE(secrets.open(kHello, {}).has_value());
}

TEST(VaultSecrets, TellClientProgramsTheId) {
  const Folder folder;
  VaultSecrets secrets;
  const std::string path = folder.write("x-client.sh",
                                        "#!/bin/sh\nif [ \"$2\" = prod ]; then echo swordfish; "
                                        "else echo nothing here >&2; exit 2; fi\n",
                                        0700);

  EXPECT_TRUE(secrets.add_source("prod@" + path).has_value());
  auto unknown = secrets.add_source("test@" + path);

  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().message(), HasSubstr("vault id 'test'"));
  EXPECT_EQ(unknown.error().hint(), "nothing here");
  EXPECT_TRUE(secrets.open(kHello, {}).has_value());
}

TEST(VaultSecrets, GuessThatAnExecutablePlainFileIsAMistake) {
  const Folder folder;
  VaultSecrets secrets;

  auto added = secrets.add_source(folder.write("password", "swordfish\n", 0700));

  ASSERT_FALSE(added.has_value());
  EXPECT_THAT(added.error().hint(), HasSubstr("chmod -x"));
}

TEST(VaultSecrets, RefuseEmptyAndAbsentSources) {
  const Folder folder;
  VaultSecrets secrets;

  EXPECT_EQ(secrets.add_source(folder.write("empty", "\n")).error().code(),
            ErrorCode::vault_source);
  EXPECT_EQ(secrets.add_source("x@/nonexistent").error().code(), ErrorCode::file_not_found);
  EXPECT_EQ(secrets.add_source("x@").error().code(), ErrorCode::vault_source);
  EXPECT_EQ(secrets.add_source("x@prompt").error().code(), ErrorCode::vault_source);
}

TEST(VaultSecrets, AskThroughTheGivenPrompt) {
  std::string asked;
  VaultSecrets secrets({.prompt = [&](const std::string& vault_id) -> Result<Secret> {
                          asked = vault_id;
                          return Secret("swordfish");
                        },
                        .must_match_id = false,
                        .script_timeout = std::chrono::seconds(5)});

  ASSERT_TRUE(secrets.add_source("prod@prompt").has_value());
  EXPECT_EQ(asked, "prod");
  EXPECT_TRUE(secrets.open(kHello, {}).has_value());
}

TEST(VaultSecrets, EncryptWithTheFirstSecretOfAnId) {
  VaultSecrets secrets;
  secrets.add("a", Secret("x"));
  secrets.add("b", Secret("y"));

  auto text = secrets.encrypt("hi", "b");

  ASSERT_TRUE(text.has_value());
  EXPECT_TRUE(text->starts_with("$ANSIBLE_VAULT;1.2;AES256;b\n"));
  EXPECT_EQ(secrets.open(*text, {})->as_string(), "hi");
  EXPECT_EQ(secrets.encrypt("hi", "c").error().code(), ErrorCode::vault_no_secret);
}

}  // namespace
}  // namespace gpustack::vault
