#include "modules/sdk/mode.hpp"

#include <gtest/gtest.h>

namespace gpustack::modules {
namespace {

struct Case {
  const char* name;
  Value mode;
  std::uint32_t current;
  bool is_directory;
  std::uint32_t expected;
};

class Mode : public testing::TestWithParam<Case> {};

TEST_P(Mode, ResolvesAsChmodDoes) {
  const Case& one = GetParam();

  const auto mode = resolve_mode(one.mode, one.current, one.is_directory, 022);

  ASSERT_TRUE(mode) << mode.error().message();
  EXPECT_EQ(*mode, one.expected);
}

INSTANTIATE_TEST_SUITE_P(Cases,
                         Mode,
                         testing::Values(Case{"Number", 420, 0, false, 0644},
                                         Case{"OctalText", "0755", 0, false, 0755},
                                         Case{"OctalWithoutZero", "644", 0, false, 0644},
                                         Case{"OctalWithO", "0o600", 0, false, 0600},
                                         Case{"Sticky", "1777", 0, true, 01777},
                                         Case{"Equals", "u=rw,g=r,o=", 0777, false, 0640},
                                         Case{"PlusAll", "a+x", 0644, false, 0755},
                                         Case{"NobodyRespectsUmask", "+w", 0444, false, 0644},
                                         Case{"Minus", "go-rwx", 0777, false, 0700},
                                         Case{"CapitalOnFolder", "a+X", 0644, true, 0755},
                                         Case{"CapitalOnPlainFile", "a+X", 0644, false, 0644},
                                         Case{"CapitalOnProgram", "a+X", 0744, false, 0755},
                                         Case{"CopyBits", "g=u", 0640, false, 0660},
                                         Case{"SetGroupId", "g+s", 0755, true, 02755},
                                         Case{"EqualsClearsSetUid", "u=rwx", 04755, false, 0755},
                                         Case{"TwoOperations", "u+x-w", 0644, false, 0544}),
                         [](const auto& test) { return std::string(test.param.name); });

class BadMode : public testing::TestWithParam<const char*> {};

TEST_P(BadMode, IsRefused) {
  const auto mode = resolve_mode(Value(GetParam()), 0644, false, 022);

  ASSERT_FALSE(mode);
  EXPECT_EQ(mode.error().code(), ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Cases, BadMode, testing::Values("u+q", "x=rw", "0888", "17777", "rw", ""));

}  // namespace
}  // namespace gpustack::modules
