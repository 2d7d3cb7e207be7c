#include "core/base/python_literal.hpp"

#include <gtest/gtest.h>

namespace gpustack {
namespace {

struct LiteralCase {
  const char* text;
  const char* repr;  ///< "" = not a literal
};

class PythonLiteral : public ::testing::TestWithParam<LiteralCase> {};

TEST_P(PythonLiteral, ReadsAsPythonDoes) {
  const auto value = read_python_literal(GetParam().text);

  EXPECT_EQ(value ? to_repr(*value) : std::string(), GetParam().repr) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(Texts,
                         PythonLiteral,
                         ::testing::Values(LiteralCase{"1", "1"},
                                           LiteralCase{"  1 ", "1"},
                                           LiteralCase{"1 # x", "1"},
                                           LiteralCase{"-1", "-1"},
                                           LiteralCase{"- 1", "-1"},
                                           LiteralCase{"+1", "1"},
                                           LiteralCase{"--1", ""},
                                           LiteralCase{"007", ""},
                                           LiteralCase{"00", "0"},
                                           LiteralCase{"1_000", "1000"},
                                           LiteralCase{"1__0", ""},
                                           LiteralCase{"1_", ""},
                                           LiteralCase{"0x_1F", "31"},
                                           LiteralCase{"0o17", "15"},
                                           LiteralCase{"0b101", "5"},
                                           LiteralCase{"1.", "1.0"},
                                           LiteralCase{".5", "0.5"},
                                           LiteralCase{"1e3", "1000.0"},
                                           LiteralCase{"1_0.0_1e1_0", "100100000000.0"},
                                           LiteralCase{"01.5", "1.5"},
                                           LiteralCase{"1.2.3", ""},
                                           LiteralCase{"1j", ""},
                                           LiteralCase{"1+2", ""},
                                           LiteralCase{"1,2", "(1, 2)"},
                                           LiteralCase{"1,", "(1,)"},
                                           LiteralCase{"True", "True"},
                                           LiteralCase{"true", ""},
                                           LiteralCase{"None", "None"},
                                           LiteralCase{"'a'", "'a'"},
                                           LiteralCase{"'a' \"b\"", "'ab'"},
                                           LiteralCase{"u'a'", "'a'"},
                                           LiteralCase{"b'a'", ""},
                                           LiteralCase{"f'a'", ""},
                                           LiteralCase{R"(r'\n')", R"('\\n')"},
                                           LiteralCase{R"('\x41\u00e9\101\q')",
                                                       "'A\xC3\xA9"
                                                       R"(A\\q')"},
                                           LiteralCase{"'''a'b'''", "\"a'b\""},
                                           LiteralCase{"'a", ""},
                                           LiteralCase{"[1, 'a', [2,],]", "[1, 'a', [2]]"},
                                           LiteralCase{"[1 2]", ""},
                                           LiteralCase{"(1)", "1"},
                                           LiteralCase{"()", "()"},
                                           LiteralCase{"(1,)", "(1,)"},
                                           LiteralCase{"{'a': 1, 2: None}", "{'a': 1, 2: None}"},
                                           LiteralCase{"{}", "{}"},
                                           LiteralCase{"{1, 2, 1}", "[1, 2]"},
                                           LiteralCase{"{[]: 1}", ""},
                                           LiteralCase{"{1: 2, 3}", ""},
                                           LiteralCase{"abc", ""},
                                           LiteralCase{"", ""},
                                           LiteralCase{"a=b", ""},
                                           LiteralCase{"9223372036854775808", ""},
                                           LiteralCase{"-9223372036854775808",
                                                       "-9223372036854775808"},
                                           LiteralCase{"[\n1,\n2]", "[1, 2]"},
                                           LiteralCase{"1\n2", ""}));

TEST(PythonLiteralLimits, RefusesDeepNesting) {
  EXPECT_FALSE(read_python_literal(std::string(100'000, '[')).has_value());
}

}  // namespace
}  // namespace gpustack
