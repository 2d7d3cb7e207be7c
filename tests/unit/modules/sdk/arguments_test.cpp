#include "modules/sdk/arguments.hpp"

#include "modules/sdk/module.hpp"
#include "modules/sdk/rules.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

constexpr ArgSpec kPort[] = {
    {.name = "number", .type = ArgType::integer, .required = true},
    {.name = "protocol", .fallback = "tcp", .choices = "tcp,udp"},
};
constexpr ArgSpec kArgs[] = {
    {.name = "path", .type = ArgType::path, .required = true, .aliases = "dest, name"},
    {.name = "state", .fallback = "file", .choices = "file,absent,link,yes"},
    {.name = "count", .type = ArgType::integer, .fallback = "3"},
    {.name = "ratio", .type = ArgType::real},
    {.name = "force", .type = ArgType::boolean, .fallback = "no"},
    {.name = "items", .type = ArgType::list, .elements = ArgType::integer},
    {.name = "options", .type = ArgType::map},
    {.name = "ports", .type = ArgType::list, .elements = ArgType::map, .options = kPort},
    {.name = "src"},
    {.name = "content"},
    {.name = "key"},
    {.name = "cert"},
    {.name = "password", .is_secret = true},
    {.name = "kerberos",
     .type = ArgType::boolean,
     .fallback = "no",
     .refused = "there are no tickets"},
    {.name = "ciphers",
     .type = ArgType::list,
     .elements = ArgType::string,
     .refused = "they are fixed"},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "src,content"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "force,cert"},
    {.kind = ArgRule::Kind::required_together, .names = "key,cert"},
    {.kind = ArgRule::Kind::required_if, .names = "src", .when = "state", .equals = "link"},
    {.kind = ArgRule::Kind::required_by, .names = "content", .when = "ratio"},
};
const ModuleSpec kSpec{
    .name = "thing", .summary = "For tests.", .args = kArgs, .rules = kRules, .free_form = "path"};

Result<Value> check(Value raw) { return check_arguments(kSpec, raw); }

Value arguments(std::initializer_list<std::pair<Value, Value>> more) {
  Value out = Value::map({{"path", "/x"}});
  for (const auto& [key, value] : more) out.set(key.as_string(), value);
  return out;
}

TEST(CheckArguments, FillsInDefaultsAndResolvesAliases) {
  const auto checked = check(Value::map({{"dest", "/etc/x"}}));

  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->get("path"), Value("/etc/x"));
  EXPECT_EQ(checked->get("state"), Value("file"));
  EXPECT_EQ(checked->get("count"), Value(3));
  EXPECT_EQ(checked->get("force"), Value(false));
  EXPECT_EQ(checked->find("ratio"), nullptr);
}

TEST(CheckArguments, RefusesUnknownNamesWithASuggestion) {
  const auto checked = check(arguments({{"forse", true}}));

  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), ErrorCode::unknown_argument);
  EXPECT_EQ(checked.error().message(), "unknown argument 'forse' for module 'thing'");
  EXPECT_EQ(checked.error().hint(), "did you mean 'force'?");
}

TEST(CheckArguments, TakesFreeFormTextForTheNamedArgument) {
  const auto checked = check(Value::map({{"_raw_params", "/free"}}));

  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->get("path"), Value("/free"));
}

TEST(CheckArguments, TakesDefaultsItFilledInItselfOnTheHost) {
  const auto sent = check(arguments({{"key", "k"}, {"cert", "c"}}));
  ASSERT_TRUE(sent) << sent.error().message();

  const auto received = check_received_arguments(kSpec, *sent);

  ASSERT_TRUE(received) << received.error().message();
  EXPECT_EQ(*received, *sent);
}

TEST(CheckArguments, MarksSecretsAsSecret) {
  const auto checked = check(arguments({{"password", "hunter2"}}));

  ASSERT_TRUE(checked);
  EXPECT_TRUE(checked->get("password").is_secret());
}

