#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

struct Row {
  const char* name;
  const char* expression;
  const char* repr;
};

class Expression : public ::testing::TestWithParam<Row> {};

TEST_P(Expression, HasPythonsValue) {
  Bench bench(
      Map{{"n", 5}, {"s", "text"}, {"l", Value::list({1, 2, 3})}, {"d", Value::map({{"a", 1}})}});

  const auto value = bench.expression(GetParam().expression);

  ASSERT_TRUE(value.has_value()) << value.error().render();
  EXPECT_EQ(to_repr(*value), GetParam().repr);
}

INSTANTIATE_TEST_SUITE_P(
    Rules,
    Expression,
    ::testing::Values(Row{"floor_division", "-7 // 2", "-4"},
                      Row{"modulo", "-7 % 3", "2"},
                      Row{"true_division", "6 / 3", "2.0"},
                      Row{"power", "2 ** 10", "1024"},
                      Row{"chained_comparison", "1 < n < 6", "True"},
                      Row{"concatenation_binds_first", "'a' ~ 1 ~ l", "'a1[1, 2, 3]'"},
                      Row{"tuple", "(1, 2)", "(1, 2)"},
                      Row{"slice", "l[::-1]", "[3, 2, 1]"},
                      Row{"filter_binds_tighter", "1 + '2' | int", "3"},
                      Row{"test_in_condition", "'y' if n is odd else 'n'", "'y'"},
                      Row{"method", "s.upper()", "'TEXT'"},
                      Row{"number_attribute", "l.1", "2"},
                      Row{"or_gives_operand", "'' or 'x'", "'x'"},
                      Row{"star_arguments", "'{}-{}'.format(*l[:2])", "'1-2'"}),
    [](const auto& row) { return row.param.name; });

TEST(ExpressionError, PointsAtTheColumnInTheFile) {
  Bench bench(Map{{"path", "x"}});
  const std::string file = "- debug:\n    msg: \"{{ pahh | upper }}\"\n";
  const Origin origin = [&] {
    Origin out = test::origin_of("site.yml", file, 2, 10);
    out.style = ScalarStyle::double_quoted;
    return out;
  }();

  const auto value = bench.value("{{ pahh | upper }}", &origin);

  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().code(), ErrorCode::undefined_variable);
  EXPECT_EQ(value.error().message(), "'pahh' is undefined");
  EXPECT_EQ(value.error().span().text(), "site.yml:2:14");
  EXPECT_EQ(value.error().span().length, 4U);
  EXPECT_EQ(value.error().hint(), "did you mean 'path'?");
}

TEST(ExpressionError, OfSyntaxPointsAtTheToken) {
  Bench bench;
  const Origin origin = test::origin_of("site.yml", "when: a b\n", 1, 7);

  const auto value = bench.expression("a b", &origin);

  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().code(), ErrorCode::template_syntax);
  EXPECT_EQ(value.error().span().text(), "site.yml:1:9");
}

TEST(ExpressionError, NamesNearFiltersAndTests) {
  Bench bench;

  const auto filter = bench.expression("1 | defalt(2)");
  const auto is_test = bench.expression("1 is numbr");

  ASSERT_FALSE(filter.has_value());
  ASSERT_FALSE(is_test.has_value());
  EXPECT_EQ(filter.error().code(), ErrorCode::unknown_filter);
  EXPECT_EQ(filter.error().hint(), "did you mean 'default'?");
  EXPECT_EQ(is_test.error().code(), ErrorCode::unknown_test);
  EXPECT_EQ(is_test.error().hint(), "did you mean 'number'?");
}

TEST(ExpressionError, OfAnUnknownCollectionIsNotHidden) {
  Bench bench;

  EXPECT_TRUE(bench.expression("1 | ansible.builtin.default(2)").has_value());
  EXPECT_EQ(bench.expression("1 | debops.debops.default(2)").error().code(),
            ErrorCode::unknown_filter);
}

TEST(Undefined, IsAValueUntilItIsUsed) {
  Bench bench(Map{{"a", Value::map({})}});

  const auto value = bench.expression("a.b.c");

  ASSERT_TRUE(value.has_value());
  EXPECT_TRUE(value->is_undefined());
  EXPECT_EQ(bench.expression("a.b.c | default('x')")->as_string(), "x");
  EXPECT_EQ(bench.expression("a.b.c + 1").error().code(), ErrorCode::undefined_variable);
}

TEST(Pending, EndsTheRenderWithItsOwnCode) {
  Bench bench;
  bench.scope.pending = "result";

  EXPECT_EQ(bench.value("{{ result.rc }}").error().code(), ErrorCode::value_pending);
  EXPECT_EQ(bench.condition(Value("result is failed")).error().code(), ErrorCode::value_pending);
}

/// A mapping that looks its members up, as hostvars do.
class Lengths final : public Object {
 public:
  std::string_view type_name() const override { return "Lengths"; }
  bool is_mapping() const override { return true; }
  bool contains(const Value& key) override { return key.as_string().size() < 4; }
  Result<Value> item(const Value& key) override {
    return Value(static_cast<std::int64_t>(key.as_string().size()));
  }
  Result<List> iterate() override { return List{"a", "bb"}; }
};

TEST(Mappings, HaveTheMethodsOfADictToRead) {
  Bench bench(Map{{"m", make_object<Lengths>()}});

  const auto value =
      bench.expression("[m.keys(), m.values(), m.items(), m.get('ccc'), m.get('dddd', 'none')]");

  ASSERT_TRUE(value.has_value()) << value.error().render();
  EXPECT_EQ(to_repr(*value), "[['a', 'bb'], [1, 2], [('a', 1), ('bb', 2)], 3, 'none']");
}

}  // namespace
}  // namespace gpustack::jinja
