#include "modules/sdk/http_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using testing::HasSubstr;

struct Parsed {
  HttpResponse response;
  std::string error;
};

/// Feeds `text` in pieces of `step` bytes, then ends the connection.
Parsed parse(std::string_view text, std::size_t step, bool expects_body = true) {
  std::string body;
  HttpParser parser(expects_body, [&](std::string_view piece) -> Result<void> {
    body += piece;
    return {};
  });
  for (std::size_t at = 0; at < text.size() && !parser.is_complete(); at += step) {
    const auto done = parser.feed(text.substr(at, step));
    if (!done) return Parsed{{}, done.error().message()};
  }
  const auto done = parser.end();
  if (!done) return Parsed{{}, done.error().message()};
  Parsed out{std::move(parser.response()), {}};
  out.response.body = body;
  return out;
}

struct BodyCase {
  const char* name;
  const char* text;
  const char* body;
};

class HttpBody : public testing::TestWithParam<BodyCase> {};

TEST_P(HttpBody, IsTheSameHoweverTheBytesArrive) {
  for (const std::size_t step : {1U, 2U, 7U, 4096U}) {
    const Parsed parsed = parse(GetParam().text, step);
    EXPECT_EQ(parsed.error, "");
    EXPECT_EQ(parsed.response.status, 200);
    EXPECT_EQ(parsed.response.body, GetParam().body) << "in steps of " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    HttpBody,
    testing::Values(
        BodyCase{"Sized", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
        BodyCase{"Empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
        BodyCase{"UntilTheEnd", "HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello", "hello"},
        BodyCase{"Chunked",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n",
                 "hello"},
        BodyCase{"AfterContinue",
                 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                 "hi"},
        BodyCase{"BareNewlines", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "hi"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(HttpParser, KeepsHeadersUnderLowerCaseNames) {
  const Parsed parsed = parse(
      "HTTP/1.1 301 Moved Here\r\nLocation: /x\r\nVia: a\r\nvia: b\r\nSet-Cookie: "
      "a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
      3);

  EXPECT_EQ(parsed.response.reason, "Moved Here");
  EXPECT_EQ(parsed.response.header("location"), "/x");
  EXPECT_EQ(parsed.response.header("via"), "a, b");
  EXPECT_EQ(parsed.response.headers.size(), 5U);
}

TEST(HttpParser, ExpectsNoBodyWhereThereIsNone) {
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 10, false).error, "");
  EXPECT_EQ(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 10).error, "");
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n", 10).error, "");
}

TEST(HttpParser, RefusesHostileAnswers) {
  EXPECT_THAT(parse("SSH-2.0-OpenSSH\r\n\r\n", 5).error, HasSubstr("not HTTP"));
  EXPECT_THAT(parse("HTTP/1.1 abc\r\n\r\n", 5).error, HasSubstr("not HTTP"));
  EXPECT_THAT(
      parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 5).error,
      HasSubstr("two lengths"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 5).error, HasSubstr("length"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", 5).error,
              HasSubstr("coding"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 5).error,
              HasSubstr("chunk"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 5).error,
              HasSubstr("chunk"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nX: " + std::string(300U << 10U, 'x'), 4096).error,
              HasSubstr("larger"));
  EXPECT_THAT(
      parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(10U << 10U, '1'),
            4096)
          .error,
      HasSubstr("too long"));
}

TEST(HttpParser, NoticesAnEndInTheMiddle) {
  EXPECT_THAT(parse("", 1).error, HasSubstr("without an answer"));
  EXPECT_THAT(parse("HTTP/1.1 200", 1).error, HasSubstr("middle"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 1).error,
              HasSubstr("after 3 bytes"));
  EXPECT_THAT(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", 1).error,
              HasSubstr("middle"));
}

TEST(HttpDate, IsWrittenAsServersWriteIt) {
  EXPECT_EQ(http_date(std::chrono::system_clock::time_point(std::chrono::seconds(784111777))),
            "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace gpustack::modules