TEST(CheckArguments, ChecksMembersOfNestedMaps) {
  const Value good = Value::list({Value::map({{"number", "80"}})});
  const auto checked = check(arguments({{"ports", good}}));

  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(checked->get("ports"),
            Value::list({Value::map({{"number", 80}, {"protocol", "tcp"}})}));

  const auto refused =
      check(arguments({{"ports", Value::list({Value::map({{"protocol", "tcp"}})})}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::missing_argument);
}

struct Conversion {
  const char* name;
  const char* argument;
  Value given;
  Value expected;  // null: refused
};

class Conversions : public testing::TestWithParam<Conversion> {};

TEST_P(Conversions, FollowAnsible) {
  const Conversion& one = GetParam();

  const auto checked = check(arguments({{one.argument, one.given}}));

  if (one.expected.is_null()) {
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), ErrorCode::invalid_argument);
    return;
  }
  ASSERT_TRUE(checked) << checked.error().message();
  const Value& got = checked->get(one.argument);
  EXPECT_EQ(got.kind(), one.expected.kind());
  EXPECT_EQ(got, one.expected) << to_repr(got);
}

INSTANTIATE_TEST_SUITE_P(
    OfArguments,
    Conversions,
    testing::Values(
        Conversion{"IntegerFromText", "count", " 12 ", 12},
        Conversion{"IntegerFromBool", "count", true, 1},
        Conversion{"IntegerFromReal", "count", 3.5, {}},
        Conversion{"IntegerFromWord", "count", "three", {}},
        Conversion{"BoolFromYes", "force", "Yes", true},
        Conversion{"BoolFromZero", "force", 0, false},
        Conversion{"BoolFromWord", "force", "maybe", {}},
        Conversion{"StringFromInteger", "src", 5, "5"},
        Conversion{"StringFromBool", "src", true, "True"},
        Conversion{"ListFromText", "items", "1,2", Value::list({1, 2})},
        Conversion{"ListFromNumber", "items", 7, Value::list({7})},
        Conversion{"ListItemOfWrongType", "items", Value::list({"x"}), {}},
        Conversion{
            "MapFromPairs", "options", "a=1, b='x y'", Value::map({{"a", "1"}, {"b", "x y"}})},
        Conversion{"MapFromJson", "options", "{\"a\": [1]}", Value::map({{"a", Value::list({1})}})},
        Conversion{"MapFromPython",
                   "options",
                   "{'a': True, 'b': None}",
                   Value::map({{"a", true}, {"b", {}}})},
        Conversion{"MapFromWord", "options", "nothing", {}},
        Conversion{"ChoiceFromBool", "state", true, "yes"},
        Conversion{"ChoiceUnknown", "state", "fil", {}}),
    [](const auto& test) { return std::string(test.param.name); });

struct Relation {
  const char* name;
  Value given;
  ErrorCode expected;
};

class Relations : public testing::TestWithParam<Relation> {};

TEST_P(Relations, AreRefusedWhenBroken) {
  const auto checked = check(GetParam().given);

  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), GetParam().expected) << checked.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    OfArguments,
    Relations,
    testing::Values(
        Relation{"Required", Value(Map()), ErrorCode::missing_argument},
        Relation{"RequiredNull", Value::map({{"path", {}}}), ErrorCode::missing_argument},
        Relation{
            "Exclusive", arguments({{"src", "a"}, {"content", "b"}}), ErrorCode::argument_conflict},
        Relation{"Together", arguments({{"key", "a"}}), ErrorCode::argument_conflict},
        Relation{"RequiredIf", arguments({{"state", "link"}}), ErrorCode::missing_argument},
        Relation{"RequiredBy", arguments({{"ratio", 1.5}}), ErrorCode::missing_argument}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CheckArguments, RefusesByNameWhatItCannotDo) {
  const auto asked = check(arguments({{"kerberos", "yes"}}));
  const auto listed = check(arguments({{"ciphers", "a,b"}}));

  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(asked.error().message(),
            "module 'thing' cannot do what 'kerberos' asks for: there are no tickets");
  EXPECT_EQ(asked.error().hint(), "leave 'kerberos' out");
  ASSERT_FALSE(listed);
  EXPECT_NE(listed.error().message().find("'ciphers'"), std::string::npos);
}

