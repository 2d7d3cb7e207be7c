#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec get_url_module;

namespace {

using test::expect_converges;
using test::expect_refused;
using test::expect_unchanged;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kUrl = "http://example.com/dir/tool.tgz";
constexpr const char* kHelloSha256 =
    "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4";  // "hi\n"

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(more);
  if (arguments.find("url") == nullptr) arguments.set("url", kUrl);
  return arguments;
}

TEST(GetUrl, WritesWhatTheServerSends) {
  MemorySystem system;
  system.answers(kUrl, 200, "hi\n", {{"content-length", "3"}});
  const Value arguments = with({{"dest", "/opt/f"}, {"mode", "0600"}});
  system.folder("/opt");

  EXPECT_EQ(test::dry_run(get_url_module, arguments, system).get("changed"), Value(true));
  EXPECT_EQ(system.requests().back().method, "HEAD");
  const Value result = test::run(get_url_module, arguments, system);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  EXPECT_EQ(system.text("/opt/f"), "hi\n");
  EXPECT_EQ(system.info("/opt/f").mode, 0600U);
  EXPECT_EQ(result.get("msg"), Value("OK (3 bytes)"));
  EXPECT_EQ(result.get("checksum_src"), Value("55ca6286e3e4f4fba5d0448333fa99fc5a404a73"));
  EXPECT_FALSE(system.exists(to_text(result.get("src"))));
  EXPECT_EQ(test::run(get_url_module, arguments, system).get("changed"), Value(false));
}

TEST(GetUrl, AsksWhetherTheFileIsNewer) {
  MemorySystem system;
  system.file("/opt/f", "old").answers(kUrl, 304, "");

  const Value result = test::run(get_url_module, with({{"dest", "/opt/f"}}), system);

  EXPECT_EQ(result.get("changed"), Value(false));
  EXPECT_EQ(result.get("status_code"), Value(304));
  EXPECT_EQ(system.text("/opt/f"), "old");
  const auto& headers = system.requests().back().headers;
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].first, "If-Modified-Since");
}

TEST(GetUrl, LoadsNothingWhenTheChecksumIsRight) {
  MemorySystem system;
  system.file("/opt/f", "hi\n");

  expect_unchanged(get_url_module,
                   with({{"dest", "/opt/f"}, {"checksum", std::string("sha256:") + kHelloSha256}}),
                   system);

  EXPECT_TRUE(system.requests().empty());
}

TEST(GetUrl, NeverPutsAWrongFileInPlace) {
  MemorySystem system;
  system.file("/opt/f", "old").answers(kUrl, 200, "evil\n");

  const Value result =
      test::run(get_url_module,
                with({{"dest", "/opt/f"}, {"checksum", std::string("sha256:") + kHelloSha256}}),
                system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr(kHelloSha256));
  EXPECT_EQ(system.text("/opt/f"), "old");
}

TEST(GetUrl, FindsTheChecksumInAList) {
  MemorySystem system;
  system.folder("/opt").answers(kUrl, 200, "hi\n");
  system.answers("http://example.com/SUMS",
                 200,
                 std::string("0000  other.tgz\n") + kHelloSha256 + " *./tool.tgz\n");

  const Value result =
      test::run(get_url_module,
                with({{"dest", "/opt"}, {"checksum", "sha256:http://example.com/SUMS"}}),
                system);

  EXPECT_EQ(result.get("dest"), Value("/opt/tool.tgz"));
  EXPECT_EQ(system.text("/opt/tool.tgz"), "hi\n");
}

TEST(GetUrl, TakesTheNameTheServerProposesButNoFolder) {
  MemorySystem system;
  system.folder("/opt").answers(
      kUrl, 200, "hi\n", {{"content-disposition", "attachment; filename=\"../../etc/evil\""}});

  const Value result = test::run(get_url_module, with({{"dest", "/opt"}}), system);

  EXPECT_EQ(result.get("dest"), Value("/opt/evil"));
}

TEST(GetUrl, KeepsABackup) {
  MemorySystem system;
  system.file("/opt/f", "old").answers(kUrl, 200, "new");

  const Value result =
      test::run(get_url_module, with({{"dest", "/opt/f"}, {"backup", true}}), system);

  EXPECT_EQ(system.text(to_text(result.get("backup_file"))), "old");
}

