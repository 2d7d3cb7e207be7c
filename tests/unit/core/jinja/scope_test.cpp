#include "tests/unit/core/jinja/fixture.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

using test::Bench;

struct ScopeCase {
  const char* name;
  const char* text;
  const char* expected;
};

class Scopes : public testing::TestWithParam<ScopeCase> {};

// The expected texts are Jinja2's.
TEST_P(Scopes, BindNamesAsJinja2) {
  Bench bench;

  const auto out = bench.text(GetParam().text);

  ASSERT_TRUE(out.has_value()) << out.error().render();
  EXPECT_EQ(*out, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Names,
    Scopes,
    testing::Values(
        ScopeCase{"ASetInALoopEndsWithThePass",
                  "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}"
                  "{{ x }};{% endfor %}{{ x }}",
                  "12;13;1"},
        ScopeCase{"ABodyOfAMacroSeesWhatIsSetAfterIt",
                  "{% macro m() %}{{ later }}{% endmacro %}{% set later = 'l' %}{{ m() }}",
                  "l"},
        ScopeCase{"AParameterHidesANameOutside",
                  "{% set x = 'o' %}{% macro m(x, y=x) %}{{ x }}{{ y }}{% endmacro %}"
                  "{{ m('i') }}{{ x }}",
                  "iio"},
        ScopeCase{"AConditionOfALoopSeesTheItemOnly",
                  "{% set k = 2 %}{% for k, v in {'a': 1, 'b': none, 'c': 3}.items() if v is no"
                  "t none %}{{ k }}{{ v }}{% else %}none{% endfor %}{{ k }}",
                  "a1c32"},
        ScopeCase{"ALoopWhoseItemsAllFailIsEmpty",
                  "{% for i in [1, 2] if i > 2 %}{{ i }}{% else %}empty{% endfor %}"
                  "{% for k, v in {'a': 1}.items() if v > 1 %}{{ k }}{% else %}none{% endfor %}",
                  "emptynone"},
        ScopeCase{"LoopOfTheInnerLoopEndsWithIt",
                  "{% for a in 'xy' %}{% for b in 'pq' %}{{ loop.index }}{% endfor %}"
                  "{{ loop.index }}{{ loop.last }};{% endfor %}",
                  "121False;122True;"},
        ScopeCase{"AttributesOfNamespacesAreFoundWhereverTheyLie",
                  "{% for ns in [namespace(a=1, b=2), namespace(b=3, a=4)] %}"
                  "{% set ns.b = ns.b + ns.a %}{{ ns.a }}{{ ns.b }}{% set ns.c = 'n' %}"
                  "{{ ns.c }};{% endfor %}",
                  "13n;47n;"},
        ScopeCase{"AScopeOfManyNamesIsKeptByItsMacro",
                  "{% macro m(a, b, c, d, e='e', f='f') %}{% set g = a ~ f %}"
                  "{{ b }}{{ c }}{{ d }}{{ e }}{{ g }}{% endmacro %}"
                  "{% for i in [1, 2] %}{% set p = i %}{% set q = i %}{% set r = i %}"
                  "{% set s = i %}{% set t = i %}{% macro n() %}{{ p }}{{ t }}{% endmacro %}"
                  "{{ m(p, q, r, s, f=t) }}{{ n() }};{% endfor %}",
                  "111e1111;222e2222;"},
        ScopeCase{"WhatLoopCountsIsWritten",
                  "{% for i in 'ab' %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}"
                  "{{ loop.depth }}{{ loop.depth0 }}{{ loop.length }}"
                  "{{ loop.first }}{{ loop.last }}{% endfor %}",
                  "021102TrueFalse110102FalseTrue"},
        ScopeCase{"NamesOfWithEndWithIt",
                  "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% set a = 3 %}"
                  "{{ a }}{% endwith %}{{ a }}",
                  "2131"},
        ScopeCase{"ABlockOfTextSetHasAScope",
                  "{% set a = 1 %}{% set t %}{% set a = 2 %}{{ a }}{% endset %}{{ t }}{{ a }}",
                  "21"},
        ScopeCase{"ACallersBodySeesItsOwnScope",
                  "{% macro m() %}{% set i = 'm' %}[{{ caller(i) }}]{% endmacro %}"
                  "{% for i in [1, 2] %}{% call(x) m() %}{{ i }}{{ x }}{% endcall %}{% endfor %}",
                  "[1m][2m]"},
        ScopeCase{"ANamespaceChangesWhileItIsRead",
                  "{% set ns = namespace(a='x', l=[1, 2]) %}{% macro grow() %}"
                  "{% set ns.a = 'y' %}{% set ns.b = 1 %}{% set ns.c = 1 %}z{% endmacro %}"
                  "{{ ns.a | replace('x', grow()) }}{% for i in ns.l %}{% set ns.l = [3] %}"
                  "{{ i }}{% endfor %}{{ ns.l }}",
                  "z12[3]"},
        ScopeCase{"ARecursiveLoopFindsItsNames",
                  "{% set sep = '-' %}{% for n in [[1, [2, 3]], 4] recursive %}"
                  "{{ sep }}{% if n is iterable %}({{ loop(n) }}){% else %}"
                  "{{ n }}@{{ loop.depth }}{% endif %}{% endfor %}",
                  "-(-1@2-(-2@3-3@3))-4@1"}),
    [](const auto& tested) { return std::string(tested.param.name); });

// Items are lent to a pass; Jinja2 prints `missing` here.
TEST(Scopes, OfAPassStayWithTheMacroItDefines) {
  Bench bench;

  const auto out = bench.text(
      "{% set ns = namespace(m=none) %}{% for a, b in [('x' ~ 1, [2]), ('y' ~ 3, [4])] %}"
      "{% macro m() %}{{ a }}{{ b }}{% endmacro %}{% if loop.first %}{% set ns.m = m %}{% endif %}"
      "{{ m() }}{% endfor %}{{ ns.m() }}");

  ASSERT_TRUE(out.has_value()) << out.error().render();
  EXPECT_EQ(*out, "x1[2]y3[4]x1[2]");
}

TEST(Scopes, OfATemplateThatAnotherExtendsAreFoundByName) {
  Bench bench(Map{{"outside", "o"}});
  bench.services.files["base.j2"] =
      "{% set base = 'b' %}{% for i in [1, 2] %}{{ i }}{{ base }}{{ outside }}{% endfor %}"
      "{% block a %}{% endblock %}";

  const auto out = bench.text(
      "{% extends 'base.j2' %}{% set child = 'c' %}{% macro m(x) %}{{ x }}{{ child }}{% endmacro %}"
      "{% block a %}{% set own = 'w' %}{{ m(own) }}{{ outside }}{% endblock %}");

  ASSERT_TRUE(out.has_value()) << out.error().render();
  EXPECT_EQ(*out, "1bo2bowco");
}

TEST(Scopes, OfAnIncludedTemplateLieInsideTheOnesAround) {
  Bench bench(Map{{"play", "p"}});
  bench.services.files["part.j2"] =
      "{% set x = 'part' %}{{ x }}{{ item }}{{ play }}{% for item in 'a' %}{{ item }}{% endfor %}";

  const auto out = bench.text(
      "{% set x = 'top' %}{% for item in [1, 2] %}{% include 'part.j2' %}{{ x }};{% endfor %}");

  ASSERT_TRUE(out.has_value()) << out.error().render();
  EXPECT_EQ(*out, "part1patop;part2patop;");
}

}  // namespace
}  // namespace gpustack::jinja
