#include "core/base/json.hpp"
#include "core/yaml/node.hpp"

#include <gtest/gtest.h>

namespace gpustack::yaml {
namespace {

struct ScalarCase {
  const char* text;
  const char* json;
};

class PlainScalar : public ::testing::TestWithParam<ScalarCase> {};

TEST_P(PlainScalar, HasItsYaml11Type) {
  EXPECT_EQ(to_json(typed_plain_scalar(GetParam().text)), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(Words,
                         PlainScalar,
                         ::testing::Values(ScalarCase{"yes", "true"},
                                           ScalarCase{"Off", "false"},
                                           ScalarCase{"y", "\"y\""},
                                           ScalarCase{"yEs", "\"yEs\""},
                                           ScalarCase{"~", "null"},
                                           ScalarCase{"", "null"},
                                           ScalarCase{"0", "0"},
                                           ScalarCase{"0755", "493"},
                                           ScalarCase{"0o755", "\"0o755\""},
                                           ScalarCase{"0888", "\"0888\""},
                                           ScalarCase{"1_000", "1000"},
                                           ScalarCase{"0x1F", "31"},
                                           ScalarCase{"-0b101", "-5"},
                                           ScalarCase{"1:30", "90"},
                                           ScalarCase{"-1:30", "-90"},
                                           ScalarCase{"1:90", "\"1:90\""},
                                           ScalarCase{"1:30:15.5", "5415.5"},
                                           ScalarCase{"1e3", "\"1e3\""},
                                           ScalarCase{"1.0e3", "\"1.0e3\""},
                                           ScalarCase{"1.0e+3", "1000.0"},
                                           ScalarCase{".5", "0.5"},
                                           ScalarCase{"-.5", "\"-.5\""},
                                           ScalarCase{"1.", "1.0"},
                                           ScalarCase{".", "\".\""},
                                           ScalarCase{".inf", "Infinity"},
                                           ScalarCase{"-.INF", "-Infinity"},
                                           ScalarCase{".nan", "NaN"},
                                           ScalarCase{"2001-12-14", "\"2001-12-14\""},
                                           ScalarCase{"10.0.0.1", "\"10.0.0.1\""},
                                           ScalarCase{"9223372036854775807", "9223372036854775807"},
                                           ScalarCase{"9223372036854775808",
                                                      "\"9223372036854775808\""},
                                           ScalarCase{"-", "\"-\""},
                                           ScalarCase{"=", "\"=\""}));

}  // namespace
}  // namespace gpustack::yaml
