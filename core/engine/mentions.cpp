#include "core/engine/mentions.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace gpustack::engine {

namespace {

constexpr std::array<std::string_view, 3> kNames{"hostvars", "play_hosts", "ansible_play_batch"};

bool text_names_them(std::string_view text) {
  return std::ranges::any_of(
      kNames, [&](std::string_view name) { return text.find(name) != std::string_view::npos; });
}

bool names_them(const Value& value) {
  if (value.is_string()) return text_names_them(value.as_string());
  if (value.is_list())
    return std::ranges::any_of(value.as_list(), [](const Value& one) { return names_them(one); });
  return value.is_map() && std::ranges::any_of(value.as_map(), [](const Map::Entry& entry) {
           return names_them(entry.value);
         });
}

/// Goes through a tree; each file is read once.
class Search {
 public:
  bool in(const play::Node& node) {
    // Its variables are those of the whole play from there on, also for hosts that were left
    // behind.
    if (node.type == play::NodeType::task && static_cast<const play::Task&>(node).include_public)
      return true;
    const SourceFile* file = node.span.file;
    const bool is_new = file != nullptr && files_.insert(file).second;
    return (is_new && text_names_them(file->text())) || names_them(node.vars);
  }

  bool in(const play::Block& block) {
    if (in(static_cast<const play::Node&>(block))) return true;
    if (block.imported_role && in(*block.imported_role)) return true;
    const std::array sections{&block.tasks, &block.rescue, &block.always};
    return std::ranges::any_of(sections, [this](const auto* section) {
      return std::ranges::any_of(*section, [this](const auto& node) {
        return node->type == play::NodeType::block ? in(static_cast<const play::Block&>(*node))
                                                   : in(*node);
      });
    });
  }

  bool in(const play::Role& role) {
    const std::array variables{&role.defaults, &role.role_vars, &role.params, &role.vars};
    if (std::ranges::any_of(variables, [](const Value* one) { return names_them(*one); }))
      return true;
    const auto has = [this](const auto& one) { return in(*one); };
    return std::ranges::any_of(role.dependencies, has) || (role.body && in(*role.body)) ||
           std::ranges::any_of(role.handlers, has);
  }

 private:
  std::set<const SourceFile*> files_;
};

}  // namespace

bool looks_at_other_hosts(const play::Play& play) {
  Search search;
  const auto has = [&](const auto& one) { return search.in(*one); };
  if (search.in(static_cast<const play::Node&>(play)) || std::ranges::any_of(play.roles, has))
    return true;
  const std::array sections{play.pre_tasks.get(), play.tasks.get(), play.post_tasks.get()};
  return std::ranges::any_of(sections,
                             [&](const auto* one) { return one != nullptr && search.in(*one); }) ||
         std::ranges::any_of(play.handlers, has);
}

bool looks_at_other_hosts(const play::Task& task) {
  for (const play::Node* node = &task; node != nullptr; node = node->parent) {
    const auto has = [](const play::Condition& one) { return names_them(one.expression); };
    if (names_them(node->vars) || std::ranges::any_of(node->when, has)) return true;
  }
  return names_them(task.arguments) || names_them(task.include_target) ||
         (task.loop && names_them(task.loop->expression)) || text_names_them(task.name);
}

bool looks_at_other_hosts(const play::Block& block) { return Search().in(block); }
bool looks_at_other_hosts(const play::Role& role) { return Search().in(role); }

}  // namespace gpustack::engine
