#include "modules/builtin/support/known_hosts_line.hpp"
#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec known_hosts_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(more);
  arguments.set("path", "/kh");
  return arguments;
}

TEST(KnownHosts, AddsAKey) {
  MemorySystem system;
  system.file("/kh", "other ssh-rsa AAAA\n");

  expect_converges(
      known_hosts_module, with({{"name", "Git"}, {"key", "git ssh-ed25519 BBBB me@x"}}), system);

  EXPECT_EQ(system.text("/kh"), "other ssh-rsa AAAA\ngit ssh-ed25519 BBBB me@x\n");
}

TEST(KnownHosts, ReplacesAKeyOfTheSameTypeAndAddsAnother) {
  MemorySystem system;
  system.file("/kh", "git ssh-ed25519 OLD\n");

  expect_converges(
      known_hosts_module, with({{"name", "git"}, {"key", "git ssh-ed25519 NEW"}}), system);
  EXPECT_EQ(system.text("/kh"), "git ssh-ed25519 NEW\n");
  expect_converges(known_hosts_module, with({{"name", "git"}, {"key", "git ssh-rsa RSA"}}), system);
  EXPECT_EQ(system.text("/kh"), "git ssh-ed25519 NEW\ngit ssh-rsa RSA\n");
}

TEST(KnownHosts, RemovesOneKeyOrAll) {
  MemorySystem system;
  system.file("/kh", "# mine\ngit ssh-ed25519 A\ngit ssh-rsa B\nother ssh-rsa C\n");

  expect_converges(known_hosts_module,
                   with({{"name", "git"}, {"key", "git ssh-rsa B"}, {"state", "absent"}}),
                   system);
  EXPECT_EQ(system.text("/kh"), "# mine\ngit ssh-ed25519 A\nother ssh-rsa C\n");
  expect_converges(known_hosts_module, with({{"name", "git"}, {"state", "absent"}}), system);
  EXPECT_EQ(system.text("/kh"), "# mine\nother ssh-rsa C\n");
}

TEST(KnownHosts, HashesTheNameAndFindsItAgain) {
  MemorySystem system;
  const Value arguments = with({{"name", "git"}, {"key", "git ssh-rsa B"}, {"hash_host", true}});

  expect_converges(known_hosts_module, arguments, system);

  EXPECT_THAT(system.text("/kh"), StartsWith("|1|"));
  EXPECT_THAT(system.text("/kh"), Not(HasSubstr("git")));
  expect_unchanged(known_hosts_module, arguments, system);
}

TEST(KnownHosts, RefusesTheKeyOfAnotherHost) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(
                  known_hosts_module, with({{"name", "git"}, {"key", "other ssh-rsa B"}}), system),
              HasSubstr("'git'"));
  EXPECT_THAT(expect_refused(known_hosts_module, with({{"name", "git"}}), system),
              HasSubstr("needs key"));
  EXPECT_THAT(
      expect_refused(known_hosts_module, with({{"name", "a,b"}, {"key", "a ssh-rsa B"}}), system),
      HasSubstr("is a list"));
}

TEST(KnownHostLine, MatchesAsSshKeygenDoes) {
  const auto names = [](const char* line, const char* host) {
    return names_host(*parse_known_host(line), host);
  };

  EXPECT_TRUE(names("a,b ssh-rsa K", "b"));
  EXPECT_TRUE(names("*.example.com ssh-rsa K", "x.example.com"));
  EXPECT_FALSE(names("*.example.com,!x.example.com ssh-rsa K", "x.example.com"));
  EXPECT_TRUE(names("[h]:2222 ssh-rsa K", "[h]:2222"));
  EXPECT_TRUE(names("@revoked h ssh-rsa K", "h"));
  EXPECT_FALSE(parse_known_host("# h ssh-rsa K"));
}

TEST(KnownHostLine, HashesAsSshDoes) {
  // The second part is HMAC-SHA1 of the name, keyed with the salt.
  EXPECT_EQ(hashed_host("example.com", std::string(20, '\0')),
            "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|SRGPNbcAE3KPE3b6HB7fQ9J/69c=");
}

}  // namespace
}  // namespace gpustack::modules
