#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

TEST(Environment, CompilesATextOnce) {
  Bench bench;

  const auto first = bench.environment.compile("{{ a }}", nullptr, Options());
  const auto second = bench.environment.compile("{{ a }}", nullptr, Options());
  Options other;
  other.trim_blocks = false;
  const auto third = bench.environment.compile("{{ a }}", nullptr, other);

  EXPECT_EQ(first->get(), second->get());
  EXPECT_NE(first->get(), third->get());
}

TEST(Environment, KeepsTwoPlacesOfOneTextApart) {
  Bench bench;
  const Origin here = test::origin_of("a.yml", "x", 3, 1);
  const Origin there = test::origin_of("b.yml", "y", 9, 1);

  const auto first = bench.value("{{ gone }}", &here);
  const auto second = bench.value("{{ gone }}", &there);

  EXPECT_EQ(first.error().span().text(), "a.yml:3:4");
  EXPECT_EQ(second.error().span().text(), "b.yml:9:4");
}

TEST(Condition, ReadsBooleansListsAndNothing) {
  Bench bench(Map{{"yes", true}, {"no", false}});

  EXPECT_TRUE(*bench.condition(Value(true)));
  EXPECT_TRUE(*bench.condition(Value("")));
  EXPECT_TRUE(*bench.condition(Value::list({"yes", "not no"})));
  EXPECT_FALSE(*bench.condition(Value::list({"yes", "no"})));
}

TEST(Condition, ThatNamesNothingIsAnError) {
  Bench bench;

  const auto result = bench.condition(Value("gone"));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message(), "'gone' is undefined");
}

TEST(RenderDeep, KeepsKeysAndWhatIsNoText) {
  Bench bench(Map{{"k", "key"}, {"v", Value::list({1, 2})}});
  const Value input =
      Value::map({{"{{ k }}", "{{ v }}"}, {"plain", 5}, {"l", Value::list({"{{ k }}!", true})}});

  const auto out = render_deep(bench.environment, input, bench.context());

  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(to_repr(*out), "{'{{ k }}': [1, 2], 'plain': 5, 'l': ['key!', True]}");
}

TEST(Variables, AreAskedForOnceInARender) {
  Bench bench(Map{{"a", 1}});

  ASSERT_TRUE(bench.text("{{ a }}{{ a }}{% for i in [1, 2, 3] %}{{ a }}{% endfor %}").has_value());

  EXPECT_EQ(bench.scope.lookups, 1);
}

TEST(Header, ChangesTheDelimiters) {
  const auto header = parse_header("#jinja2: variable_start_string: '[%', trim_blocks: False\nx",
                                   Options::for_files());

  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->options.variable_start, "[%");
  EXPECT_FALSE(header->options.trim_blocks);
  EXPECT_EQ(header->length, 57U);
  EXPECT_FALSE(parse_header("#jinja2: nonsense\n", Options()).has_value());
  EXPECT_EQ(parse_header("plain", Options())->length, 0U);
}

TEST(Registry, KnowsItsNames) {
  for (const char* name : {"default",
                           "combine",
                           "regex_replace",
                           "to_nice_yaml",
                           "ipaddr",
                           "json_query",
                           "password_hash"}) {
    const auto names = filter_names();
    EXPECT_TRUE(std::find(names.begin(), names.end(), name) != names.end()) << name;
  }
  EXPECT_GE(filter_names().size(), 130U);
  EXPECT_GE(test_names().size(), 70U);
  EXPECT_GE(lookup_names().size(), 25U);
}

TEST(RunLookup, ServesWithLoops) {
  Bench bench;
  const auto items = run_lookup(
      "items", {Value::list({1, Value::list({2})}), 3}, {}, bench.context(), bench.environment);
  const auto gone = run_lookup("itmes", {}, {}, bench.context(), bench.environment);

  ASSERT_TRUE(items.has_value());
  EXPECT_EQ(to_repr(Value(*items)), "[1, [2], 3]");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code(), ErrorCode::unknown_lookup);
  EXPECT_EQ(gone.error().hint(), "did you mean 'items'?");
}

}  // namespace
}  // namespace gpustack::jinja
