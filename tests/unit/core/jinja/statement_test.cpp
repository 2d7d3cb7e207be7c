#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

TEST(Include, SeesTheVariablesAroundIt) {
  Bench bench(Map{{"play", "p"}});
  bench.services.files["part.j2"] = "[{{ play }} {{ local }} {{ item }}]\n";

  const auto out = bench.text(
      "{% set local = 'l' %}{% for item in [1, 2] %}{% include 'part.j2' %}{% endfor %}");

  ASSERT_TRUE(out.has_value()) << out.error().render();
  EXPECT_EQ(*out, "[p l 1][p l 2]");
}

TEST(Include, OfAMissingTemplateIsAnErrorUnlessIgnored) {
  Bench bench;

  EXPECT_EQ(bench.text("{% include 'gone.j2' %}").error().code(), ErrorCode::template_not_found);
  EXPECT_EQ(*bench.text("a{% include 'gone.j2' ignore missing %}b"), "ab");
}

TEST(Include, TakesTheFirstOfSeveralNames) {
  Bench bench;
  bench.services.files["b.j2"] = "b";

  EXPECT_EQ(*bench.text("{% include ['a.j2', 'b.j2'] %}"), "b");
}

// The expected texts are Jinja2's.
TEST(Output, WritesMembersOfEveryKind) {
  Bench bench;

  EXPECT_EQ(*bench.text("{% for d in [{'v': true}, {'v': 2.5}, {'v': [1]}, {'w': 1, 'v': 'x'}] %}"
                        "{{ d.v }},{% endfor %}"),
            "True,2.5,[1],x,");
  EXPECT_EQ(
      *bench.text("{{ [-9223372036854775807, 0, 5.5, -0.25, 1.0, 100.125, true, none, 'it'] }}"
                  " {{ -2.05 }}"),
      "[-9223372036854775807, 0, 5.5, -0.25, 1.0, 100.125, True, None, 'it'] -2.05");
}

TEST(Output, SortsTextsByTheirFirstByteAndThenByAll) {
  Bench bench;

  EXPECT_EQ(*bench.text("{% for k, v in {'b': 1, 'ä': 2, '': 3, 'ab': 4, 'aa': 5, 'B_long_name': 6}"
                        "|dictsort %}{{ k }}{{ v }} {% endfor %}"
                        "{{ ['b', 'a', 'ab', '']|sort(reverse=true)|join(',') }}"),
            "3 aa5 ab4 b1 B_long_name6 ä2 b,ab,a,");
}

TEST(Output, OfFiltersThatTakeAnyArguments) {
  Bench bench;

  EXPECT_EQ(
      *bench.text("{{ [{'n': 3}, {'n': 1}]|sort(attribute='n')|selectattr('n', 'gt', 1)|list }}"
                  "{{ ['a_b']|map('upper')|map('replace', '_', '-')|join }}"
                  "{{ 'x_y_'|replace('_', '-')|upper }}{{ 'a.b'|replace('.', '') }}"),
      "[{'n': 3}]A-BX-Y-ab");
}

/// Counts those that are alive.
class Probe final : public Object {
 public:
  explicit Probe(int& alive) : alive_(alive) { ++alive_; }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() override { --alive_; }
  [[nodiscard]] std::string_view type_name() const override { return "Probe"; }

 private:
  int& alive_;
};

class NothingLeftBehind : public testing::TestWithParam<std::string_view> {};

