#include "core/base/suggest.hpp"
#include "core/play/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::play {

namespace {

using Kind = ResolvedAction::Kind;

/// @source Ansible 2.14 to 2.18, module `meta`
const std::vector<std::string_view> kMetaWords = {"clear_facts",
                                                  "clear_host_errors",
                                                  "end_batch",
                                                  "end_host",
                                                  "end_play",
                                                  "end_role",
                                                  "flush_handlers",
                                                  "noop",
                                                  "refresh_inventory",
                                                  "reset_connection"};

KeywordPlace place_of(const ActionParts& action, const Surroundings& where) {
  if (action.resolved.kind == Kind::include_tasks || action.resolved.kind == Kind::include_role)
    return KeywordPlace::include;
  return where.handlers ? KeywordPlace::handler : KeywordPlace::task;
}

bool is_action_key(std::string_view key, const ActionParts& action) {
  return key == action.name || key == "action" || key == "local_action" || key == "args";
}

}  // namespace

void Reader::read_loop(const yaml::Node::Member& member, std::string_view lookup, Task& task) {
  const yaml::Node& value = member.value;
  if (task.loop) {
    report(Error(ErrorCode::argument_conflict,
                 fmt::format("a task has one loop, found a second one: '{}'", *key_text(member)))
               .at(member.key_span)
               .related(task.loop->span, "the other loop is here"));
    return;
  }
  if (value.is_null()) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'{}' wants a value to go over, found nothing", *key_text(member)))
               .at(member.key_span));
    return;
  }
  if (lookup.empty() &&
      (value.is_mapping() || (value.is_scalar() && !value.scalar().is_string()))) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'loop' wants a list or a template, found {}",
                             found_text(value.to_value())))
               .at(value.span())
               .hint(value.is_mapping() ? "go over a map with 'loop: \"{{ NAME | dict2items }}\"'"
                                        : ""));
    return;
  }
  task.loop = Loop{std::string(lookup), value.to_value(), value.span()};
}

void Reader::read_loop_control(const yaml::Node& value, Task& task) {
  if (value.is_null()) return;
  if (!value.is_mapping()) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'loop_control' wants a map, found {}", found_text(value.to_value())))
               .at(value.span()));
    return;
  }
  Block scratch;
  for (const yaml::Node::Member* member : read_keywords(value, scratch, KeywordPlace::loop_control))
    read_loop_setting(*member, task.loop_control);
}

void Reader::read_loop_setting(const yaml::Node::Member& member, LoopControl& control) {
  const std::string_view key = *key_text(member);
  const yaml::Node& setting = member.value;
  if (key == "loop_var") {
    read_loop_variable(key, setting, control.loop_var);
  } else if (key == "index_var") {
    read_loop_variable(key, setting, control.index_var);
  } else if (key == "label") {
    control.label = setting.to_value();
  } else if (key == "pause") {
    control.pause = setting.to_value();
  } else if (key == "extended" && is_template(setting.to_value())) {
    control.extended_setting = setting.to_value();
  } else if (key == "extended") {
    control.extended = literal_bool(setting, key, false);
  } else if (key == "extended_allitems") {
    control.extended_allitems = literal_bool(setting, key, true);
  } else {
    report_leftover(member, KeywordPlace::loop_control, keyword_names(KeywordPlace::loop_control));
  }
}

void Reader::read_loop_variable(std::string_view key, const yaml::Node& value, std::string& name) {
  std::string wanted = value.is_null() ? std::string() : to_text(value.to_value());
  if (is_identifier(wanted) || is_template(value.to_value())) {
    name = std::move(wanted);
    return;
  }
  report(
      Error(ErrorCode::yaml_type,
            fmt::format("'{}' wants a variable name, found {}", key, found_text(value.to_value())))
          .at(value.span()));
}