TEST(CheckArguments, TakesWhatItCannotDoWhereThatAsksForNothing) {
  for (const Value& nothing : {Value("no"), Value(false), Value()}) {
    const auto checked = check(arguments({{"kerberos", nothing}}));
    EXPECT_TRUE(checked) << to_repr(nothing) << ": " << checked.error().message();
  }
  EXPECT_TRUE(check(arguments({{"ciphers", Value(List())}})));
}

TEST(CheckLiteralArguments, RefusesByNameUnlessATemplateDecides) {
  const auto literal = check_literal_arguments(kSpec, arguments({{"kerberos", true}}));

  EXPECT_FALSE(literal);
  EXPECT_TRUE(check_literal_arguments(kSpec, arguments({{"kerberos", "{{ k }}"}})));
  EXPECT_TRUE(check_literal_arguments(kSpec, arguments({{"ciphers", Value::list({"{{ c }}"})}})));
}

/// Text as YAML gives it: it knows where it stands.
Value at(int line, std::string text) {
  static const SourceFile* const file = intern_source("site.yml", "");
  Origin origin;
  origin.span = SourceSpan{.file = file, .line = static_cast<std::uint32_t>(line), .column = 1};
  return Value::string_at(std::move(text), origin);
}

int line_of_fault(const Result<void>& checked) {
  EXPECT_FALSE(checked);
  return checked ? 0 : static_cast<int>(checked.error().span().line);
}

TEST(CheckLiteralArguments, PointsToTheArgumentThatIsWrong) {
  const auto fault = [](Value name, Value value) {
    Map raw;
    raw.set(at(2, "path"), Value("/x"));
    raw.set(std::move(name), std::move(value));
    return line_of_fault(check_literal_arguments(kSpec, Value(std::move(raw))));
  };

  EXPECT_EQ(fault(at(3, "count"), at(4, "many")), 4);
  EXPECT_EQ(fault(at(3, "items"), at(4, "1,two")), 4) << "text that is taken apart into a list";
  EXPECT_EQ(fault(at(3, "items"), Value::list({1, at(5, "two")})), 5);
  EXPECT_EQ(fault(at(3, "items"), Value::map({{"a", 1}})), 3) << "a value that has no place";
  EXPECT_EQ(fault(at(3, "state"), 7), 3);
  EXPECT_EQ(fault(at(3, "kerberos"), true), 3);
  EXPECT_EQ(fault(at(3, "ports"), Value::list({Value::map({{"number", Value(List())}})})), 3);
}

TEST(CheckLiteralArguments, LeavesTemplatesForLater) {
  const Value raw = arguments({{"count", "{{ n }}"},
                               {"state", "{{ s }}"},
                               {"src", "{{ x | default(omit) }}"},
                               {"content", "b"}});

  EXPECT_TRUE(check_literal_arguments(kSpec, raw));
}

TEST(CheckLiteralArguments, FindsWhatIsWrongWithoutRunning) {
  const auto unknown = check_literal_arguments(kSpec, arguments({{"unknown", "{{ n }}"}}));
  const auto wrong = check_literal_arguments(kSpec, arguments({{"count", "many"}}));

  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::unknown_argument);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::invalid_argument);
}

TEST(CheckLiteralArguments, PointsAtTheKey) {
  const SourceFile* file = intern_source("site.yml", "- thing:\n    pat: /x\n");
  Origin origin;
  origin.span = SourceSpan{.file = file, .line = 2, .column = 5, .length = 3};
  Map raw;
  raw.set(Value::string_at("pat", origin), Value("/x"));

  const auto refused = check_literal_arguments(kSpec, Value(std::move(raw)));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().span().text(), "site.yml:2:5");
}

}  // namespace
}  // namespace gpustack::modules
