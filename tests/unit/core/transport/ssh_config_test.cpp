#include "core/transport/ssh_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace gpustack::transport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Target named(const std::string& name) {
  Target target;
  target.name = name;
  return target;
}

class SshConfigFiles : public testing::Test {
 protected:
  Result<Target> apply(const std::string& text, Target target) {
    SshConfig config;
    const SshConfig::Reader reader = [this](const std::string& pattern) {
      std::vector<std::pair<std::string, std::string>> found;
      if (const auto file = files_.find(pattern); file != files_.end()) found.emplace_back(*file);
      return found;
    };
    config.add_text("/home/u/.ssh/config", text, "/home/u/.ssh", reader);
    GS_TRY_VOID(config.apply(target));
    return target;
  }
  Target applied(const std::string& text, const std::string& name) {
    Result<Target> target = apply(text, named(name));
    EXPECT_TRUE(target.has_value()) << target.error().message();
    return target ? std::move(*target) : Target();
  }

  std::map<std::string, std::string> files_;
};

constexpr const char* kUsual = R"(
# the fleet
Host web* !web9
  HostName %h.example.com
  User = deploy
  Port 2222
  IdentityFile ~/.ssh/web
Host gate
  HostName 10.0.0.1
Host *
  User nobody
  IdentityFile "~/.ssh/any"
  ProxyJump admin@gate:2200
  StrictHostKeyChecking accept-new
  ServerAliveInterval 30
)";

TEST_F(SshConfigFiles, TakesTheFirstValueAndCollectsKeys) {
  const Target target = applied(kUsual, "web1");

  EXPECT_EQ(target.host(), "web1.example.com");
  EXPECT_EQ(target.user, "deploy");
  EXPECT_EQ(target.port, 2222);
  EXPECT_THAT(target.key_files, ElementsAre("~/.ssh/web", "~/.ssh/any"));
  EXPECT_EQ(target.host_keys, HostKeyPolicy::accept_new);
  ASSERT_EQ(target.jumps.size(), 1U);
  EXPECT_EQ(target.jumps[0].user, "admin");
}

TEST_F(SshConfigFiles, LeavesOutHostsAfterAnExclamationMark) {
  const Target target = applied(kUsual, "web9");

  EXPECT_EQ(target.host(), "web9");
  EXPECT_EQ(target.user, "nobody");
}

TEST_F(SshConfigFiles, TheTargetsOwnSettingsWin) {
  Target given = named("web1");
  given.user = "root";
  given.port = 22;
  given.host_keys = HostKeyPolicy::strict;

  const Result<Target> target = apply(kUsual, given);

  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->user, "root");
  EXPECT_EQ(target->port, 22);
  EXPECT_EQ(target->host_keys, HostKeyPolicy::strict);
}

constexpr const char* kEverything = R"(
Host *
  HostName configured
  Port 1
  User configured
  ProxyJump configured
  StrictHostKeyChecking no
  UserKnownHostsFile /configured
  GlobalKnownHostsFile /configured-too
  IdentitiesOnly yes
  ConnectTimeout 99
)";

TEST_F(SshConfigFiles, ArgumentsForSshWinAlsoWhenTheySayTheDefault) {
  Target given = named("web1");
  ASSERT_TRUE(apply_ssh_arguments(given,
                                  "-o HostName=%h.given -p 22 -l given -J none -o "
                                  "StrictHostKeyChecking=yes -o UserKnownHostsFile=/given -o "
                                  "IdentitiesOnly=no -o ConnectTimeout=10")
                  .has_value());

  const Result<Target> target = apply(kEverything, given);

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->host(), "web1.given");
  EXPECT_EQ(target->port, 22);
  EXPECT_EQ(target->user, "given");
  EXPECT_TRUE(target->jumps.empty());
  EXPECT_EQ(target->host_keys, HostKeyPolicy::strict);
  EXPECT_THAT(target->known_hosts_files, ElementsAre("/given"));
  EXPECT_THAT(target->system_known_hosts_files, ElementsAre("/configured-too"));
  EXPECT_TRUE(target->use_default_keys);
  EXPECT_EQ(target->timeouts.connect, std::chrono::seconds(10));
}

TEST_F(SshConfigFiles, CompleteWhatArgumentsLeaveOpen) {
  Target given = named("web1");
  ASSERT_TRUE(apply_ssh_arguments(given, "-o ServerAliveInterval=5").has_value());

  const Result<Target> target = apply(kEverything, given);

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->host(), "configured");
  EXPECT_EQ(target->port, 1);
  EXPECT_EQ(target->user, "configured");
  EXPECT_EQ(target->jumps.size(), 1U);
  EXPECT_EQ(target->host_keys, HostKeyPolicy::off);
  EXPECT_FALSE(target->use_default_keys);
  EXPECT_EQ(target->timeouts.connect, std::chrono::seconds(99));
}

TEST_F(SshConfigFiles, AProxyCommandThatTheArgumentsReplaceIsNotLookedAt) {
  Target given = named("far");
  ASSERT_TRUE(apply_ssh_arguments(given, "-J gate").has_value());

  const Result<Target> target = apply("Host far\n  ProxyCommand nc %h %p\n", given);

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->jumps.size(), 1U);
}

TEST_F(SshConfigFiles, AJumpHostIsNotSentThroughAnother) {
  Target gate = named("gate");
  gate.may_jump = false;

  const Result<Target> target = apply(kUsual, gate);

  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->host(), "10.0.0.1");
  EXPECT_TRUE(target->jumps.empty());
}

