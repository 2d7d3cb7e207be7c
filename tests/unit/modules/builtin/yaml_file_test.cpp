#include "tests/support/edit_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpustack::modules {

extern const ModuleSpec yaml_file_module;

namespace {

using test::EditCase;
using test::expect_converges;
using test::expect_refused;
using test::MemorySystem;
using testing::HasSubstr;

class YamlEdit : public testing::TestWithParam<EditCase> {};

TEST_P(YamlEdit, ChangesThatPlaceAndStaysThere) { test::expect_edit(yaml_file_module, GetParam()); }

constexpr const char* kServer =
    "# head\nserver:\n    port: 80   # plain\n    names:\n    - a\n    - b\n\n# tail\nlog: debug\n";

INSTANTIATE_TEST_SUITE_P(
    Cases,
    YamlEdit,
    testing::Values(
        EditCase{"KeepsCommentsBesideAValue",
                 kServer,
                 {{"key", "server.port"}, {"value", 8080}},
                 "# head\nserver:\n    port: 8080   # plain\n    names:\n    - a\n    - b\n\n# "
                 "tail\nlog: debug\n"},
        EditCase{"AddsAKeyAsDeepAsTheOthers",
                 kServer,
                 {{"key", "server.tls"},
                  {"value", Value::map({{"on", true}, {"l", Value::list({"x"})}})}},
                 "# head\nserver:\n    port: 80   # plain\n    names:\n    - a\n    - b\n    "
                 "tls:\n        'on': true\n        l:\n        - x\n\n# tail\nlog: debug\n"},
        EditCase{"AddsAnItem",
                 kServer,
                 {{"key", "server.names[]"}, {"value", "c"}},
                 "# head\nserver:\n    port: 80   # plain\n    names:\n    - a\n    - b\n    - "
                 "c\n\n# tail\nlog: debug\n"},
        EditCase{
            "RemovesAnItem",
            kServer,
            {{"key", "server.names[]"}, {"value", "a"}, {"state", "absent"}},
            "# head\nserver:\n    port: 80   # plain\n    names:\n    - b\n\n# tail\nlog: debug\n"},
        EditCase{"MakesAListExactlyThis",
                 "l:\n  - a # 1\n  - b # 2\n  - c # 3\n",
                 {{"key", "l"}, {"value", Value::list({"a", "c"})}},
                 "l:\n  - a # 1\n  - c # 3\n"},
        EditCase{"RemovesAKeyWithAllBelow",
                 kServer,
                 {{"key", "server"}, {"state", "absent"}},
                 "# head\n\n# tail\nlog: debug\n"},
        EditCase{"QuotesWhatWouldReadAsSomethingElse",
                 "a: x\n",
                 {{"key", "a"}, {"value", "yes"}},
                 "a: 'yes'\n"},
        EditCase{"QuotesATime", "a: x\n", {{"key", "a"}, {"value", "22:22"}}, "a: '22:22'\n"},
        EditCase{"KnowsATextFromANumber", "a: 5\n", {{"key", "a"}, {"value", "5"}}, "a: '5'\n"},
        EditCase{"LeavesAnEqualTextInOtherQuotes",
                 "a: \"it's \\u00e4\" # c\n",
                 {{"key", "a"}, {"value", "it's ä"}},
                 "a: \"it's \\u00e4\" # c\n"},
        EditCase{"TakesYesForTrue", "a: yes\n", {{"key", "a"}, {"value", true}}, "a: yes\n"},
        EditCase{"WritesSeveralLinesAsABlock",
                 "a: x # why\nb: 1\n",
                 {{"key", "a"}, {"value", "one\n\n  two\n"}},
                 "a: | # why\n  one\n\n    two\nb: 1\n"},
        EditCase{"ReadsABlock",
                 "a: |-\n    one\n    two\nb: >\n  x\n  y\n\n  z\n",
                 {{"value", Value::map({{"a", "one\ntwo"}, {"b", "x y\nz\n"}})}},
                 "a: |-\n    one\n    two\nb: >\n  x\n  y\n\n  z\n"},
        EditCase{"ReplacesABlock",
                 "a: | # c\n  one\nb: 1\n",
                 {{"key", "a"}, {"value", 1}},
                 "a: 1 # c\nb: 1\n"},
        EditCase{"EditsWithinALine",
                 "a: {x: [1, 2], y: 'q'} # c\n",
                 {{"key", "a.x[1]"}, {"value", 3}},
                 "a: {x: [1, 3], y: q} # c\n"},
        EditCase{
            "AddsToALine", "a: [1]\n", {{"key", "a[]"}, {"value", "x, y"}}, "a: [1, 'x, y']\n"},
        EditCase{"RemovesWithinALine",
                 "a: [1, 2]\n",
                 {{"key", "a[]"}, {"value", 1}, {"state", "absent"}},
                 "a: [2]\n"},
        EditCase{"FillsWhatIsEmpty",
                 "a: # later\nb: {}\n",
                 {{"value", Value::map({{"a", Value::list({1})}, {"b", Value::map({{"c", 1}})}})},
                  {"state", "merged"}},
                 "a: # later\n  - 1\nb:\n  c: 1\n"},
        EditCase{"EditsItemsOfMaps",
                 "l:\n  - name: a\n    v: 1\n  - name: b\n",
                 {{"key", "l[1].v"}, {"value", 2}},
                 "l:\n  - name: a\n    v: 1\n  - name: b\n    v: 2\n"},
        EditCase{"RemovesTheFirstKeyOfAnItem",
                 "l:\n  - name: a\n    v: 1\n",
                 {{"key", "l[0].name"}, {"state", "absent"}},
                 "l:\n  - v: 1\n"},
        EditCase{
            "AddsAnItemOfMaps",
            "- a: 1\n",
            {{"key", "[]"},
             {"value",
              Value::map({{"b", Value::list({1, Value::list({2, 3})})}, {"c", Value(Map())}})}},
            "- a: 1\n- b:\n    - 1\n    - - 2\n      - 3\n  c: {}\n"},
        EditCase{"LeavesNothingAsNothing",
                 "a:\n  b: 1\n",
                 {{"key", "a.b"}, {"state", "absent"}},
                 "a: {}\n"},
        EditCase{"TakesNumbersAsKeys", "80: a\n", {{"key", "80"}, {"value", "b"}}, "80: b\n"},
        EditCase{"WritesBehindTheDocumentsStart",
                 "---\n# empty\n",
                 {{"key", "a"}, {"value", 1}},
                 "---\n# empty\na: 1\n"},
        EditCase{"EndsTheLastLine", "a: 1", {{"key", "b.c"}, {"value", 1.5}}, "a: 1\nb:\n  c: 1.5"},
        EditCase{"GoesRoundWhatItDoesNotKnow",
                 "base: &b\n  x: 1\nown:\n  <<: *b\n  text: a long\n    one\n  flow: [1,\n    2]\n "
                 " y: !t 2\nz: 1\n",
                 {{"key", "own.y"}, {"value", 3}},
                 "base: &b\n  x: 1\nown:\n  <<: *b\n  text: a long\n    one\n  flow: [1,\n    2]\n "
                 " y: 3\nz: 1\n"},
        EditCase{"MergesBesideWhatItDoesNotKnow",
                 "base: &b\n  x: 1\nown:\n  <<: *b\n",
                 {{"value", Value::map({{"own", Value::map({{"y", "t"}})}})}, {"state", "merged"}},
                 "base: &b\n  x: 1\nown:\n  <<: *b\n  y: t\n"},
        EditCase{"KeepsLineEndsOfItsKind",
                 "a: 1\r\nb:\r\n  c: 2\r\n",
                 {{"key", "b.d"}, {"value", Value::list({1})}},
                 "a: 1\r\nb:\r\n  c: 2\r\n  d:\r\n    - 1\r\n"}),
    test::kEditName);

TEST(YamlFile, MakesTheFile) {
  MemorySystem system;

  const Value result =
      expect_converges(yaml_file_module,
                       Value::map({{"path", "/opt/x/c.yml"},
                                   {"key", "a.\"b.c\""},
                                   {"value", Value::list({1e20, "- x", "", nullptr, "a: b"})}}),
                       system);

  EXPECT_EQ(system.text("/opt/x/c.yml"),
            "a:\n  b.c:\n    - 1.0e+20\n    - '- x'\n    - ''\n    - null\n    - 'a: b'\n");
  EXPECT_EQ(result.get("msg"), Value("value added"));
}

TEST(YamlFile, SaysWhichCommentsAreLost) {
  MemorySystem system;
  system.file("/f", "a:\n  # of b\n  b: 1\nc: 2\n");

  const Value result = expect_converges(
      yaml_file_module, Value::map({{"path", "/f"}, {"key", "a"}, {"value", "x"}}), system);

  EXPECT_EQ(system.text("/f"), "a: x\nc: 2\n");
  ASSERT_EQ(result.get("warnings").size(), 1U);
  EXPECT_THAT(to_text(result.get("warnings")),
              HasSubstr("comments in the lines 1 to 3 are not kept"));
}

struct BrokenCase {
  const char* name;
  const char* text;
  const char* key;
  const char* says;
};

class YamlRefusal : public testing::TestWithParam<BrokenCase> {};

TEST_P(YamlRefusal, NamesTheLine) {
  MemorySystem system;
  system.file("/f", GetParam().text);

  EXPECT_THAT(expect_refused(yaml_file_module,
                             Value::map({{"path", "/f"}, {"key", GetParam().key}, {"value", 1}}),
                             system),
              HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    YamlRefusal,
    testing::Values(
        BrokenCase{"AnAnchor", "a: &x\n  b: 1\nc: *x\n", "a", "line 1 has an anchor"},
        BrokenCase{"BelowAnAnchor", "a: &x\n  b: 1\n", "a.b", "'a' is no map (an anchor, line 1)"},
        BrokenCase{"FlowOverLines",
                   "a: [1,\n  2]\n",
                   "a[0]",
                   "'a' is no list (a value over several lines, line 1)"},
        BrokenCase{"TwoDocuments", "a: 1\n---\nb: 1\n", "a", "line 2 begins a second document"},
        BrokenCase{"ATab", "a:\n\tb: 1\n", "a", "line 2"},
        BrokenCase{"AKeyTwice", "a: 1\na: 2\n", "a", "line 2 has a key once more"},
        BrokenCase{"ALongKey", "? a\n: 1\n", "a", "line 1 is a key over several lines"},
        BrokenCase{"WrongDepth",
                   "a:\n    b: 1\n  c: 2\n",
                   "a",
                   "line 3 is indented like nothing above it"},
        BrokenCase{"TwoColons", "a: b: c\n", "a", "line 1 has a colon"},
        BrokenCase{"NoEndOfAList", "a: [1\nb: 2\n", "b", "line 1 begins a value that has no end"},
        BrokenCase{"NoEndOfAText", "a: 1\nb: \"x\n", "a", "line 2 begins a value that has no end"},
        BrokenCase{"AKeyWithinAText", "a: 2\n b: 3\n", "a", "line 2 is a key within the text"},
        BrokenCase{"MoreBehindAList", "a: [1,\n 2] x\n", "a", "line 1 has something behind"},
        BrokenCase{"NoKey", "a: 1\n: {}\n", "a", "line 2 has a value without a key"},
        BrokenCase{"NoMap", "a\n", "a", "the document is no map (str)"},
        BrokenCase{"ADirective", "%YAML 1.2\n---\na: 1\n", "a", "line 1 is a directive"}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpustack::modules
