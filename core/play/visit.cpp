#include "core/play/visit.hpp"

#include "core/play/keywords.hpp"

#include <string_view>

namespace gpustack::play {

namespace {

std::string_view simple_name(std::string_view action) {
  return action.substr(action.rfind('.') + 1);
}

class Walker {
 public:
  explicit Walker(const TemplateVisitor& visit) : visit_(visit) {}

  void node(const Node& node) {
    switch (node.type) {
      case NodeType::play:
        play(static_cast<const Play&>(node));
        break;
      case NodeType::role:
        role(static_cast<const Role&>(node));
        break;
      case NodeType::block:
        block(static_cast<const Block&>(node));
        break;
      case NodeType::task:
        task(static_cast<const Task&>(node));
        break;
    }
  }

 private:
  void value(const Value& value, const SourceSpan& where) {
    if (value.is_list()) {
      for (const Value& item : value.as_list()) this->value(item, where);
    } else if (value.is_map()) {
      for (const Map::Entry& entry : value.as_map()) {
        this->value(entry.key, where);
        const Origin* origin = entry.key.origin();
        this->value(entry.value, origin == nullptr ? where : origin->span);
      }
    } else if (is_template(value)) {
      visit_(value, TemplateKind::text, value.origin() == nullptr ? where : value.origin()->span);
    }
  }

  void condition(const Value& expression, const SourceSpan& where) {
    if (!expression.is_string() || expression.is_unsafe() || expression.as_string().empty()) return;
    visit_(expression,
           TemplateKind::condition,
           expression.origin() == nullptr ? where : expression.origin()->span);
  }

  void conditions(const std::vector<Condition>& list) {
    for (const Condition& one : list) condition(one.expression, one.span);
  }

  void condition_values(const Value& values, const SourceSpan& where) {
    if (!values.is_list()) return condition(values, where);
    for (const Value& one : values.as_list()) condition(one, where);
  }

  void values(const std::vector<Value>& list, const SourceSpan& where) {
    for (const Value& one : list) value(one, where);
  }

  void common(const Node& node) {
    for (const auto& [keyword, setting] : node.settings) value(setting.value, setting.span);
    // An imported role shares the variables of its import.
    const bool is_imported = node.type == NodeType::role && node.parent != nullptr &&
                             node.parent->type == NodeType::block;
    if (!is_imported) value(node.vars, node.span);
    conditions(node.when);
    values(node.tags, node.span);
    if (node.name.find("{{") != std::string::npos) value(Value(node.name), node.span);
  }

  void arguments(const Task& task) {
    if (task.is_implicit) return;  // an argument spec is data
    const std::string_view action = simple_name(task.action);
    if (!task.arguments.is_map()) return value(task.arguments, task.action_span);
    for (const Map::Entry& entry : task.arguments.as_map()) {
      const std::string name = to_text(entry.key);
      const auto found = task.argument_spans.find(name);
      const SourceSpan where =
          found == task.argument_spans.end() ? task.action_span : found->second;
      const bool is_expression =
          (action == "assert" && name == "that") || (action == "debug" && name == "var");
      if (is_expression) {
        condition_values(entry.value, where);
      } else {
        value(entry.value, where);
      }
    }
  }

  void task(const Task& task) {
    common(task);
    arguments(task);
    if (task.loop) value(task.loop->expression, task.loop->span);
    for (const Value* one : {&task.loop_control.label,
                             &task.loop_control.pause,
                             &task.loop_control.extended_setting,
                             &task.retries,
                             &task.delay,
                             &task.async_seconds,
                             &task.poll}) {
      value(*one, task.span);
    }
    conditions(task.until);
    conditions(task.changed_when);
    conditions(task.failed_when);
    values(task.notify, task.span);
  }

  void block(const Block& block) {
    common(block);
    values(block.notify, block.span);
    if (block.imported_role) role(*block.imported_role);
    for (const auto* list : {&block.tasks, &block.rescue, &block.always}) {
      for (const auto& child : *list) node(*child);
    }
  }

  void handlers(const std::vector<std::unique_ptr<Task>>& tasks,
                const std::vector<std::unique_ptr<Block>>& blocks) {
    for (const auto& one : blocks) common(*one);
    for (const auto& one : tasks) task(*one);
  }

  void role(const Role& role) {
    common(role);
    value(role.params, role.span);
    value(role.defaults, role.span);
    value(role.role_vars, role.span);
    for (const auto& dependency : role.dependencies) this->role(*dependency);
    if (role.body) block(*role.body);
    handlers(role.handlers, role.handler_blocks);
  }

  void play(const Play& play) {
    common(play);
    value(play.hosts, play.hosts_span);
    for (const Value* one : {&play.gather_facts,
                             &play.gather_subset,
                             &play.gather_timeout,
                             &play.fact_path,
                             &play.serial,
                             &play.max_fail_percentage}) {
      value(*one, play.span);
    }
    values(play.vars_files, play.span);
    for (const auto* list : {&play.pre_tasks, &play.tasks, &play.post_tasks}) {
      if (*list) block(**list);
    }
    for (const auto& one : play.roles) role(*one);
    handlers(play.handlers, play.handler_blocks);
  }

  const TemplateVisitor& visit_;
};

}  // namespace

void visit_tasks(const Node& node, const std::function<void(const Task& task)>& visit) {
  const auto lists = [&](const auto&... each) {
    (..., [&](const auto& list) {
      for (const auto& child : list) visit_tasks(*child, visit);
    }(each));
  };
  switch (node.type) {
    case NodeType::task:
      visit(static_cast<const Task&>(node));
      break;
    case NodeType::block: {
      const auto& block = static_cast<const Block&>(node);
      if (block.imported_role) visit_tasks(*block.imported_role, visit);
      lists(block.tasks, block.rescue, block.always);
      break;
    }
    case NodeType::role: {
      const auto& role = static_cast<const Role&>(node);
      lists(role.dependencies);
      if (role.body) visit_tasks(*role.body, visit);
      lists(role.handlers);
      break;
    }
    case NodeType::play: {
      const auto& play = static_cast<const Play&>(node);
      if (play.pre_tasks) visit_tasks(*play.pre_tasks, visit);
      lists(play.roles);
      if (play.tasks) visit_tasks(*play.tasks, visit);
      if (play.post_tasks) visit_tasks(*play.post_tasks, visit);
      lists(play.handlers);
      break;
    }
  }
}

void for_each_template(const Site& site, const TemplateVisitor& visit) {
  for (const auto& play : site.plays) for_each_template(*play, visit);
}

void for_each_template(const Node& node, const TemplateVisitor& visit) { Walker(visit).node(node); }

}  // namespace gpustack::play
