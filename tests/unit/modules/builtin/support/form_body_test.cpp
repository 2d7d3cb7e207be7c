#include "modules/builtin/support/form_body.hpp"

#include "tests/support/memory_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

using test::MemorySystem;
using testing::HasSubstr;

TEST(FormBody, WritesPairs) {
  EXPECT_EQ(
      *form_urlencoded(Value::map({{"a b", "x&y"}, {"n", 1}, {"none", Value()}, {"t", true}})),
      "a+b=x%26y&n=1&t=True");
  EXPECT_EQ(*form_urlencoded(Value::map({{"l", Value::list({"1", "~é"})}})), "l=1&l=~%C3%A9");
  EXPECT_EQ(*form_urlencoded(Value::list({Value::list({"a", 1}), Value::list({"a", 2})})),
            "a=1&a=2");
  EXPECT_EQ(*form_urlencoded("as=it&is"), "as=it&is");
}

TEST(FormBody, RefusesWhatHasNoPairs) {
  EXPECT_THAT(form_urlencoded(5).error().message(), HasSubstr("int"));
  EXPECT_THAT(form_urlencoded(Value::list({"a"})).error().message(), HasSubstr("pairs"));
}

TEST(FormBody, WritesFieldsAndFiles) {
  MemorySystem system;
  system.file("/f.json", std::string(60, 'x'));

  const auto body = multipart_body(
      Value::map({{"up", Value::map({{"filename", "/f.json"}})},
                  {"made", Value::map({{"content", "c\n"}, {"mime_type", "text/x"}})},
                  {"text", "é"}}),
      system,
      "BOUND");

  ASSERT_TRUE(body) << body.error().message();
  EXPECT_EQ(body->content_type, "multipart/form-data; boundary=\"BOUND\"");
  EXPECT_EQ(body->bytes,
            "--BOUND\r\nContent-Type: text/x\r\nContent-Disposition: form-data; "
            "name=\"made\"\r\n\r\nc\r\n\r\n"
            "--BOUND\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; "
            "name=\"text\"\r\n\r\né\r\n"
            "--BOUND\r\nContent-Transfer-Encoding: base64\r\nContent-Type: "
            "application/json\r\nContent-Disposition: form-data; name=\"up\"; "
            "filename=\"f.json\"\r\n\r\n"
            "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4\r\n"
            "eHh4\r\n\r\n--BOUND--\r\n");
}

TEST(FormBody, TakesTheContentThatCameAlong) {
  MemorySystem system;
  const Value field =
      Value::map({{"filename", "local/f"}, {"_content", Content::of("hi").to_value()}});

  const auto body = multipart_body(Value::map({{"up", field}}), system, "B");

  ASSERT_TRUE(body) << body.error().message();
  EXPECT_THAT(body->bytes, HasSubstr("filename=\"f\"\r\n\r\naGk=\r\n"));
}

TEST(FormBody, RefusesFieldsItCannotSend) {
  MemorySystem system;
  const auto refused = [&](const Value& fields) {
    const auto body = multipart_body(fields, system, "B");
    return body ? std::string() : body.error().message();
  };

  EXPECT_THAT(refused("text"), HasSubstr("mapping"));
  EXPECT_THAT(refused(Value::map({{"a", 1}})), HasSubstr("'a'"));
  EXPECT_THAT(refused(Value::map({{"a", Value(Map())}})), HasSubstr("filename or content"));
  EXPECT_THAT(refused(Value::map({{"a\r\nX: 1", Value::map({{"content", "x"}})}})),
              HasSubstr("line end"));
}

}  // namespace
}  // namespace gpustack::modules
