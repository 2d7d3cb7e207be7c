#include "core/base/json.hpp"
#include "core/yaml/node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

namespace gpustack::yaml {
namespace {

using ::testing::HasSubstr;

Node loaded(const std::string& text, VaultReader* vault = nullptr) {
  auto document = load("t.yml", text, vault);
  EXPECT_TRUE(document.has_value()) << document.error().render();
  return document ? document->root : Node();
}

std::string as_json(const std::string& text) { return to_json(loaded(text).to_value()); }

Error refused(const std::string& text, VaultReader* vault = nullptr) {
  auto document = load("t.yml", text, vault);
  EXPECT_FALSE(document.has_value()) << "accepted: " << text;
  return document ? Error(ErrorCode::bug, "accepted") : document.error();
}

/// Of the processor's time, so that a busy machine does not matter.
double seconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST(YamlLoad, KeepsTheOrderOfKeysAndTheTypesOfScalars) {
  EXPECT_EQ(as_json("b: 1\na: [yes, 'yes', 1.5, ~, x]\n"),
            R"({"b": 1, "a": [true, "yes", 1.5, null, "x"]})");
}

TEST(YamlLoad, GivesEveryNodeAndKeyItsPlaceInCodePoints) {
  const Node root = loaded("é: ü\nlist:\n  - name: x\n    when: 'y'\n");

  EXPECT_EQ(root.find("é")->span().text(), "t.yml:1:4");
  EXPECT_EQ(root.member("list")->key_span.text(), "t.yml:2:1");
  EXPECT_EQ(root.member("list")->key_span.length, 4U);
  const Node& item = root.find("list")->items()[0];
  EXPECT_EQ(item.span().text(), "t.yml:3:5");
  EXPECT_EQ(item.find("when")->span().text(), "t.yml:4:11");
  EXPECT_EQ(item.find("when")->span().length, 3U);
}

TEST(YamlLoad, PointsAtTheKeyWhenTheValueIsNotThere) {
  const Node root = loaded("a:\nbcd:\ne: 1\n");

  EXPECT_TRUE(root.find("bcd")->is_null());
  EXPECT_EQ(root.find("bcd")->span().text(), "t.yml:2:1");
}

struct OriginCase {
  const char* name;
  const char* text;
  std::size_t offset;
  const char* place;
};

class YamlOrigin : public ::testing::TestWithParam<OriginCase> {};

TEST_P(YamlOrigin, LeadsFromTheValueBackToTheFile) {
  const Node root = loaded(GetParam().text);
  const Value& value = root.find("k")->scalar();

  ASSERT_NE(value.origin(), nullptr);
  EXPECT_EQ(value.origin()->at(value.as_string(), GetParam().offset).text(), GetParam().place);
}

INSTANTIATE_TEST_SUITE_P(
    Styles,
    YamlOrigin,
    ::testing::Values(OriginCase{"plain", "k: abc\n", 2, "t.yml:1:6"},
                      OriginCase{"single", "k: 'abc'\n", 2, "t.yml:1:7"},
                      OriginCase{"double", "k:   \"abc\"\n", 0, "t.yml:1:7"},
                      OriginCase{"tagged", "k: !unsafe 'abc'\n", 1, "t.yml:1:14"},
                      OriginCase{"literal", "k: |\n    abc\n    def\n", 5, "t.yml:3:6"},
                      OriginCase{"folded", "k: >-\n  abc\n", 1, "t.yml:2:4"},
                      OriginCase{"indicator", "k: |2\n    abc\n", 2, "t.yml:2:5"},
                      OriginCase{"blank_first", "k: |\n\n  abc\n", 1, "t.yml:3:3"}),
    [](const auto& one) { return one.param.name; });

TEST(YamlLoad, MergesMappingsAndLetsLocalKeysWin) {
  EXPECT_EQ(as_json("base: &b {x: 1, y: 2}\nuse:\n  y: 3\n  <<: *b\n  z: 4\n"),
            R"({"base": {"x": 1, "y": 2}, "use": {"x": 1, "y": 3, "z": 4}})");
  EXPECT_EQ(
      to_json(
          loaded("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n").find("c")->to_value()),
      R"({"x": 1, "y": 2})");
}

TEST(YamlLoad, TakesAQuotedMergeKeyAsAName) { EXPECT_EQ(as_json("'<<': 1\n"), R"({"<<": 1})"); }

TEST(YamlLoad, RefusesToMergeWhatIsNotAMapping) {
  const Error error = refused("a: 1\n<<: 5\n");

  EXPECT_EQ(error.code(), ErrorCode::yaml_type);
  EXPECT_EQ(error.span().text(), "t.yml:2:5");
}

TEST(YamlLoad, WarnsOfAKeyWrittenTwiceAndTakesTheLast) {
  auto document = load("t.yml", "a: 1\nb: 2\na: 3\n");

  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(to_json(document->root.to_value()), R"({"a": 3, "b": 2})");
  ASSERT_EQ(document->warnings.size(), 1U);
  EXPECT_THAT(document->warnings[0].message, HasSubstr("duplicate dict key (a)"));
  EXPECT_EQ(document->warnings[0].span.text(), "t.yml:3:1");
}

TEST(YamlLoad, DoesNotWarnOfAKeyThatOverridesAMergedOne) {
  auto document = load("t.yml", "b: &b {x: 1}\nc: {<<: *b, x: 2}\n");

  ASSERT_TRUE(document.has_value());
  EXPECT_TRUE(document->warnings.empty());
}

TEST(YamlLoad, AcceptsByteOrderMarkAndCarriageReturns) {
  const Node root = loaded(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: |\r\n  x\r\n  y\r\n");

  EXPECT_EQ(root.find("a")->span().text(), "t.yml:1:4");
  EXPECT_EQ(root.find("b")->scalar().as_string(), "x\ny\n");
}

TEST(YamlLoad, ReadsAnEmptyTextAsNull) {
  EXPECT_TRUE(loaded("").is_null());
  EXPECT_TRUE(loaded("# only a comment\n---\n").is_null());
}

TEST(YamlLoad, MarksUnsafeTextDeeply) {
  const Node root =
      loaded("x: &x '{{ y }}'\na: !unsafe '{{ b }}'\nc: !unsafe {d: ['{{ e }}', *x]}\n");

  EXPECT_TRUE(root.find("a")->scalar().is_unsafe());
  EXPECT_FALSE(root.find("x")->scalar().is_unsafe());
  const Node& list = *root.find("c")->find("d");
  EXPECT_TRUE(list.items()[0].scalar().is_unsafe());
  EXPECT_TRUE(list.items()[1].scalar().is_unsafe());
  EXPECT_TRUE(list.to_value().as_list()[1].is_unsafe());
}

TEST(YamlLoad, SharesWhatAnAliasRepeats) {
  const Node root = loaded("a: &a [1, 2]\nb: *a\n");

  EXPECT_EQ(&root.find("a")->items(), &root.find("b")->items());
  EXPECT_EQ(root.find("b")->span().text(), "t.yml:2:4");
}

TEST(YamlLoad, FindsMembersOfLargeMappings) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "key" + std::to_string(i) + ": " + std::to_string(i) + "\n";
  const Node root = loaded(text);

  EXPECT_EQ(root.find("key77")->scalar().as_integer(), 77);
  EXPECT_EQ(root.find("key100"), nullptr);
}

struct FaultCase {
  const char* name;
  std::string text;
  ErrorCode code;
  const char* place;
  const char* says;  ///< in message or hint
};

class YamlFault : public ::testing::TestWithParam<FaultCase> {};

TEST_P(YamlFault, NamesTheMistakeAndItsPlace) {
  const Error error = refused(GetParam().text);

  EXPECT_EQ(error.code(), GetParam().code) << error.render();
  EXPECT_EQ(error.span().text(), GetParam().place) << error.render();
  EXPECT_THAT(error.render(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    YamlFault,
    ::testing::Values(
        FaultCase{"template",
                  "a: 1\nk: {{ v }}\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:2:4",
                  "write \"{{ v }}\""},
        FaultCase{"template_with_text",
                  "k: {{ v }}/x\nb: 1\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:1:4",
                  "write \"{{ v }}/x\""},
        FaultCase{"template_with_quotes",
                  "k: {{ v[\"a\"] }}\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:1:4",
                  "'{{ v[\"a\"] }}'"},
        FaultCase{"tab", "a:\n\tb: 1\n", ErrorCode::yaml_syntax, "t.yml:2:1", "indent with spaces"},
        FaultCase{"second_colon",
                  "msg: note: x\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:1:10",
                  "it contains ': '"},
        FaultCase{"missing_space",
                  "a: 1\nb:2\nc: 3\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:2:2",
                  "write 'b: 2'"},
        FaultCase{"missing_colon",
                  "a: 1\nbee\nc: 3\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:2:1",
                  "a ':' is missing"},
        FaultCase{"quote_ends_early",
                  "a: \"x\" y\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:1:8",
                  "around the whole value"},
        FaultCase{"open_double_quote",
                  "b: 1\na: \"abc\nc: 2\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:2:4",
                  "never ends"},
        FaultCase{
            "open_single_quote", "a: 'abc", ErrorCode::yaml_syntax, "t.yml:1:4", "never ends"},
        FaultCase{"indentation",
                  "- a: b\n   c: d\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:2:4",
                  "indented deeper"},
        FaultCase{"reserved", "a: @x\n", ErrorCode::yaml_syntax, "t.yml:1:4", "'@' has a meaning"},
        FaultCase{"second_document",
                  "a: 1\n---\nb: 2\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:2:1",
                  "one document"},
        FaultCase{"list_as_key",
                  "? [a]\n: 1\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:1:3",
                  "a list cannot be a key"},
        FaultCase{"unknown_tag",
                  "a: !secret x\n",
                  ErrorCode::yaml_syntax,
                  "t.yml:1:12",
                  "'!secret' is not known"},
        FaultCase{"typed_tag", "a: !!int x\n", ErrorCode::yaml_type, "t.yml:1:10", "!!int"},
        FaultCase{"unknown_alias", "a: *b\n", ErrorCode::yaml_alias, "t.yml:1:4", "no anchor"},
        FaultCase{"recursive_alias",
                  "a: &x [*x]\n",
                  ErrorCode::yaml_alias,
                  "t.yml:1:8",
                  "inside the node"},
        FaultCase{"nul", std::string("a: \0b", 5), ErrorCode::yaml_encoding, "t.yml:1:4", "NUL"},
        FaultCase{"bad_utf8", "a: 1\nb: \xC3(\n", ErrorCode::yaml_encoding, "t.yml:2:4", "0xc3"},
        FaultCase{"overlong_utf8", "a: \xC0\xAF\n", ErrorCode::yaml_encoding, "t.yml:1:4", "0xc0"},
        FaultCase{"control", "a: \x04\n", ErrorCode::yaml_encoding, "t.yml:1:4", "U+0004"},
        FaultCase{"utf16",
                  std::string("\xFF\xFE"
                              "a\0:\0",
                              6),
                  ErrorCode::yaml_encoding,
                  "t.yml:1:1",
                  "UTF-16"},
        FaultCase{"vault_without_password",
                  "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  00\n",
                  ErrorCode::vault_no_secret,
                  "t.yml:1:11",
                  "--vault-id"},
        FaultCase{"vault_file_without_password",
                  "$ANSIBLE_VAULT;1.1;AES256\n00\n",
                  ErrorCode::vault_no_secret,
                  "t.yml:1:1",
                  "the file is encrypted"}),
    [](const auto& one) { return one.param.name; });

TEST(YamlLimits, RefuseAnAliasBombQuickly) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 10; ++level) {
    const std::string below = "*a" + std::to_string(level - 1);
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + below;
    for (int i = 1; i < 10; ++i) text += ", " + below;
    text += "]\n";
  }
  const std::clock_t start = std::clock();

  const Error error = refused(text);

  EXPECT_EQ(error.code(), ErrorCode::yaml_limit);
  EXPECT_EQ(error.span().line, 6U);
  EXPECT_LT(seconds_since(start), 0.1);
}

TEST(YamlLimits, AllowTwoHundredLevelsAndNotMore) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };

