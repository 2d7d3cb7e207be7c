#include "modules/sdk/arguments.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

struct Case {
  const char* name;
  const char* text;
  bool free_form;
  Value expected;
};

class KeyValueText : public testing::TestWithParam<Case> {};

TEST_P(KeyValueText, ReadsAsAnsibleReadsIt) {
  const auto parsed = parse_key_value(GetParam().text, GetParam().free_form);

  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, GetParam().expected) << to_repr(*parsed);
}

Value raw(const char* text) { return Value::map({{"_raw_params", text}}); }

INSTANTIATE_TEST_SUITE_P(
    Cases,
    KeyValueText,
    testing::Values(
        Case{"Pairs",
             "src=a dest=/b mode=0644",
             false,
             Value::map({{"src", "a"}, {"dest", "/b"}, {"mode", "0644"}})},
        Case{"QuotedValue",
             "msg=\"hello there\" x='1 2'",
             false,
             Value::map({{"msg", "hello there"}, {"x", "1 2"}})},
        Case{"TemplateBlock",
             "path={{ a b }}/c state=file",
             false,
             Value::map({{"path", "{{ a b }}/c"}, {"state", "file"}})},
        Case{"EqualsInValue", "line=a=b", false, Value::map({{"line", "a=b"}})},
        Case{"EmptyValue", "a= b=1", false, Value::map({{"a", ""}, {"b", "1"}})},
        Case{"Escapes", "a=x\\ty b=\\u00e4", false, Value::map({{"a", "x\ty"}, {"b", "\xc3\xa4"}})},
        Case{"FreeForm", "echo hello", true, raw("echo hello")},
        Case{"FreeFormKeepsSpaces", "echo  a   b", true, raw("echo  a   b")},
        Case{"FreeFormKeepsLines", "echo a\necho b", true, raw("echo a\necho b")},
        Case{"FreeFormKeepsQuotes", "echo 'a  b' FOO=1", true, raw("echo 'a  b' FOO=1")},
        Case{"FreeFormWithOptions",
             "creates=/x make all",
             true,
             Value::map({{"creates", "/x"}, {"_raw_params", "make all"}})},
        Case{"LineContinuation", "echo a \\\n  b", true, raw("echo a  b")},
        Case{"EscapedEquals", "a\\=b", false, raw("a=b")}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(KeyValueText, RefusesAnOpenQuote) {
  const auto parsed = parse_key_value("msg=\"hello", false);

  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace gpustack::modules