TEST(GetUrl, ReportsTheStatusOfAFailure) {
  MemorySystem system;
  system.folder("/opt").answers(kUrl, 404, "gone");

  const Value result = test::run(get_url_module, with({{"dest", "/opt/f"}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("status_code"), Value(404));
  EXPECT_FALSE(system.exists("/opt/f"));
}

TEST(GetUrl, RefusesWhatItCannotUse) {
  MemorySystem system;

  EXPECT_THAT(
      expect_refused(get_url_module, with({{"dest", "/opt/f"}, {"url", "ftp://h/f"}}), system),
      HasSubstr("ftp"));
  EXPECT_THAT(
      expect_refused(get_url_module, with({{"dest", "/opt/f"}, {"checksum", "abc"}}), system),
      HasSubstr("ALGORITHM:DIGEST"));
  EXPECT_THAT(expect_refused(
                  get_url_module, with({{"dest", "/opt/f"}, {"checksum", "sha256:xyz"}}), system),
              HasSubstr("hexadecimal"));
  EXPECT_THAT(expect_refused(get_url_module, with({{"dest", "/opt/f"}, {"timeout", 0}}), system),
              HasSubstr("timeout"));
}

TEST(GetUrl, TakesAFileOfTheHost) {
  MemorySystem system;
  system.file("/srv/a b", "hi\n").folder("/opt");

  const Value arguments =
      with({{"url", "file:///srv/a%20b"}, {"dest", "/opt/f"}, {"mode", "0640"}});
  EXPECT_EQ(test::dry_run(get_url_module, arguments, system).get("changed"), Value(true));
  EXPECT_FALSE(system.exists("/opt/f"));
  const Value result = test::run(get_url_module, arguments, system);
  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  EXPECT_EQ(test::dry_run(get_url_module, arguments, system).get("changed"), Value(false));
  EXPECT_EQ(test::run(get_url_module, arguments, system).get("changed"), Value(false));

  EXPECT_EQ(system.text("/opt/f"), "hi\n");
  EXPECT_EQ(system.info("/opt/f").mode, 0640U);
  EXPECT_EQ(result.get("status_code"), Value());
  EXPECT_TRUE(system.requests().empty());
  EXPECT_THAT(
      expect_refused(get_url_module, with({{"url", "file:///srv"}, {"dest", "/opt/f"}}), system),
      HasSubstr("regular file"));
}

TEST(GetUrl, MendsOwnerAndModeOfAFileThatIsNewEnough) {
  MemorySystem system;
  system.file("/opt/f", "old", 0644).answers(kUrl, 304, "");

  expect_converges(get_url_module, with({{"dest", "/opt/f"}, {"mode", "0600"}}), system);

  EXPECT_EQ(system.text("/opt/f"), "old");
}

TEST(GetUrl, SendsWhatNetrcSaysToThatHostOnly) {
  MemorySystem system;
  system.file("/root/.netrc", "machine example.com login me password secret\n", 0600);
  system.folder("/opt").answers(kUrl, 200, "hi\n");
  system.answers("http://other.org/SUMS", 200, std::string(kHelloSha256) + "\n");

  const Value result =
      test::run(get_url_module,
                with({{"dest", "/opt"}, {"checksum", "sha256:http://other.org/SUMS"}}),
                system);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  ASSERT_EQ(system.requests().size(), 2U);
  EXPECT_EQ(system.requests()[0].user, "");
  EXPECT_EQ(system.requests()[1].user, "me");
  EXPECT_EQ(system.requests()[1].password, "secret");
  test::run(get_url_module, with({{"dest", "/opt"}, {"use_netrc", false}}), system);
  EXPECT_EQ(system.requests().back().user, "");
}

TEST(GetUrl, DoesNotShowAPasswordInAnError) {
  MemorySystem system;

  const std::string message = expect_refused(
      get_url_module, with({{"url", "ftp://u:hidden@h/f"}, {"dest", "/opt/f"}}), system);

  EXPECT_THAT(message, testing::Not(HasSubstr("hidden")));
}

}  // namespace
}  // namespace gpustack::modules
