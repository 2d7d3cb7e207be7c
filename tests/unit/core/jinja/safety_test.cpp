#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

Value secret(const char* text) { return Value(text).marked(Mark::secret); }
Value unsafe(const char* text) { return Value(text).marked(Mark::unsafe); }

struct Row {
  const char* name;
  const char* source;
  bool is_secret;
};

class SecretMark : public ::testing::TestWithParam<Row> {};

TEST_P(SecretMark, FollowsTheText) {
  Bench bench(Map{{"pw", secret("hunter2")},
                  {"user", "bob"},
                  {"box", Value::map({{"pw", secret("x")}, {"n", 1}})},
                  {"list", Value::list({secret("a"), "b"})}});

  const auto value = bench.value(GetParam().source);

  ASSERT_TRUE(value.has_value()) << value.error().render();
  EXPECT_EQ(has(deep_marks(*value), Mark::secret), GetParam().is_secret) << to_repr(*value);
}

INSTANTIATE_TEST_SUITE_P(
    Ways,
    SecretMark,
    ::testing::Values(Row{"alone", "{{ pw }}", true},
                      Row{"inside_text", "user={{ user }} pw={{ pw }}", true},
                      Row{"filter", "{{ pw | upper }}", true},
                      Row{"as_argument", "{{ user | replace('o', pw) }}", true},
                      Row{"slice", "{{ pw[1:3] }}", true},
                      Row{"index", "{{ pw[0] }}", true},
                      Row{"concatenation", "{{ user ~ pw }}", true},
                      Row{"sum", "{{ user + pw }}", true},
                      Row{"method", "{{ pw.split('t') }}", true},
                      Row{"method_item", "{{ pw.split('t')[0] }}", true},
                      Row{"format", "{{ '%s' % pw }}", true},
                      Row{"brace_format", "{{ '{}'.format(pw) }}", true},
                      Row{"json", "{{ box | to_json }}", true},
                      Row{"yaml", "{{ box | to_nice_yaml }}", true},
                      Row{"join", "{{ list | join(',') }}", true},
                      Row{"hash", "{{ pw | hash('sha256') }}", true},
                      Row{"base64", "{{ pw | b64encode }}", true},
                      Row{"combined", "{{ box | combine({'a': 1}) }}", true},
                      Row{"map", "{{ list | map('upper') | list }}", true},
                      Row{"first", "{{ list | first }}", true},
                      Row{"set_block", "{% set x %}{{ pw }}{% endset %}{{ x }}", true},
                      Row{"macro", "{% macro m(v) %}<{{ v }}>{% endmacro %}{{ m(pw) }}", true},
                      Row{"loop", "{% for c in pw %}{{ c }}{% endfor %}", true},
                      Row{"default", "{{ gone | default(pw) }}", true},
                      Row{"regex", "{{ pw | regex_replace('h', 'H') }}", true},
                      Row{"length", "{{ pw | length }}", false},
                      Row{"boolean", "{{ pw == 'x' }}", false},
                      Row{"test", "{{ pw is defined }}", false},
                      Row{"other_member", "{{ box.n }}", false},
                      Row{"last", "{{ list | last }}", false},
                      Row{"condition", "{{ 'y' if pw else 'n' }}", false}),
    [](const auto& row) { return row.param.name; });

TEST(UnsafeText, IsNeverRendered) {
  Bench bench(Map{{"out", unsafe("{{ user }}")}, {"user", "bob"}});

  const auto direct = render_deep(bench.environment, unsafe("{{ user }}"), bench.context());
  const auto through = bench.value("{{ out }}");

  EXPECT_EQ(direct->as_string(), "{{ user }}");
  ASSERT_TRUE(through.has_value());
  EXPECT_EQ(through->as_string(), "{{ user }}");
  EXPECT_TRUE(through->is_unsafe());
}

TEST(UnsafeText, IsNoCondition) {
  Bench bench(Map{{"out", unsafe("1 == 1")}});

  EXPECT_EQ(bench.condition(unsafe("1 == 1")).error().code(), ErrorCode::condition);
  EXPECT_EQ(bench.condition(Value("{{ out }}")).error().code(), ErrorCode::condition);
  EXPECT_TRUE(*bench.condition(Value("out == '1 == 1'")));
}

TEST(UnsafeText, IsWhatALookupBringsIn) {
  Bench bench;
  bench.services.files["f"] = "{{ x }}\n";

  const auto value = bench.value("{{ lookup('file', 'f') }}");

  ASSERT_TRUE(value.has_value()) << value.error().render();
  EXPECT_EQ(value->as_string(), "{{ x }}");
  EXPECT_TRUE(value->is_unsafe());
}

TEST(Limits, EndARecursionOfMacros) {
  Bench bench;

  EXPECT_EQ(bench.text("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").error().code(),
            ErrorCode::template_limit);
}

TEST(Limits, BoundTheWidthThatAFormatTakesFromItsValues) {
  Bench bench;

  const auto text = bench.text("{{ '%*d' % (-9223372036854775807 - 1, 5) }}");

  ASSERT_TRUE(text.has_value()) << text.error().render();
  EXPECT_EQ(text->size(), 1'000'000U);
  EXPECT_TRUE(text->starts_with("5 "));
}

TEST(Limits, EndARecursionOfIncludes) {
  Bench bench;
  bench.services.files["a.j2"] = "{% include 'a.j2' %}";

  EXPECT_EQ(bench.text("{% include 'a.j2' %}").error().code(), ErrorCode::template_limit);
}

TEST(Limits, EndARecursionOfVariables) {
  Bench bench(Map{{"a", "{{ b }}"}, {"b", "{{ a }}"}});

  EXPECT_EQ(bench.value("{{ a }}x").error().code(), ErrorCode::template_limit);
}

TEST(Limits, BoundStepsRangesStringsAndNesting) {
  Bench bench;

  EXPECT_EQ(bench.text("{% for i in range(10**9) %}{% endfor %}").error().code(),
            ErrorCode::template_limit);
  EXPECT_EQ(
      bench.text("{% for i in range(4000) %}{% for j in range(4000) %}{% endfor %}{% endfor %}")
          .error()
          .code(),
      ErrorCode::template_limit);
  EXPECT_EQ(bench.text("{{ 'x' * 10**9 }}").error().code(), ErrorCode::template_limit);
  EXPECT_EQ(bench.text("{{ [0] * 10**9 }}").error().code(), ErrorCode::template_limit);
  EXPECT_EQ(bench.expression(std::string(5000, '(') + "1" + std::string(5000, ')')).error().code(),
            ErrorCode::template_limit);
  EXPECT_EQ(bench.expression("2 ** 99999").error().code(), ErrorCode::template_limit);
}

TEST(Limits, EndARunawayRegularExpression) {
  Bench bench(Map{{"s", std::string(40, 'a') + "!"}});

  EXPECT_FALSE(bench.expression("s is match('(a*)*(a*)*(a*)*$')").has_value());
}

}  // namespace
}  // namespace gpustack::jinja