// What a template defines refers to the scope it is defined in, and that scope to it.
TEST_P(NothingLeftBehind, OfARenderThatIsOver) {
  int alive = 0;
  {
    Bench bench(Map{{"probe", make_object<Probe>(alive)}});
    bench.services.files["m.j2"] = "{% macro hi() %}hi{% endmacro %}";
    bench.services.files["base.j2"] = "{% block a %}base{% endblock %}";

    EXPECT_TRUE(bench.text("{% set kept = probe %}" + std::string(GetParam())).has_value());
  }
  EXPECT_EQ(alive, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Templates,
    NothingLeftBehind,
    testing::Values("{% macro m() %}{% endmacro %}{{ m() }}",
                    "{% import 'm.j2' as m %}{{ m.hi() }}",
                    "{% import 'm.j2' as m with context %}{{ m.hi() }}",
                    "{% from 'm.j2' import hi with context %}{{ hi() }}",
                    "{% set ns = namespace() %}{% for i in [1] %}{% macro m() %}{% endmacro %}"
                    "{% set ns.m = m %}{% endfor %}",
                    "{% set ns = namespace() %}{% for i in [[1]] recursive %}{% set ns.l = loop %}"
                    "{{ loop(i) if i is iterable }}{% endfor %}",
                    "{% set ns = namespace() %}{% block b %}{% set ns.s = self %}{% endblock %}",
                    "{% extends 'base.j2' %}{% block a %}{{ super() }}{% set x = super %}"
                    "{% endblock %}"));

TEST(Import, GivesMacrosWithoutThePlaysVariables) {
  Bench bench(Map{{"play", "p"}});
  bench.services.files["m.j2"] =
      "{% macro hi(n) %}hi {{ n }} {{ play | default('-') }}{% endmacro %}{% set kept = 5 %}";

  EXPECT_EQ(*bench.text("{% import 'm.j2' as m %}{{ m.hi('x') }} {{ m.kept }}"), "hi x - 5");
  EXPECT_EQ(*bench.text("{% import 'm.j2' as m with context %}{{ m.hi('x') }}"), "hi x p");
  EXPECT_EQ(*bench.text("{% from 'm.j2' import hi as hello, kept %}{{ hello('y') }}{{ kept }}"),
            "hi y -5");
}

TEST(Import, OfANameTheTemplateLacksSaysSo) {
  Bench bench;
  bench.services.files["m.j2"] = "";

  const auto out = bench.text("{% from 'm.j2' import gone %}{{ gone() }}");

  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().message(), "template 'm.j2' does not export the name 'gone'");
}

TEST(Extends, FillsTheParentsBlocks) {
  Bench bench;
  bench.services.files["base.j2"] =
      "<{% block head %}base{% endblock %}|{% block body %}{% endblock %}>";
  bench.services.files["middle.j2"] =
      "{% extends 'base.j2' %}{% block head %}middle {{ super() }}{% endblock %}";

  const auto out = bench.text(
      "{% extends 'middle.j2' %}dropped{% block head %}top {{ super() }}{% endblock %}{% block "
      "body %}b{% endblock %}");

  ASSERT_TRUE(out.has_value()) << out.error().render();
  EXPECT_EQ(*out, "<top middle base|b>");
}

TEST(Macro, ChangesTheListItIsGiven) {
  Bench bench;

  EXPECT_EQ(*bench.text("{% macro add(l, v) %}{% set _ = l.append(v) %}{% endmacro %}"
                        "{% set x = [] %}{{ add(x, 1) }}{{ add(x, 2) }}{{ x }}"),
            "[1, 2]");
}

TEST(Macro, OfAnImportedTemplateChangesTheListItIsGiven) {
  Bench bench;
  bench.services.files["m.j2"] = "{% macro add(l, v) %}{% set _ = l.append(v) %}{% endmacro %}";

  EXPECT_EQ(*bench.text("{% set x = [] %}{% from 'm.j2' import add %}{{ add(x, 1) }}{{ x }}"),
            "[1]");
}

TEST(Methods, NeverChangeDataOutsideOfTheTemplate) {
  Bench bench(Map{{"hosts", Value::list({"a"})}});

  const auto first = bench.value("{% set _ = hosts.append('b') %}{{ hosts }}");
  const auto second = bench.value("{{ hosts }}");

  ASSERT_TRUE(first.has_value()) << first.error().render();
  EXPECT_EQ(to_repr(*first), "['a', 'b']");
  EXPECT_EQ(to_repr(*second), "['a']");
}

TEST(Methods, RefuseAListInsideItself) {
  Bench bench;

  EXPECT_FALSE(bench.text("{% set x = [] %}{% set _ = x.append(x) %}").has_value());
}

TEST(Loop, CanBeLeftAndContinued) {
  Bench bench;

  EXPECT_EQ(*bench.text("{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > "
                        "4 %}{% break %}{% endif %}{{ i }}{% endfor %}"),
            "0134");
}

TEST(TemplateFile, NamesTheLineOfAFault) {
  Bench bench;
  bench.services.files["part.j2"] = "one\ntwo {{ gone }}\n";

  const auto out = bench.text("{% include 'part.j2' %}");

  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().span().text(), "part.j2:2:8");
}

}  // namespace
}  // namespace gpustack::jinja
