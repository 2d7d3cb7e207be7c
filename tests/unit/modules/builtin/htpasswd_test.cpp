#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec htpasswd_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::ElementsAre;
using testing::HasSubstr;

Value user(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments =
      Value::map({{"path", "/etc/nginx/users"}, {"name", "ops"}, {"password", "my secret"}});
  for (const auto& [key, value] : more) arguments.set(key.as_string(), value);
  return arguments;
}

TEST(Htpasswd, MakesTheFile) {
  MemorySystem system;

  const Value result = expect_converges(htpasswd_module, user({{"mode", "0640"}}), system);

  EXPECT_THAT(system.text("/etc/nginx/users"), testing::StartsWith("ops:$apr1$"));
  EXPECT_EQ(system.info("/etc/nginx/users").mode, 0640U);
  EXPECT_EQ(result.get("msg"), Value("Created /etc/nginx/users and added ops"));
}

TEST(Htpasswd, LeavesAPasswordThatFits) {
  for (const char* hash :
       {"$apr1$saltsalt$b6pwSIrx5K2SLL0ITxyNm/",
        "$1$saltsalt$vDHPb37w9SkRlYPKgoEXG1",
        "$5$saltsalt$4Cu3vHsFJ4IYBZW/iR/jUdHNM0QspM.kQMZA.Dv4FrC",
        "$6$saltsalt$9MPI5MmI5ieSIpkJzZsqn.CxybX4AoxJ7MfC/OoyX7Zm7hMWcbdzYIoEJI69gviFSzOD6ZzONJ1foO"
        "Mz3ond3/",
        "{SHA}bEXzyYOuvmy58YVgLSO6PzWJ/2w=",
        "my secret"}) {
    MemorySystem system;
    system.file("/etc/nginx/users", std::string("# staff\nops:") + hash + "\nother:x\n");

    const Value result = expect_unchanged(htpasswd_module, user({}), system);

    EXPECT_EQ(result.get("msg"), Value("ops already present")) << hash;
  }
}

TEST(Htpasswd, ReplacesAPasswordInItsPlace) {
  for (const char* scheme :
       {"md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1", "plaintext"}) {
    MemorySystem system;
    system.file("/etc/nginx/users", "a:1\nops:old\nz:2");

    expect_converges(htpasswd_module, user({{"crypt_scheme", scheme}}), system);

    EXPECT_THAT(system.text("/etc/nginx/users"), testing::StartsWith("a:1\nops:"));
    EXPECT_THAT(system.text("/etc/nginx/users"), testing::EndsWith("\nz:2"));
  }
}

TEST(Htpasswd, AddsAndRemovesUsers) {
  MemorySystem system;
  system.file("/etc/nginx/users", "a:1");

  expect_converges(htpasswd_module, user({}), system);
  EXPECT_THAT(system.text("/etc/nginx/users"), testing::StartsWith("a:1\nops:$apr1$"));
  expect_converges(htpasswd_module, user({{"state", "absent"}}), system);
  EXPECT_EQ(system.text("/etc/nginx/users"), "a:1\n");
  expect_unchanged(htpasswd_module, user({{"state", "absent"}, {"path", "/none"}}), system);
}

TEST(Htpasswd, ShowsNoHashes) {
  MemorySystem system;
  system.diff_mode(true).file("/etc/nginx/users", "a:1\n");

  EXPECT_EQ(test::run(htpasswd_module, user({}), system).find("diff"), nullptr);
}

TEST(Htpasswd, RefusesWhatItCannotKeep) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(htpasswd_module, user({{"crypt_scheme", "bcrypt"}}), system),
              HasSubstr("bcrypt"));
  EXPECT_THAT(expect_refused(htpasswd_module, user({{"name", "a:b"}}), system), HasSubstr("colon"));
  EXPECT_THAT(expect_refused(htpasswd_module, user({{"create", false}}), system),
              HasSubstr("does not exist"));
  EXPECT_THAT(
      expect_refused(htpasswd_module, Value::map({{"path", "/f"}, {"name", "ops"}}), system),
      HasSubstr("password is needed"));
}

}  // namespace
}  // namespace gpustack::modules
