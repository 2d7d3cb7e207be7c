#include "core/jinja/yaml_emitter.hpp"

#include <gtest/gtest.h>

namespace gpustack::jinja {
namespace {

TEST(YamlAnchors, NameWhatIsSharedInTheOrderPyYamlFindsIt) {
  const Value list = Value::list({"x"});
  const Value map = Value::map({{"k", list}});
  const Value equal_but_apart = Value::list({"x"});
  const Value all = Value::map({{"a", map}, {"b", list}, {"c", map}, {"d", equal_but_apart}});
  YamlStyle style;
  style.flow = YamlStyle::Flow::never;
  style.anchors = true;

  EXPECT_EQ(*to_yaml(all, style), "a: &id002\n  k: &id001\n  - x\nb: *id001\nc: *id002\nd:\n- x\n");
}

TEST(YamlAnchors, AreWrittenOnlyWhenAskedFor) {
  const Value list = Value::list({"x"});
  YamlStyle style;
  style.flow = YamlStyle::Flow::never;

  EXPECT_EQ(*to_yaml(Value::map({{"a", list}, {"b", list}}), style), "a:\n- x\nb:\n- x\n");
}

}  // namespace
}  // namespace gpustack::jinja
