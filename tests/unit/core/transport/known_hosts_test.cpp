#include "core/transport/known_hosts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace gpustack::transport {
namespace {

using Kind = HostKeyVerdict::Kind;

const HostKey kEd25519 = {"ssh-ed25519",
                          "AAAAC3NzaC1lZDI1NTE5AAAAIJ/rC+RDskkfsT0Xhwip8tNTibsuHYSLTOIeGmw6jYYd"};
const HostKey kOther = {"ssh-ed25519",
                        "AAAAC3NzaC1lZDI1NTE5AAAAIHc2AvVSVmzUh3YdpTzNxcz/4c52N2LhLLc9xHWb9y+c"};
const HostKey kEcdsa = {"ecdsa-sha2-nistp256",
                        "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMp0QjBqsKyRoeXTkIpnRy"
                        "YFUPBTmrdMgwMu/kF4NM4C"
                        "ldwKiyjF0Q0nYTVVPvNSLw5sBwGX00g2Yb0I0oBUNL4="};

std::string line(const std::string& names, const HostKey& key) {
  return names + " " + key.type + " " + key.base64 + "\n";
}

HostKeyVerdict check(const std::string& text,
                     const std::string& host,
                     std::uint16_t port,
                     const HostKey& key) {
  KnownHosts hosts;
  hosts.add_text("/kh", text);
  return hosts.check(host, port, key);
}

struct Row {
  const char* name;
  std::string patterns;
  std::string host;
  std::uint16_t port;
  Kind expected;
};

class KnownHostsNames : public testing::TestWithParam<Row> {};

TEST_P(KnownHostsNames, MatchAsOpenSshDoes) {
  const Row& row = GetParam();

  EXPECT_EQ(check(line(row.patterns, kEd25519), row.host, row.port, kEd25519).kind, row.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    KnownHostsNames,
    testing::Values(
        Row{"plain", "web1", "web1", 22, Kind::known},
        Row{"case_does_not_count", "Web1", "wEB1", 22, Kind::known},
        Row{"list", "web1,10.0.0.1", "10.0.0.1", 22, Kind::known},
        Row{"other_name", "web1", "web2", 22, Kind::unknown},
        Row{"port", "[web1]:2222", "web1", 2222, Kind::known},
        Row{"port_is_part_of_the_name", "web1", "web1", 2222, Kind::unknown},
        Row{"star", "*.example.com", "a.example.com", 22, Kind::known},
        Row{"question_mark", "web?", "web1", 22, Kind::known},
        Row{"question_mark_wants_one", "web?", "web", 22, Kind::unknown},
        Row{"star_with_port", "[*.example.com]:2222", "a.example.com", 2222, Kind::known},
        Row{"negated", "*.example.com,!b.example.com", "b.example.com", 22, Kind::unknown},
        Row{"negated_first", "!b.example.com,*.example.com", "b.example.com", 22, Kind::unknown}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(KnownHosts, MatchesNamesThatSshKeygenHashed) {
  KnownHosts hosts;
  char folder[] = "/tmp/gpustack-kh-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/known_hosts";
  std::ofstream(path) << line("web1", kEd25519) << line("[web1]:2222", kOther);
  const std::string command = "ssh-keygen -q -H -f " + path + " >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0) {
    std::filesystem::remove_all(folder);
    GTEST_SKIP() << "ssh-keygen is not installed";
  }
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove_all(folder);
  hosts.add_text(path, text.str());

  EXPECT_THAT(text.str(), testing::Not(testing::HasSubstr("web1")));
  EXPECT_EQ(hosts.check("web1", 22, kEd25519).kind, Kind::known);
  EXPECT_EQ(hosts.check("web1", 2222, kOther).kind, Kind::known);
  EXPECT_EQ(hosts.check("web2", 22, kEd25519).kind, Kind::unknown);
}

TEST(KnownHosts, AChangedKeyNamesThePlaceOfTheOldOne) {
  const HostKeyVerdict verdict =
      check("# comment\n\n" + line("web1", kOther), "web1", 22, kEd25519);

  EXPECT_EQ(verdict.kind, Kind::changed);
  EXPECT_EQ(verdict.place, "/kh:3");
  EXPECT_EQ(verdict.known_key, kOther);
}

TEST(KnownHosts, OneOfSeveralKeysIsEnough) {
  EXPECT_EQ(check(line("web1", kOther) + line("web1", kEd25519), "web1", 22, kEd25519).kind,
            Kind::known);
}

TEST(KnownHosts, AKeyOfAnotherTypeDoesNotMakeAHostNew) {
  EXPECT_EQ(check(line("web1", kEcdsa), "web1", 22, kEd25519).kind, Kind::changed);
}

TEST(KnownHosts, ARevokedKeyIsRefusedThoughItIsAlsoListed) {
  const HostKeyVerdict verdict =
      check(line("web1", kEd25519) + "@revoked " + line("*", kEd25519), "web1", 22, kEd25519);

  EXPECT_EQ(verdict.kind, Kind::revoked);
  EXPECT_EQ(verdict.place, "/kh:2");
}

TEST(KnownHosts, ACertificateAuthorityIsMentionedAndNotTakenAsKey) {
  const HostKeyVerdict verdict =
      check("@cert-authority " + line("*.example.com", kEd25519), "a.example.com", 22, kEd25519);

  EXPECT_EQ(verdict.kind, Kind::unknown);
  EXPECT_TRUE(verdict.has_authority);
}

TEST(KnownHosts, SkipsLinesThatDoNotParse) {
  EXPECT_EQ(check("web1\nweb1 ssh-ed25519\nweb1 ssh-ed25519 ???\n@what " + line("web1", kOther) +
                      line("web1", kEd25519),
                  "web1",
                  22,
                  kEd25519)
                .kind,
            Kind::known);
}

TEST(KnownHosts, ListsTheTypesOfAHostInFileOrder) {
  KnownHosts hosts;
  hosts.add_text("/kh", line("web1", kEcdsa) + line("web2", kOther) + line("web1", kEd25519));

  EXPECT_THAT(hosts.types("web1", 22), testing::ElementsAre("ecdsa-sha2-nistp256", "ssh-ed25519"));
}

TEST(KnownHosts, FingerprintIsTheOneOfSshKeygen) {
  // `ssh-keygen -lf` on the first key.
  EXPECT_THAT(fingerprint(kEd25519), testing::MatchesRegex("SHA256:[A-Za-z0-9+/]{43}"));
}

class AppendKnownHosts : public testing::Test {
 protected:
  AppendKnownHosts() {
    char folder[] = "/tmp/gpustack-kh-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/.ssh/known_hosts";
  }
  ~AppendKnownHosts() override { std::filesystem::remove_all(folder_); }

  std::string text() const {
    std::stringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }

  std::string folder_;
  std::string path_;
};

TEST_F(AppendKnownHosts, MakesFolderAndFileForTheOwnerOnly) {
  ASSERT_TRUE(append_known_hosts(path_, {{"web1", 22, kEd25519}}).has_value());

  struct stat status = {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(text(), line("web1", kEd25519));
}

TEST_F(AppendKnownHosts, KeepsModeAndContentAndAddsALineEnd) {
  std::filesystem::create_directories(folder_ + "/.ssh");
  std::ofstream(path_) << "web0 ssh-ed25519 " << kOther.base64;
  ::chmod(path_.c_str(), 0644);

  ASSERT_TRUE(append_known_hosts(path_, {{"web1", 2222, kEd25519}}).has_value());

  struct stat status = {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  EXPECT_EQ(text(), line("web0", kOther) + line("[web1]:2222", kEd25519));
}

TEST_F(AppendKnownHosts, DoesNotRepeatALine) {
  ASSERT_TRUE(append_known_hosts(path_, {{"web1", 22, kEd25519}}).has_value());
  ASSERT_TRUE(append_known_hosts(path_, {{"web1", 22, kEd25519}}).has_value());

  EXPECT_EQ(text(), line("web1", kEd25519));
}

TEST_F(AppendKnownHosts, LosesNoLineWhenSeveralWriteAtOnce) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([this, i] {
      const Result<void> done =
          append_known_hosts(path_, {{"web" + std::to_string(i), 22, kEd25519}});
      EXPECT_TRUE(done.has_value());
    });
  }
  for (std::thread& writer : writers) writer.join();

  const std::string result = text();
  EXPECT_EQ(std::count(result.begin(), result.end(), '\n'), 8);
}

TEST_F(AppendKnownHosts, LeavesDevicesAlone) {
  EXPECT_TRUE(append_known_hosts("/dev/null", {{"web1", 22, kEd25519}}).has_value());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace gpustack::transport