void Reader::read_task_keyword(const yaml::Node::Member& member, Task& task) {
  const std::string_view key = *key_text(member);
  const yaml::Node& value = member.value;
  if (key == "register") {
    task.register_name = value.is_null() ? std::string() : to_text(value.to_value());
    if (!task.register_name.empty() && !is_identifier(task.register_name)) {
      report(Error(ErrorCode::yaml_type,
                   fmt::format("'register' wants a variable name, found {}",
                               found_text(value.to_value())))
                 .at(value.span())
                 .hint(is_template(value.to_value())
                           ? "it cannot be a template"
                           : "names are letters, digits and '_', and do not begin with a digit"));
    }
  } else if (key == "loop") {
    if (!value.is_null()) read_loop(member, "", task);
  } else if (key == "loop_control") {
    read_loop_control(value, task);
  } else if (key == "until") {
    task.until = read_conditions(value);
  } else if (key == "retries") {
    task.retries = value.to_value();
  } else if (key == "delay") {
    task.delay = value.to_value();
  } else if (key == "changed_when") {
    task.changed_when = read_conditions(value);
    task.has_changed_when = !task.changed_when.empty();
  } else if (key == "failed_when") {
    task.failed_when = read_conditions(value);
    task.has_failed_when = !task.failed_when.empty();
  } else if (key == "notify") {
    task.notify = listed(value);
  } else if (key == "listen") {
    task.listen = listed(value);
  } else if (key == "async") {
    task.async_seconds = value.to_value();
  } else if (key == "poll") {
    task.poll = value.to_value();
  }
}

void Reader::read_meta(const ActionParts& action, Task& task) {
  task.kind = ActionKind::meta;
  const Value* word = action.arguments.find("_raw_params");
  if (word == nullptr) word = action.arguments.find("free_form");
  if (word == nullptr && action.arguments.find("_variable_params") != nullptr)
    word = action.arguments.find("_variable_params");
  if (word == nullptr) {
    report(Error(ErrorCode::missing_argument, "'meta' wants a word that says what to do")
               .at(action.span)
               .hint("such as 'meta: flush_handlers'"));
    return;
  }
  task.free_form = to_text(*word);
  const SourceSpan span = word->origin() != nullptr ? word->origin()->span : action.span;
  if (is_template(*word)) {
    report(Error(ErrorCode::invalid_argument, "the word of 'meta' cannot be a template")
               .at(span)
               .hint("use 'when:' to choose between two meta tasks"));
  } else if (std::find(kMetaWords.begin(), kMetaWords.end(), task.free_form) == kMetaWords.end()) {
    report(Error(ErrorCode::invalid_argument, fmt::format("'meta' knows no '{}'", task.free_form))
               .at(span)
               .hint(suggest(task.free_form, kMetaWords)));
  } else if (task.is_handler && task.free_form == "flush_handlers") {
    report(
        Error(ErrorCode::invalid_argument, "flush_handlers cannot be used as a handler").at(span));
  }
}

void Reader::check_module_arguments(const Task& task) {
  const modules::ModuleSpec* spec = task.module;
  if (spec == nullptr || spec->any_arguments || !task.arguments.is_map()) return;
  if (task.arguments.find("_variable_params") != nullptr) return;
  auto checked = modules::check_literal_arguments(*spec, task.arguments, task.action_span);
  if (checked) return;
  // What is missing here may come from module_defaults.
  if (checked.error().code() == ErrorCode::missing_argument &&
      task.setting(Keyword::module_defaults) != nullptr)
    return;
  // A failure that the playbook expects is left to the run, as in Ansible.
  if (options_.task_faults == TaskFaults::defer || tolerates_failure(task)) {
    warn_of_failure(checked.error());
  } else {
    report(std::move(checked).error());
  }
}

bool Reader::tolerates_failure(const Task& task) const {
  if (task.has_failed_when) return true;
  if (const Setting* ignored = task.setting(Keyword::ignore_errors)) {
    const auto literal = parse_bool(ignored->value);
    if (!literal || *literal) return true;
  }
  for (const Node* above = &task; above != nullptr; above = above->parent) {
    if (rescued_.contains(above)) return true;
  }
  return false;
}

