#include "modules/sdk/cookies.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

const CookieJar::Time kNow{std::chrono::seconds(1'700'000'000)};

Url url(const char* text) { return *parse_url(text); }

CookieJar jar_of(const char* from, std::initializer_list<const char*> headers) {
  CookieJar jar;
  for (const char* header : headers) jar.take(url(from), header, kNow);
  return jar;
}

TEST(CookieJar, SendsCookiesToTheirHostAndPathOnly) {
  const CookieJar jar = jar_of("http://a.example.org/x/y",
                               {"here=1", "root=2; Path=/", "all=3; Path=/; Domain=.example.org"});

  EXPECT_EQ(jar.header_for(url("http://a.example.org/x/z"), kNow), "here=1; root=2; all=3");
  EXPECT_EQ(jar.header_for(url("http://a.example.org/xy"), kNow), "root=2; all=3");
  EXPECT_EQ(jar.header_for(url("http://b.example.org/x/z"), kNow), "all=3");
  EXPECT_EQ(jar.header_for(url("http://example.com/x/z"), kNow), "");
}

TEST(CookieJar, KeepsSecureCookiesFromPlainConnections) {
  const CookieJar jar = jar_of("https://h/", {"s=1; Secure"});

  EXPECT_EQ(jar.header_for(url("http://h/"), kNow), "");
  EXPECT_EQ(jar.header_for(url("https://h/"), kNow), "s=1");
}

TEST(CookieJar, ForgetsWhatHasExpired) {
  const CookieJar jar = jar_of("http://h/",
                               {"a=1",
                                "a=2; Max-Age=0",
                                "b=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                                "c=1; Expires=Wednesday, 09-Nov-99 23:12:40 GMT",
                                "d=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT"});

  EXPECT_EQ(jar.header_for(url("http://h/"), kNow), "d=1");
  EXPECT_TRUE(jar.all(kNow + std::chrono::seconds(11)).empty());
}

TEST(CookieJar, RefusesCookiesForOtherHosts) {
  const CookieJar jar = jar_of(
      "http://a.example.org/",
      {"x=1; Domain=example.com", "y=1; Domain=org", "z=1; Domain=b.a.example.org", "", "=1"});

  EXPECT_TRUE(jar.all(kNow).empty());
}

TEST(HttpDate, ReadsEveryFormOfServers) {
  const CookieJar::Time expected{std::chrono::seconds(784111777)};

  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_EQ(parse_http_date("soon"), std::nullopt);
}

}  // namespace
}  // namespace gpustack::modules