  EXPECT_TRUE(load("t.yml", nested(200)).has_value());
  const Error error = refused(nested(201));
  EXPECT_EQ(error.code(), ErrorCode::yaml_limit);
  EXPECT_EQ(error.span().text(), "t.yml:1:201");
  EXPECT_EQ(refused(std::string(100'000, '[')).code(), ErrorCode::yaml_limit);
}

TEST(YamlLimits, TakeADocumentOfOneLongLineInLinearTime) {
  std::string text = "{a: 0";
  for (int i = 0; i < 40'000; ++i) text += ",k" + std::to_string(i) + ": 'v'";
  const std::clock_t start = std::clock();

  const Node root = loaded(text + "}");

  EXPECT_EQ(root.members().size(), 40'001U);
  EXPECT_EQ(root.member("k39999")->key_span.line, 1U);
  EXPECT_LT(seconds_since(start), 5.0);  // was minutes when quadratic
}

class FakeVault : public VaultReader {
 public:
  Result<Value> open(std::string_view armoured, SourceSpan span) override {
    seen = std::string(armoured);
    place = span.text();
    return Value(plain).marked(Mark::secret);
  }

  std::string plain = "hidden";
  std::string seen;
  std::string place;
};

TEST(YamlVault, HandsTheBlockToTheReader) {
  FakeVault vault;
  const Node root = loaded("a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3031\n", &vault);

  EXPECT_EQ(vault.seen, "$ANSIBLE_VAULT;1.1;AES256\n3031\n");
  EXPECT_EQ(vault.place, "t.yml:1:11");
  EXPECT_EQ(root.find("a")->scalar().as_string(), "hidden");
  EXPECT_TRUE(root.find("a")->scalar().is_secret());
}

TEST(YamlVault, KeepsEveryScalarOfAVaultFileSecret) {
  FakeVault vault;
  vault.plain = "a: top\nb: [5]\n";
  const Node root = loaded("$ANSIBLE_VAULT;1.1;AES256\n3031\n", &vault);

  EXPECT_TRUE(root.find("a")->scalar().is_secret());
  EXPECT_TRUE(root.find("b")->items()[0].scalar().is_secret());
}

TEST(YamlVault, DoesNotShowTheTextOfAVaultFileInErrors) {
  FakeVault vault;
  vault.plain = "a: topsecret: b\n";

  const Error error = refused("$ANSIBLE_VAULT;1.1;AES256\n3031\n", &vault);

  EXPECT_EQ(error.render().find("topsecret"), std::string::npos) << error.render();
}

TEST(YamlText, ReadsTextWithoutAFile) {
  auto value = parse_text("- 1\n- a: yes\n");

  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(to_json(*value), R"([1, {"a": true}])");
}

TEST(YamlText, PutsThePlaceIntoTheMessage) {
  auto value = parse_text("a: 1\nb: {{ c }}\n");

  ASSERT_FALSE(value.has_value());
  EXPECT_THAT(value.error().message(), HasSubstr("at line 2, column 4"));
}

TEST(YamlText, ReadsSeveralDocuments) {
  auto values = parse_all_text("--- 1\n--- [2]\n");

  ASSERT_TRUE(values.has_value());
  EXPECT_EQ(to_json(Value(List(*values))), "[1, [2]]");
}

TEST(YamlFile, SaysWhichFileIsAbsent) {
  auto document = load_file("/nonexistent/x.yml");

  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(document.error().code(), ErrorCode::file_not_found);
  EXPECT_THAT(document.error().message(), HasSubstr("/nonexistent/x.yml"));
}

}  // namespace
}  // namespace gpustack::yaml