TEST_F(SshConfigFiles, MatchSectionsLookAtHostAndUser) {
  const std::string text =
      "Host alias\n  HostName real\n"
      "Match host real user root\n  Port 1\n"
      "Match originalhost alias\n  Port 2\n"
      "Match !host real\n  IdentityFile /never\n"
      "Match exec true\n  IdentityFile /exec\n"
      "Match all\n  IdentityFile /all\n";

  const Target target = applied(text, "alias");

  EXPECT_EQ(target.port, 2);
  EXPECT_THAT(target.key_files, ElementsAre("/all"));
}

// As ssh_config of the RHEL family brings the policy of the system.
TEST_F(SshConfigFiles, FinalSectionsCompleteWhatTheOthersLeaveOpen) {
  files_["/etc/policy"] = "Ciphers aes256-gcm@openssh.com\nMACs hmac-sha2-512\n";
  const std::string text =
      "Match final all\n  Include /etc/policy\nMatch final host far\n  User never\n"
      "Match !final\n  MACs hmac-sha1\nHost far\n  User late\n  Port 1\n";

  const Target near = applied(text, "near");
  const Target far = applied(text, "far");

  EXPECT_EQ(near.algorithms.ciphers, "aes256-gcm@openssh.com");
  EXPECT_EQ(near.algorithms.macs, "hmac-sha1");
  EXPECT_EQ(near.user, "");
  EXPECT_EQ(far.user, "late");
}

TEST_F(SshConfigFiles, IncludedFilesHoldWhereTheyAreIncluded) {
  files_["/home/u/.ssh/conf.d/*"] = "IdentityFile /inner\nHost other\n  IdentityFile /other\n";

  const Target target = applied("Host web1\n  Include conf.d/*\n  User deploy\n", "web1");
  const Target other = applied("Host web1\n  Include conf.d/*\n  User deploy\n", "other");

  EXPECT_THAT(target.key_files, ElementsAre("/inner"));
  EXPECT_EQ(target.user, "deploy");
  EXPECT_TRUE(other.key_files.empty());
}

TEST_F(SshConfigFiles, AFileThatIncludesItselfComesToAnEnd) {
  files_["/home/u/.ssh/loop"] = "Include loop\nUser deploy\n";

  EXPECT_EQ(applied("Include loop\n", "web1").user, "deploy");
}

TEST_F(SshConfigFiles, SayWhichAlgorithmsAreOffered) {
  const std::string text =
      "Host old\n  KexAlgorithms +diffie-hellman-group1-sha1  # until it is replaced\n"
      "  Ciphers=\"aes128-cbc\"\nHost *\n  Ciphers aes256-ctr\n  MACs hmac-sha2-512\n";

  const Target old = applied(text, "old");
  const Target other = applied(text, "other");

  EXPECT_THAT(old.algorithms.key_exchange, testing::EndsWith(",diffie-hellman-group1-sha1"));
  EXPECT_EQ(old.algorithms.ciphers, "aes128-cbc");
  EXPECT_EQ(old.algorithms.macs, "hmac-sha2-512");
  EXPECT_EQ(other.algorithms.key_exchange, "");
  EXPECT_EQ(other.algorithms.ciphers, "aes256-ctr");
}

TEST_F(SshConfigFiles, AlgorithmsOfTheTargetComeFirst) {
  Target given = named("web1");
  given.algorithms.key_exchange = "curve25519-sha256";
  given.algorithms.ciphers = "aes128-ctr";
  given.algorithms.macs = "hmac-sha1";

  const Result<Target> target =
      apply("KexAlgorithms ecdh-sha2-nistp384\nCiphers aes256-ctr\nMACs hmac-sha2-512\n", given);

  ASSERT_TRUE(target.has_value()) << target.error().message();
  EXPECT_EQ(target->algorithms.key_exchange, "curve25519-sha256");
  EXPECT_EQ(target->algorithms.ciphers, "aes128-ctr");
  EXPECT_EQ(target->algorithms.macs, "hmac-sha1");
}

TEST_F(SshConfigFiles, AlgorithmsThatNobodyKnowsAreRefusedWithTheirPlace) {
  const Result<Target> target = apply("Host *\n  MACs umac-64@openssh.com\n", named("web1"));

  ASSERT_FALSE(target.has_value());
  EXPECT_EQ(target.error().code(), ErrorCode::connection_settings);
  EXPECT_THAT(target.error().message(),
              testing::StartsWith("/home/u/.ssh/config:2: MACs is 'umac-64@openssh.com'"));
}

TEST_F(SshConfigFiles, CommentsEndAValueButNotAProxyCommand) {
  const std::string text =
      "Port 22 # usual\nUserKnownHostsFile \"/a # b\" /c#d\n"
      "ProxyCommand ssh -W %h:%p #gate\n";

  const Target target = applied(text, "web1");

  EXPECT_EQ(target.port, 22);
  EXPECT_THAT(target.known_hosts_files, ElementsAre("/a # b", "/c#d"));
  ASSERT_EQ(target.jumps.size(), 1U);
  EXPECT_EQ(target.jumps[0].address, "#gate");
}

TEST_F(SshConfigFiles, AnUnsupportedProxyCommandIsRefusedForItsHostsOnlyWithItsPlace) {
  const std::string text = "Host far\n  ProxyCommand nc %h %p\n";

  const Result<Target> far = apply(text, named("far"));

  EXPECT_TRUE(apply(text, named("near")).has_value());
  ASSERT_FALSE(far.has_value());
  EXPECT_THAT(far.error().message(),
              testing::AllOf(HasSubstr("/home/u/.ssh/config:2"), HasSubstr("nc %h %p")));
}

}  // namespace
}  // namespace gpustack::transport
