#include "core/transport/ssh_algorithms.hpp"

#include "core/transport/host_pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace gpustack::transport {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string chosen(AlgorithmKind kind, std::string_view value) {
  const Result<std::string> names = chosen_algorithms(kind, value);
  return names ? *names : "(" + names.error().message() + ")";
}

struct ListRow {
  const char* name;
  AlgorithmKind kind;
  const char* value;
  const char* expected;
};

class AlgorithmLists : public testing::TestWithParam<ListRow> {};

TEST_P(AlgorithmLists, AreReadAsInSsh) {
  const ListRow& row = GetParam();

  EXPECT_EQ(chosen(row.kind, row.value), row.expected);
}

constexpr AlgorithmKind kKex = AlgorithmKind::key_exchange;
constexpr AlgorithmKind kCipher = AlgorithmKind::cipher;
constexpr AlgorithmKind kMac = AlgorithmKind::mac;

INSTANTIATE_TEST_SUITE_P(
    Table,
    AlgorithmLists,
    testing::Values(
        ListRow{"APlainListReplaces",
                kKex,
                "curve25519-sha256,ecdh-sha2-nistp384",
                "curve25519-sha256,ecdh-sha2-nistp384"},
        ListRow{"NamesOutsideTheDefaultMayBeNamed",
                kKex,
                "diffie-hellman-group1-sha1",
                "diffie-hellman-group1-sha1"},
        ListRow{
            "CiphersHaveNamesOfTheirOwn", kCipher, "aes192-ctr,3des-cbc", "aes192-ctr,3des-cbc"},
        ListRow{"MacsHaveNamesOfTheirOwn", kMac, "hmac-sha1", "hmac-sha1"},
        ListRow{"EachNameCountsOnce", kMac, "hmac-sha1,hmac-sha1", "hmac-sha1"},
        ListRow{"EmptyPlacesSayNothing", kMac, ",hmac-sha1,", "hmac-sha1"},
        ListRow{"UnknownNamesArePassedOver",
                kKex,
                "sntrup761x25519-sha512@openssh.com,gss-group14-sha256-,curve25519-sha256",
                "curve25519-sha256"},
        ListRow{"PlusAddsBehindTheDefault",
                kMac,
                "+hmac-sha1,hmac-sha2-512",
                "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
                "hmac-sha2-512,hmac-sha1"},
        ListRow{"PlusWithUnknownNamesIsTheDefault",
                kMac,
                "+umac-64@openssh.com",
                "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
                "hmac-sha2-512"},
        ListRow{"CaretPutsInFront",
                kMac,
                "^hmac-sha2-512,hmac-sha1",
                "hmac-sha2-512,hmac-sha1,hmac-sha2-256-etm@openssh.com,"
                "hmac-sha2-512-etm@openssh.com,hmac-sha2-256"},
        ListRow{"MinusTakesOut",
                kMac,
                "-hmac-sha2-256,hmac-sha2-512",
                "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"},
        ListRow{"MinusKnowsTheStar",
                kKex,
                "-diffie-hellman-*,curve25519*",
                "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521"},
        ListRow{"MinusKnowsTheQuestionMark",
                kMac,
                "-hmac-sha2-???",
                "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"},
        ListRow{"MinusKnowsTheExclamationMark", kKex, "-*,!ecdh*521", "ecdh-sha2-nistp521"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(AlgorithmDefaults, P256ComesFirstAndNothingOfLibsshIsMissing) {
  EXPECT_THAT(split(default_algorithms(kKex), ","),
              ElementsAre("ecdh-sha2-nistp256",
                          "curve25519-sha256",
                          "curve25519-sha256@libssh.org",
                          "ecdh-sha2-nistp384",
                          "ecdh-sha2-nistp521",
                          "diffie-hellman-group18-sha512",
                          "diffie-hellman-group16-sha512",
                          "diffie-hellman-group-exchange-sha256",
                          "diffie-hellman-group14-sha256"));
}

TEST(AlgorithmDefaults, AreSupported) {
  for (const AlgorithmKind kind : {kKex, kCipher, kMac}) {
    const std::string_view all = default_algorithms(kind);
    EXPECT_EQ(chosen(kind, all), all);
  }
}

constexpr const char* kAllMacs =
    "hmac-sha2-256-etm@openssh.com, hmac-sha2-512-etm@openssh.com, hmac-sha1-etm@openssh.com, "
    "hmac-sha2-256, hmac-sha2-512, hmac-sha1";

class FaultsOfAlgorithms : public testing::TestWithParam<const char*> {};

class ListsThatLeaveNothing : public FaultsOfAlgorithms {};

TEST_P(ListsThatLeaveNothing, AreRefusedWithOptionValueAndNames) {
  const Result<std::string> names = chosen_algorithms(kMac, GetParam());

  ASSERT_FALSE(names.has_value());
  EXPECT_EQ(names.error().code(), ErrorCode::connection_settings);
  EXPECT_EQ(names.error().message(),
            std::string("MACs is '") + GetParam() +
                "', which leaves no supported name: expected some of " + kAllMacs);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ListsThatLeaveNothing,
    testing::Values("umac-64@openssh.com,hmac-sha3", "HMAC-SHA1", "hmac*", "-*"));

class ListsThatAreNone : public FaultsOfAlgorithms {};

TEST_P(ListsThatAreNone, AreRefusedWithOptionValueAndNames) {
  const Result<std::string> names = chosen_algorithms(kMac, GetParam());

  ASSERT_FALSE(names.has_value());
  EXPECT_EQ(names.error().code(), ErrorCode::connection_settings);
  EXPECT_EQ(names.error().message(),
            std::string("MACs is '") + GetParam() +
                "': expected names with commas and without spaces between them, of " + kAllMacs);
}

INSTANTIATE_TEST_SUITE_P(Table,
                         ListsThatAreNone,
                         testing::Values("", ",", "+", "-", "^", "hmac-sha1, hmac-sha2-256"));

TEST(AlgorithmFaults, NameTheOptionOfTheirKind) {
  EXPECT_THAT(chosen(kKex, "gss-gex-sha1-"),
              AllOf(HasSubstr("KexAlgorithms is"), HasSubstr("diffie-hellman-group14-sha256")));
  EXPECT_THAT(chosen(kCipher, "rc4"), AllOf(HasSubstr("Ciphers is"), HasSubstr("aes192-ctr")));
}

TEST(AlgorithmLine, DiffersWhenOneOfThemDoes) {
  const auto line = [](const char* kex, const char* ciphers, const char* macs) {
    Algorithms algorithms;
    algorithms.key_exchange = kex;
    algorithms.ciphers = ciphers;
    algorithms.macs = macs;
    return line_of(algorithms);
  };

  EXPECT_THAT((std::set<std::string>{
                  line("", "", ""), line("a", "", ""), line("", "a", ""), line("", "", "a")}),
              testing::SizeIs(4));
}

}  // namespace
}  // namespace gpustack::transport
