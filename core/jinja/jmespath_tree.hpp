#pragma once
/// @file The parsed form of a JMESPath query.

#include "core/base/value.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja::jmespath {

enum class NodeKind : std::uint8_t {
  field,
  literal,
  current,
  chain,             ///< left, then right on its result
  projection,        ///< right on every item of left
  value_projection,  ///< right on every value of left
  filter,            ///< left, right, condition
  flatten,
  index,
  slice,
  multi_list,
  multi_map,
  logic_or,
  logic_and,
  logic_not,
  compare,
  call,
  expression,
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  NodeKind kind = NodeKind::current;
  std::string text;  ///< field, operator or function name
  Value value;       ///< literal, index or slice bounds
  std::vector<std::string> names;
  std::vector<NodePtr> children;
};

Result<NodePtr> parse(std::string_view query);
Result<Value> evaluate(const Node& node, const Value& data);
Result<Value> call_function(const Node& node, const Value& data);
/// JMESPath's truth: false, null and everything empty are false; zero is true.
bool holds(const Value& value);

}  // namespace gpustack::jinja::jmespath
