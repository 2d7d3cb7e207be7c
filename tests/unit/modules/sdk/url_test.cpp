#include "modules/sdk/url.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

TEST(Url, SplitsIntoItsParts) {
  const auto url = parse_url("HTTPS://us%40er:p%3Aw@Example.com:8443/a/b%20c?x=1#frag");
  ASSERT_TRUE(url);

  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->user, "us@er");
  EXPECT_EQ(url->password, "p:w");
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a/b%20c?x=1");
  EXPECT_EQ(url->text(), "https://example.com:8443/a/b%20c?x=1");
  EXPECT_EQ(url_file_name(*url), "b%20c");
}

TEST(Url, FillsInWhatIsLeftOut) {
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h")->port, 80);
  EXPECT_EQ(parse_url("https://h?q")->target, "/?q");
  EXPECT_EQ(parse_url("http://[::1]:8080/x")->host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:8080/x")->authority(), "[::1]:8080");
}

TEST(Url, RefusesWhatIsNoWebAddress) {
  for (const char* text : {"",
                           "example.com",
                           "ftp://h/",
                           "http://",
                           "http://h:0/",
                           "http://h:x/",
                           "http://h/\r\nX: y",
                           "http://[::1/"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, EncodesWhatARequestLineCannotHold) {
  EXPECT_EQ(parse_url("http://h/a b\xc3\xa4")->target, "/a%20b%C3%A4");
}

TEST(Url, ResolvesReferencesAsBrowsersDo) {
  const Url base = *parse_url("http://h/a/b/c?q");
  EXPECT_EQ(resolve_url(base, "d")->text(), "http://h/a/b/d");
  EXPECT_EQ(resolve_url(base, "../d?x")->text(), "http://h/a/d?x");
  EXPECT_EQ(resolve_url(base, "/d")->text(), "http://h/d");
  EXPECT_EQ(resolve_url(base, "?x")->text(), "http://h/a/b/c?x");
  EXPECT_EQ(resolve_url(base, "//other/d")->text(), "http://other/d");
  EXPECT_EQ(resolve_url(base, "https://other:444/d")->text(), "https://other:444/d");
  EXPECT_EQ(resolve_url(base, "/d?u=http://x")->text(), "http://h/d?u=http://x");
}

TEST(Url, BypassesTheProxyBySuffix) {
  const Url url = *parse_url("http://repo.example.com:8080/");
  EXPECT_TRUE(bypasses_proxy("localhost, example.com", url));
  EXPECT_TRUE(bypasses_proxy(".example.com", url));
  EXPECT_TRUE(bypasses_proxy("*", url));
  EXPECT_TRUE(bypasses_proxy("repo.example.com:8080", url));
  EXPECT_FALSE(bypasses_proxy("repo.example.com:80", url));
  EXPECT_FALSE(bypasses_proxy("ample.com,", url));
  EXPECT_FALSE(bypasses_proxy("", url));
}

TEST(Url, FindsTheFileThatAnAddressNames) {
  EXPECT_EQ(*file_of_url("file:///a/b%20c#x"), "/a/b c");
  EXPECT_EQ(*file_of_url("FILE://localhost/a"), "/a");
  EXPECT_EQ(*file_of_url("file:/a?b"), "/a?b");
  EXPECT_FALSE(file_of_url("http://h/file:/a")->has_value());
  for (const char* text : {"file://other/a", "file://", "file:///a%00b"})
    EXPECT_FALSE(file_of_url(text)) << text;
}

TEST(Url, IsShownWithoutItsPassword) {
  EXPECT_EQ(shown_url("http://u:p@h:1/a@b:c"), "http://u:********@h:1/a@b:c");
  EXPECT_EQ(shown_url("http://u:p@q@h/"), "http://u:********@h/");
  for (const char* text : {"http://h:1/a@b", "http://u@h:1/", "nonsense:p@h", "file:///a"})
    EXPECT_EQ(shown_url(text), text);
}

}  // namespace
}  // namespace gpustack::modules
