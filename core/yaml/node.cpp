#include "core/yaml/node.hpp"

#include "core/yaml/content.hpp"

namespace gpustack::yaml {

namespace {

const Value kNull;
const std::vector<Node> kNoItems;
const std::vector<Node::Member> kNoMembers;

}  // namespace

Node::Node() = default;
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

const Value& Node::scalar() const { return is_scalar() ? value_ : kNull; }

const std::vector<Node>& Node::items() const { return is_sequence() ? content_->items : kNoItems; }

const std::vector<Node::Member>& Node::members() const {
  return is_mapping() ? content_->members : kNoMembers;
}

const Node::Member* Node::member(std::string_view key) const {
  if (!is_mapping()) return nullptr;
  constexpr std::size_t kSmall = 16;
  const std::vector<Member>& all = content_->members;
  if (all.size() > kSmall && !value_.as_map().contains(key)) return nullptr;
  for (const Member& one : all) {
    if (one.key.is_string() && one.key.as_string() == key) return &one;
  }
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Member* one = member(key);
  return one == nullptr ? nullptr : &one->value;
}

}  // namespace gpustack::yaml
