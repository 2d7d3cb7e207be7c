#pragma once
/// @file What is below a sequence or mapping node.

#include "core/yaml/node.hpp"

#include <vector>

namespace gpustack::yaml {

struct Node::Content {
  std::vector<Node> items;
  std::vector<Member> members;
  std::size_t expanded = 1;  ///< nodes a walk would meet, aliases counted each time
};

}  // namespace gpustack::yaml
