#include "modules/sdk/digest_login.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using testing::HasSubstr;

// The example of RFC 7616, section 3.9.1.
constexpr const char* kNonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
constexpr const char* kClientNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

std::string authorization(const std::string& algorithm) {
  auto login = DigestLogin::of_challenge(
      "Basic realm=\"x, Digest\", Digest realm=\"http-auth@example.org\", "
      "qop=\"auth, auth-int\", algorithm=" +
      algorithm + ", nonce=\"" + kNonce +
      "\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
  return (*login)->authorization(
      "Mufasa", "Circle of Life", "GET", "/dir/index.html", kClientNonce);
}

TEST(DigestLogin, AnswersAsTheStandardsExample) {
  EXPECT_THAT(authorization("MD5"), HasSubstr("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
  EXPECT_THAT(authorization("MD5"), HasSubstr("qop=auth, nc=00000001"));
  EXPECT_THAT(
      authorization("SHA-256"),
      HasSubstr("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
}

TEST(DigestLogin, CountsItsUses) {
  auto login = DigestLogin::of_challenge("digest realm=r, nonce=n, qop=auth");

  (*login)->authorization("u", "p", "GET", "/", "c");

  EXPECT_THAT((*login)->authorization("u", "p", "GET", "/", "c"), HasSubstr("nc=00000002"));
}

TEST(DigestLogin, IsNotThereWithoutAChallenge) {
  const auto login = DigestLogin::of_challenge("Basic realm=\"Digest realm\"");

  ASSERT_TRUE(login);
  EXPECT_FALSE(login->has_value());
}

TEST(DigestLogin, RefusesWhatItDoesNotSpeak) {
  const auto algorithm = DigestLogin::of_challenge("Digest realm=r, nonce=n, algorithm=X-9");
  const auto quality = DigestLogin::of_challenge("Digest realm=r, nonce=n, qop=\"auth-int\"");

  ASSERT_FALSE(algorithm);
  EXPECT_THAT(algorithm.error().message(), HasSubstr("X-9"));
  ASSERT_FALSE(quality);
  EXPECT_THAT(quality.error().message(), HasSubstr("auth-int"));
}

}  // namespace
}  // namespace gpustack::modules