void Reader::inherit_notify(Task& task) {
  if (!task.notify.empty()) return;
  for (const Node* above = inherited_from(task); above != nullptr; above = inherited_from(*above)) {
    if (above->type != NodeType::block) continue;
    const auto& block = static_cast<const Block&>(*above);
    if (block.notify.empty()) continue;
    task.notify = block.notify;
    return;
  }
}

void Reader::read_task_member(const yaml::Node::Member& member,
                              const ActionParts& action,
                              const Surroundings& where,
                              Task& task) {
  const std::string_view key = *key_text(member);
  const KeywordPlace place = place_of(action, where);
  const KeywordInfo* info = find_keyword(key);
  const bool on_include = place == KeywordPlace::include;
  if (info != nullptr && info->allowed_on(place)) {
    read_task_keyword(member, task);
  } else if (key.starts_with("with_") && key.size() > 5) {
    read_loop(member, key.substr(5), task);
  } else if (on_include && where.handlers && key == "listen") {
    task.listen = listed(member.value);
  } else if (on_include && info != nullptr && info->allowed_on(KeywordPlace::task)) {
    const bool of_role = action.resolved.kind == Kind::include_role;
    report(Error(ErrorCode::unknown_keyword,
                 fmt::format("keyword '{}' does not belong on '{}'", key, action.name))
               .at(member.key_span)
               .hint(info->allowed_on(KeywordPlace::block)
                         ? fmt::format("put it under 'apply:', or use '{}'",
                                       of_role ? "import_role" : "import_tasks")
                         : ""));
  } else if (info != nullptr && key == "listen") {
    report(Error(ErrorCode::unknown_keyword, "keyword 'listen' belongs on a handler, not on a task")
               .at(member.key_span));
  }
  // Anything else was told by read_action().
}

std::unique_ptr<Node> Reader::read_task(const yaml::Node& entry,
                                        const ActionParts& action,
                                        const Surroundings& where) {
  auto task = std::make_unique<Task>();
  task->parent = where.parent;
  task->span = entry.span();
  task->base_folder = where.folder;
  task->is_handler = where.handlers;
  task->action = action.name;
  task->action_span = action.span;
  task->module = action.resolved.spec;
  task->library_path = action.resolved.library_path;
  task->arguments = action.arguments;
  task->argument_spans = action.spans;
  if (const Value* variable = action.arguments.find("_variable_params");
      variable != nullptr && action.arguments.size() == 1) {
    task->arguments = *variable;
  }

  for (const yaml::Node::Member* member : read_keywords(entry, *task, place_of(action, where))) {
    if (!is_action_key(*key_text(*member), action)) read_task_member(*member, action, where, *task);
  }
  if (action.is_local)
    task->settings.set(Keyword::delegate_to, Setting{Value("localhost"), action.span});
  if (task->loop && task->loop_control.index_var == task->loop_control.loop_var) {
    report(Error(ErrorCode::argument_conflict, "'loop_var' and 'index_var' cannot be the same name")
               .at(task->loop->span));
  }
  inherit_notify(*task);

  switch (action.resolved.kind) {
    case Kind::include_tasks:
    case Kind::include:
      read_include_tasks(action, *task);
      break;
    case Kind::include_role:
      read_include_role(action, *task);
      break;
    case Kind::meta:
      read_meta(action, *task);
      break;
    default:
      check_module_arguments(*task);
      break;
  }
  return task;
}

std::unique_ptr<Task> Reader::read_with_module(const Task& task, const std::string& name) {
  ResolvedAction resolved = resolve(name, task.parent);
  if (resolved.kind != Kind::module && resolved.kind != Kind::library) return nullptr;
  auto copy = std::make_unique<Task>(task);
  copy->action = name;
  copy->module = resolved.spec;
  copy->library_path = resolved.library_path;
  const Value* text = copy->arguments.find("_raw_params");
  if (text != nullptr && resolved.spec != nullptr && !resolved.spec->free_form.empty()) {
    const Value free_form = *text;
    copy->arguments.mutable_map().erase(std::string_view("_raw_params"));
    copy->arguments.set(resolved.spec->free_form, free_form);
  }
  return copy;
}

}  // namespace gpustack::play
