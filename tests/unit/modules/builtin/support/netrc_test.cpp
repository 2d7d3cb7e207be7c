#include "modules/builtin/support/netrc.hpp"

#include "tests/support/memory_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using test::MemorySystem;
using testing::HasSubstr;

std::string found(std::string_view text, const std::string& host) {
  const auto login = login_in_netrc(text, host, "/f");
  if (!login) return "error";
  return *login ? (*login)->user + ":" + (*login)->password : "none";
}

TEST(Netrc, FindsTheEntryOfAHost) {
  constexpr std::string_view kText =
      "# mine\nmachine a login u password p\nmachine b\n\tlogin \"v w\"\n\taccount x\n"
      "\tpassword q\\ r\nmacdef m\nmachine c\n\nmachine a user u2\npassword p2\n";
  EXPECT_EQ(found(kText, "a"), "u2:p2");
  EXPECT_EQ(found(kText, "b"), "v w:q r");
  EXPECT_EQ(found(kText, "c"), "none");
  EXPECT_EQ(found("default login d password e", "c"), "d:e");
  EXPECT_EQ(found("machine c password e\ndefault login d", "c"), ":e");
  EXPECT_EQ(found("", "c"), "none");
}

TEST(Netrc, RefusesOtherText) {
  EXPECT_EQ(found("password p", "a"), "error");
  EXPECT_EQ(found("machine a login u secret", "a"), "error");
}

TEST(Netrc, MustBeReadableByItsOwnerOnly) {
  MemorySystem system;
  EXPECT_FALSE(login_of_host(system, "a")->has_value());
  system.file("/root/.netrc", "machine a login u password p\n", 0644);
  const auto refused = login_of_host(system, "a");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("/root/.netrc"));
  EXPECT_FALSE(login_of_host(system, "b")->has_value());
  system.file("/srv/netrc", "machine a login v password q\n", 0644).variable("NETRC", "/srv/netrc");
  EXPECT_EQ((*login_of_host(system, "a"))->user, "v");
}

}  // namespace
}  // namespace gpustack::modules
