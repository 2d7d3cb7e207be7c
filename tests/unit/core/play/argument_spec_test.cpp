#include "core/play/argument_spec.hpp"

#include "core/yaml/node.hpp"

#include <gtest/gtest.h>

namespace gpustack::play {
namespace {

Value yaml_value(const std::string& text) { return yaml::load("spec.yml", text)->root.to_value(); }

TEST(RoleArguments, FaultsPointAtTheValue) {
  const Value options = yaml_value("port: {type: int}\nmode: {choices: [tcp, udp]}\n");
  const Value values = yaml_value("port: many\nmode: upd\n");

  const auto errors = role_argument_errors(options, values, {});

  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors.at(0).span().line, 1U);
  EXPECT_EQ(errors.at(0).span().column, 7U);
  EXPECT_EQ(errors.at(1).message(), "value of mode must be one of: tcp, udp, got: upd");
  EXPECT_EQ(errors.at(1).hint(), "did you mean 'udp'?");
}

TEST(RoleArguments, NoLogValuesStayHidden) {
  const Value options = yaml_value("token: {choices: [a, b], no_log: true}\n");
  const Value values = yaml_value("token: hunter2\n");

  const auto checked = validate_role_arguments(options, values, {});

  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().render().find("got: hunter2"), std::string::npos);
  EXPECT_NE(checked.error().message().find("got: <secret>"), std::string::npos);
}

TEST(RoleArguments, SoundValuesPass) {
  const Value options = yaml_value("port: {type: int, required: true}\n");

  EXPECT_TRUE(validate_role_arguments(options, yaml_value("port: '80'"), {}).has_value());
  EXPECT_TRUE(validate_role_arguments(Value(), Value(), {}).has_value());
}

TEST(RoleArguments, ASpecThatIsNoMapIsSaidToBe) {
  const auto errors = role_argument_errors(yaml_value("port: int\n"), Value(), {});

  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors.at(0).message(), "the argument spec of 'port' must be a map, found str");
}

}  // namespace
}  // namespace gpustack::play
