#include "core/play/model.hpp"

#include <algorithm>

namespace gpustack::play {

Block::Block() : Node(NodeType::block) {}
Block::~Block() = default;

const Node* inherited_from(const Node& node) {
  const Node* above = node.parent;
  // A task is a parent only when it is a dynamic include.
  while (above != nullptr && above->type == NodeType::task) above = above->parent;
  return above;
}

const Setting* Settings::find(Keyword keyword) const {
  if ((present_ & bit(keyword)) == 0) return nullptr;
  for (const auto& [one, setting] : entries_) {
    if (one == keyword) return &setting;
  }
  return nullptr;
}

void Settings::set(Keyword keyword, Setting setting) {
  const auto at = std::ranges::lower_bound(entries_, keyword, {}, &Entry::first);
  if ((present_ & bit(keyword)) != 0) {
    at->second = std::move(setting);
    return;
  }
  entries_.insert(at, Entry{keyword, std::move(setting)});
  present_ |= bit(keyword);
}

const Setting* Node::setting(Keyword keyword) const {
  for (const Node* node = this; node != nullptr; node = inherited_from(*node)) {
    if (const Setting* found = node->settings.find(keyword)) return found;
  }
  return nullptr;
}

const Role* Node::role() const {
  for (const Node* node = this; node != nullptr; node = node->parent) {
    if (node->type == NodeType::role) return static_cast<const Role*>(node);
  }
  return nullptr;
}

const Play* Node::play() const {
  for (const Node* node = this; node != nullptr; node = node->parent) {
    if (node->type == NodeType::play) return static_cast<const Play*>(node);
  }
  return nullptr;
}

std::string display_name(const Task& task) {
  std::string name = task.name.empty() ? task.action : task.name;
  if (task.name.empty() && task.kind == ActionKind::include_role &&
      task.include_target.is_string()) {
    return name + " : " + task.include_target.as_string();
  }
  const Role* role = task.role();
  return role == nullptr || task.kind == ActionKind::include_role ? name
                                                                  : role->name + " : " + name;
}

std::string display_name(const Play& play) {
  if (!play.name.empty()) return play.name;
  if (!play.hosts.is_list()) return to_text(play.hosts);
  std::string joined;
  for (const Value& host : play.hosts.as_list()) {
    if (!joined.empty()) joined += ",";
    joined += to_text(host);
  }
  return joined;
}

std::string describe(const Node& node) {
  switch (node.type) {
    case NodeType::play:
      return "play '" + display_name(static_cast<const Play&>(node)) + "'";
    case NodeType::role:
      return "role '" + node.name + "'";
    case NodeType::block:
      return node.name.empty() ? "a block" : "block '" + node.name + "'";
    case NodeType::task: {
      const auto& task = static_cast<const Task&>(node);
      return (task.is_handler ? "handler '" : "task '") + display_name(task) + "'";
    }
  }
  return "a node";
}

bool is_dynamic_include(const Node& node) {
  if (node.type != NodeType::task) return false;
  const ActionKind kind = static_cast<const Task&>(node).kind;
  return kind == ActionKind::include_tasks || kind == ActionKind::include_role;
}

std::vector<const Condition*> all_conditions(const Node& node) {
  std::vector<const Node*> path;
  for (const Node* each = &node; each != nullptr; each = inherited_from(*each))
    path.push_back(each);
  std::reverse(path.begin(), path.end());
  std::vector<const Condition*> out;
  for (const Node* each : path) {
    for (const Condition& condition : each->when) out.push_back(&condition);
  }
  return out;
}

std::vector<const Setting*> all_settings(const Node& node, Keyword keyword) {
  std::vector<const Setting*> out;
  for (const Node* each = &node; each != nullptr; each = inherited_from(*each)) {
    if (const Setting* found = each->settings.find(keyword)) out.push_back(found);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace gpustack::play
