#include "modules/builtin/support/openpgp.hpp"

#include "modules/sdk/base64.hpp"
#include "tests/support/openpgp_keys.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

std::string bytes(const char* key) { return base64_decode(key).value(); }

std::string armored(const std::string& key) {
  return "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: GnuPG v2\n\n" + key +
         "\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
}

TEST(OpenPgp, ReadsBinaryAndArmoredKeys) {
  for (const std::string& text :
       {bytes(test::kPlainKey), armored(test::kPlainKey), "noise\n" + armored(test::kPlainKey)}) {
    const auto keys = parse_openpgp_keys(text);
    ASSERT_TRUE(keys) << keys.error().render();
    ASSERT_EQ(keys->size(), 1U);
    EXPECT_EQ(keys->front().fingerprint, test::kPlainFingerprint);
    EXPECT_EQ(keys->front().id(), "9BDB792675914D8C");
    EXPECT_TRUE(keys->front().is_primary);
    EXPECT_FALSE(keys->front().expires);
  }
}

TEST(OpenPgp, ReadsSubkeysAndSeveralBlocks) {
  const auto keys = parse_openpgp_keys(armored(test::kKeyWithSubkey) + armored(test::kPlainKey));
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_EQ((*keys)[0].fingerprint, test::kPrimaryFingerprint);
  EXPECT_EQ((*keys)[1].fingerprint, test::kSubkeyFingerprint);
  EXPECT_FALSE((*keys)[1].is_primary);
  EXPECT_EQ((*keys)[2].fingerprint, test::kPlainFingerprint);
}

TEST(OpenPgp, KnowsWhenAKeyEnds) {
  const auto keys = parse_openpgp_keys(bytes(test::kExpiredKey));
  ASSERT_TRUE(keys);
  const OpenPgpKey& key = keys->front();
  EXPECT_EQ(key.created, 1577836800);
  ASSERT_TRUE(key.expires);
  EXPECT_FALSE(key.is_expired(1600000000));
  EXPECT_TRUE(key.is_expired(1700000000));
}

TEST(OpenPgp, RefusesWhatIsNoKey) {
  for (const std::string& text : {std::string("root:x:0:0"),
                                  bytes(test::kPlainKey).substr(0, 60),
                                  armored("!!!"),
                                  std::string("\xc6\xff\xff\xff\xff\xff")}) {
    EXPECT_FALSE(parse_openpgp_keys(text)) << text;
  }
  EXPECT_TRUE(parse_openpgp_keys("")->empty());
  EXPECT_FALSE(is_armored_key("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
}

TEST(OpenPgp, SurvivesEveryCut) {
  const std::string whole = bytes(test::kKeyWithSubkey);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::string cut = whole.substr(0, length);
    (void)parse_openpgp_keys(cut);
    cut = whole;
    cut[length] = static_cast<char>(cut[length] ^ 0x55);
    const auto keys = parse_openpgp_keys(cut);
    EXPECT_TRUE(!keys || keys->size() <= 3U);
  }
}

}  // namespace
}  // namespace gpustack::modules
