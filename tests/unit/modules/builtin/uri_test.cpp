#include "tests/support/convergence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec uri_module;

namespace {

using test::expect_refused;
using test::MemorySystem;
using testing::HasSubstr;

constexpr const char* kUrl = "http://example.com/v1/models";

Value with(std::initializer_list<std::pair<Value, Value>> more) {
  Value arguments = Value::map(more);
  if (arguments.find("url") == nullptr) arguments.set("url", kUrl);
  return arguments;
}

std::string header(const HttpRequest& request, std::string_view name) {
  for (const auto& [known, value] : request.headers) {
    if (known == name) return value;
  }
  return {};
}

TEST(Uri, TellsTheAnswer) {
  MemorySystem system;
  system.answers(kUrl,
                 200,
                 R"({"a": [1]})",
                 {{"content-type", "application/json"},
                  {"content-length", "10"},
                  {"x-request-id", "7"},
                  {"set-cookie", "a=1"},
                  {"set-cookie", "b=2"}});

  const Value result = test::run(uri_module, with({{"return_content", true}}), system);

  EXPECT_EQ(result.get("status"), Value(200));
  EXPECT_EQ(result.get("changed"), Value(false));
  EXPECT_EQ(result.get("msg"), Value("OK (10 bytes)"));
  EXPECT_EQ(result.get("url"), Value(kUrl));
  EXPECT_EQ(result.get("redirected"), Value(false));
  EXPECT_EQ(result.get("content"), Value(R"({"a": [1]})"));
  EXPECT_EQ(result.get("json"), Value::map({{"a", Value::list({1})}}));
  EXPECT_EQ(result.get("x_request_id"), Value("7"));
  EXPECT_EQ(result.get("set_cookie"), Value("a=1, b=2"));
}

TEST(Uri, SendsDataInEachFormat) {
  MemorySystem system;
  system.answers(kUrl, 200, "");
  const auto sent = [&](const Value& arguments) {
    const Value result = test::run(uri_module, arguments, system);
    EXPECT_FALSE(result.get("failed").truthy()) << to_text(result.get("msg"));
    const HttpRequest& request = system.requests().back();
    return header(request, "Content-Type") + " " + request.body;
  };
  const Value data = Value::map({{"a", 1}});

  EXPECT_EQ(sent(with({{"method", "post"}, {"body", data}, {"body_format", "json"}})),
            "application/json {\"a\": 1}");
  EXPECT_EQ(system.requests().back().method, "POST");
  EXPECT_EQ(sent(with({{"body", data}, {"body_format", "form-urlencoded"}})),
            "application/x-www-form-urlencoded a=1");
  EXPECT_EQ(sent(with({{"body", "x"}, {"headers", Value::map({{"Content-Type", "text/own"}})}})),
            "text/own x");
  EXPECT_THAT(sent(with({{"body", Value::map({{"a", "v"}})}, {"body_format", "form-multipart"}})),
              testing::StartsWith("multipart/form-data; boundary=\"gpustack-"));
}

TEST(Uri, SendsAFileOfTheHostOrOneThatCameAlong) {
  MemorySystem system;
  system.file("/f", "of the host").answers(kUrl, 200, "");

  test::run(uri_module, with({{"src", "/f"}, {"remote_src", true}}), system);
  EXPECT_EQ(system.requests().back().body, "of the host");
  test::run(uri_module,
            with({{"src", "f"}, {"_content", system.remote_content("brought").to_value()}}),
            system);
  EXPECT_EQ(system.requests().back().body, "brought");
  EXPECT_THAT(expect_refused(uri_module, with({{"src", "/none"}}), system),
              HasSubstr("Unable to open source file /none"));
}

TEST(Uri, FailsOnAStatusThatWasNotExpected) {
  MemorySystem system;
  system.answers(kUrl, 404, "gone");

  const Value result = test::run(uri_module, with({{"return_content", true}}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("status"), Value(404));
  EXPECT_EQ(result.get("content"), Value("gone"));
  EXPECT_THAT(to_text(result.get("msg")),
              HasSubstr("Status code was 404 and not [200]: HTTP Error 404"));
  EXPECT_FALSE(test::run(uri_module, with({{"status_code", Value::list({200, 404})}}), system)
                   .get("failed")
                   .truthy());
}

TEST(Uri, HasStatusMinusOneWithoutAnAnswer) {
  MemorySystem system;

  const Value result = test::run(uri_module, with({}), system);

  EXPECT_TRUE(result.get("failed").truthy());
  EXPECT_EQ(result.get("status"), Value(-1));
  EXPECT_THAT(to_text(result.get("msg")), HasSubstr("no connection"));
  EXPECT_FALSE(test::run(uri_module, with({{"status_code", Value::list({-1})}}), system)
                   .get("failed")
                   .truthy());
}

TEST(Uri, WritesTheAnswerToAFile) {
  MemorySystem system;
  system.folder("/opt").answers(kUrl, 200, "data");

  const Value result = test::run(uri_module, with({{"dest", "/opt"}, {"mode", "0600"}}), system);

  EXPECT_EQ(result.get("changed"), Value(true)) << to_text(result.get("msg"));
  EXPECT_EQ(result.get("path"), Value("/opt/models"));
  EXPECT_EQ(system.text("/opt/models"), "data");
  EXPECT_EQ(system.info("/opt/models").mode, 0600U);
  EXPECT_EQ(test::run(uri_module, with({{"dest", "/opt/models"}}), system).get("mode"),
            Value("0600"));
  EXPECT_NE(header(system.requests().back(), "If-Modified-Since"), "");
  test::run(uri_module, with({{"dest", "/opt/models"}, {"force", true}}), system);
  EXPECT_EQ(header(system.requests().back(), "If-Modified-Since"), "");
}

TEST(Uri, LeavesNoTemporaryFile) {
  MemorySystem system;
  system.folder("/opt").answers(kUrl, 404, "gone");

  test::run(uri_module, with({{"dest", "/opt/f"}}), system);

  EXPECT_FALSE(system.exists("/opt/f"));
  EXPECT_TRUE(system.list("/tmp")->empty());
}

TEST(Uri, TakesNoFolderFromTheServersName) {
  MemorySystem system;
  system.folder("/opt").answers(
      kUrl, 200, "x", {{"content-disposition", "attachment; filename=\"../../etc/evil\""}});

  const Value result = test::run(uri_module, with({{"dest", "/opt"}}), system);

  EXPECT_EQ(result.get("path"), Value("/opt/evil"));
}

TEST(Uri, AsksNothingWhereItIsNotNeeded) {
  MemorySystem system;
  system.file("/there", "");

  for (const Value& arguments : {with({{"creates", "/there"}}), with({{"removes", "/missing"}})}) {
    const Value result = test::run(uri_module, arguments, system);
    EXPECT_EQ(result.get("changed"), Value(false));
    EXPECT_THAT(to_text(result.get("stdout")), HasSubstr("skipped, since '/"));
  }
  EXPECT_TRUE(test::dry_run(uri_module, with({}), system).get("skipped").truthy());
  EXPECT_TRUE(system.requests().empty());
}

TEST(Uri, PassesOnHowToConnect) {
  MemorySystem system;
  system.answers(kUrl, 200, "");

  test::run(uri_module,
            with({{"unix_socket", "/run/s"},
                  {"follow_redirects", "none"},
                  {"user", "me"},
                  {"password", "secret"},
                  {"timeout", 7},
                  {"ca_path", "/ca"},
                  {"client_cert", "/cert"},
                  {"client_key", "/key"},
                  {"validate_certs", false},
                  {"use_proxy", false}}),
            system);

  const HttpRequest& request = system.requests().back();
  EXPECT_EQ(request.unix_socket, "/run/s");
  EXPECT_EQ(request.redirects, Redirects::none);
  EXPECT_EQ(request.user + ":" + request.password, "me:secret");
  EXPECT_EQ(request.timeout, std::chrono::seconds(7));
  EXPECT_EQ(request.ca_path + request.client_certificate + request.client_key, "/ca/cert/key");
  EXPECT_FALSE(request.validate_certificates);
  EXPECT_FALSE(request.use_proxy);
}

TEST(Uri, RefusesWhatItCannotDo) {
  MemorySystem system;

  EXPECT_THAT(expect_refused(uri_module, with({{"method", "GET /"}}), system), HasSubstr("method"));
  EXPECT_THAT(expect_refused(uri_module, with({{"use_gssapi", true}}), system),
              HasSubstr("use_gssapi"));
  EXPECT_THAT(expect_refused(uri_module, with({{"ciphers", Value::list({"ECDH"})}}), system),
              HasSubstr("ciphers"));
  EXPECT_THAT(expect_refused(uri_module, with({{"body", Value::map({{"a", 1}})}}), system),
              HasSubstr("body_format"));
  EXPECT_THAT(expect_refused(uri_module, with({{"body", "a"}, {"src", "/f"}}), system),
              HasSubstr("'src'"));
}

}  // namespace
}  // namespace gpustack::modules
