#include "core/base/suggest.hpp"
#include "core/play/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::play {

namespace {

using Kind = ResolvedAction::Kind;

constexpr int kDeepestInclude = 200;

const std::vector<std::string_view> kRoleArguments = {"allow_duplicates",
                                                      "apply",
                                                      "defaults_from",
                                                      "handlers_from",
                                                      "name",
                                                      "public",
                                                      "role",
                                                      "rolespec_validate",
                                                      "tasks_from",
                                                      "vars_from"};

SourceSpan span_of(const ActionParts& action, std::string_view argument) {
  const auto found = action.spans.find(argument);
  return found != action.spans.end() ? found->second : action.span;
}

SourceSpan value_span(const Value& value, const SourceSpan& otherwise) {
  return value.origin() != nullptr ? value.origin()->span : otherwise;
}

std::string file_name(const Value& value) {
  if (value.is_null()) return {};
  const std::string text = to_text(value);
  const std::size_t slash = text.rfind('/');
  return slash == std::string::npos ? text : text.substr(slash + 1);
}

}  // namespace

void Reader::read_include_tasks(const ActionParts& action, Task& task) {
  task.kind = ActionKind::include_tasks;
  const bool is_static = action.resolved.kind == Kind::import_tasks;
  if (action.arguments.is_map()) {
    for (const Map::Entry& each : action.arguments.as_map()) {
      const std::string key = to_text(each.key);
      if (key == "file" || key == "_raw_params" || key == "_variable_params") {
        if (!task.include_target.is_null()) {
          report(Error(ErrorCode::argument_conflict,
                       fmt::format("'{}' names its file twice", action.name))
                     .at(span_of(action, key)));
        }
        task.include_target = each.value;
      } else if (key == "apply" && !is_static) {
        task.apply = each.value;
        if (!each.value.is_map() && !each.value.is_null()) {
          report(Error(ErrorCode::yaml_type,
                       fmt::format("'apply' wants a map of keywords, found {}",
                                   found_text(each.value)))
                     .at(span_of(action, key)));
          task.apply = Value();
        }
      } else if (action.resolved.kind == Kind::include) {
        if (key == "tags" && each.value.is_string()) {
          const auto tags = split_tags(each.value);
          task.tags.insert(task.tags.end(), tags.begin(), tags.end());
        } else {
          task.vars.set(key, each.value);
        }
      } else {
        std::string hint =
            key == "apply" ? "'apply' is for include_tasks; put the keywords on the import itself"
                           : fmt::format("variables for the tasks go under 'vars:'");
        report(Error(ErrorCode::unknown_argument,
                     fmt::format("'{}' has no argument '{}'", action.name, key))
                   .at(span_of(action, key))
                   .hint(hint));
      }
    }
  }
  const bool no_name = task.include_target.is_null() ||
                       (task.include_target.is_string() && task.include_target.as_string().empty());
  if (no_name) {
    report(Error(ErrorCode::missing_argument, fmt::format("'{}' names no file", action.name))
               .at(action.span)
               .hint(fmt::format("write '{}: FILE.yml'", action.name)));
    task.include_target = Value();
  } else if (!task.include_target.is_string()) {
    report(
        Error(ErrorCode::yaml_type,
              fmt::format(
                  "'{}' wants a file name, found {}", action.name, found_text(task.include_target)))
            .at(action.span));
    task.include_target = Value();
  }
}

std::optional<RoleRequest> Reader::role_request(const ActionParts& action,
                                                const Node* where,
                                                bool is_import) {
  RoleRequest request;
  request.from_include = true;
  request.allow_duplicates = true;
  request.span = action.span;
  bool sound = true;
  const Value* name = nullptr;
  for (const Map::Entry& each : action.arguments.as_map()) {
    const std::string key = to_text(each.key);
    const SourceSpan span = span_of(action, key);
    const auto literal = [&](bool otherwise) {
      const auto read = parse_bool(each.value);
      if (read) return *read;
      report(
          Error(ErrorCode::yaml_type,
                fmt::format(
                    "'{}' wants true or false written out, found {}", key, found_text(each.value)))
              .at(span));
      return otherwise;
    };
    if (key == "name" || (key == "role" && name == nullptr)) {
      name = &each.value;
      request.span = value_span(each.value, span);
    } else if (key.ends_with("_from") &&
               std::find(kRoleArguments.begin(), kRoleArguments.end(), key) !=
                   kRoleArguments.end()) {
      if (!each.value.is_string()) {
        report(Error(ErrorCode::yaml_type,
                     fmt::format("'{}' wants a file name, found {}", key, found_text(each.value)))
                   .at(span));
        sound = false;
        continue;
      }
      if (!is_import) continue;
      const auto rendered =
          render_static(each.value, where, value_span(each.value, span), fmt::format("'{}'", key));
      if (!rendered) {
        sound = false;
        continue;
      }
      std::string& slot = key == "tasks_from"      ? request.files.tasks
                          : key == "vars_from"     ? request.files.vars
                          : key == "defaults_from" ? request.files.defaults
                                                   : request.files.handlers;
      request.spans[key] = value_span(each.value, span);
      slot = key == "tasks_from" ? *rendered : file_name(Value(*rendered));
    } else if (key == "allow_duplicates") {
      request.allow_duplicates = literal(true);
    } else if (key == "rolespec_validate") {
      request.validate = literal(true);
    } else if (key == "public" && !is_import) {
      (void)literal(false);
    } else if (key == "apply" && !is_import) {
      if (!each.value.is_map() && !each.value.is_null()) {
        report(
            Error(ErrorCode::yaml_type,
                  fmt::format("'apply' wants a map of keywords, found {}", found_text(each.value)))
                .at(span));
      }
    } else if (key == "_raw_params" || key == "_variable_params") {
      report(Error(ErrorCode::missing_argument,
                   fmt::format("'{}' wants its role as 'name', found the text {}",
                               action.name,
                               found_text(each.value)))
                 .at(span)
                 .hint(fmt::format("write '{}: {{name: {}}}'", action.name, to_text(each.value))));
      return std::nullopt;
    } else if (key != "role") {
      std::string hint = suggest(key, kRoleArguments);
      if (key == "public" || key == "apply") hint = "it is for include_role";
      if (hint.empty()) hint = "variables for the role go under 'vars:'";
      report(Error(ErrorCode::unknown_argument,
                   fmt::format("'{}' has no argument '{}'", action.name, key))
                 .at(span)
                 .hint(hint));
      sound = false;
    }
  }
  if (name == nullptr || name->is_null()) {
    report(Error(ErrorCode::missing_argument, fmt::format("'{}' names no role", action.name))
               .at(action.span)
               .hint(fmt::format("write '{}: {{name: ROLE}}'", action.name)));
    return std::nullopt;
  }
  request.name = *name;
  if (!sound) return std::nullopt;
  return request;
}

void Reader::read_include_role(const ActionParts& action, Task& task) {
  task.kind = ActionKind::include_role;
  if (task.is_handler) {
    report(
        Error(ErrorCode::unsupported_keyword, fmt::format("'{}' cannot be a handler", action.name))
            .at(action.span));
    return;
  }
  const auto request = role_request(action, &task, false);
  if (!request) return;
  task.include_target = request->name;
  task.allow_duplicates = request->allow_duplicates.value_or(true);
  task.rolespec_validate = request->validate;
  task.apply = action.arguments.get("apply");
  if (!task.apply.is_map()) task.apply = Value();
  task.tasks_from = action.arguments.get("tasks_from");
  task.vars_from = action.arguments.get("vars_from");
  task.defaults_from = action.arguments.get("defaults_from");
  task.handlers_from = action.arguments.get("handlers_from");
  if (const auto is_public = parse_bool(action.arguments.get("public")))
    task.include_public = *is_public;
  // Not an error yet: the include may stand behind a condition that never holds, which Ansible
  // allows.
  if (!is_template(request->name)) {
    std::vector<std::string> tried;
    const std::string name = to_text(request->name);
    if (find_role(name, task, tried).empty()) {
      warn(fmt::format("no role '{}': the include fails when it is reached", name), request->span);
    }
  }
}

void Reader::apply_to(const Value& apply, Node& node) {
  if (!apply.is_map()) return;
  for (const Map::Entry& each : apply.as_map()) {
    const std::string key = to_text(each.key);
    const SourceSpan span = each.key.origin() != nullptr ? each.key.origin()->span : SourceSpan{};
    const KeywordInfo* info = find_keyword(key);
    if (info == nullptr || !info->allowed_on(KeywordPlace::block) || key == "block" ||
        key == "rescue" || key == "always") {
      report(Error(ErrorCode::unknown_keyword,
                   fmt::format("keyword '{}' does not belong under 'apply'", key))
                 .at(span)
                 .hint(suggest(key, keyword_names(KeywordPlace::block))));
    } else if (info->setting != Keyword::count) {
      node.settings[info->setting] = Setting{each.value, value_span(each.value, span)};
    } else if (key == "vars" && each.value.is_map()) {
      node.vars = each.value;
    } else if (key == "tags") {
      if (each.value.is_string()) {
        node.tags = split_tags(each.value);
      } else if (each.value.is_list()) {
        node.tags = each.value.as_list();
      }
    } else if (key == "when") {
      const List conditions = each.value.is_list() ? each.value.as_list() : List{each.value};
      for (const Value& one : conditions)
        node.when.push_back(Condition{one, value_span(one, span)});
    } else if (key == "notify" && node.type == NodeType::block) {
      static_cast<Block&>(node).notify =
          each.value.is_list() ? each.value.as_list() : List{each.value};
    } else if (key == "name") {
      node.name = to_text(each.value);
    }
  }
}

bool Reader::too_deep(const Task& task) {
  int depth = 0;
  for (const Node* node = &task; node != nullptr; node = node->parent)
    depth += node->type == NodeType::task ? 1 : 0;
  if (depth <= kDeepestInclude) return false;
  report(Error(ErrorCode::include_loop,
               fmt::format("includes are nested more than {} deep", kDeepestInclude))
             .at(task.span)
             .hint("an include that includes itself needs a condition that ends it"));
  return true;
}

std::unique_ptr<Block> Reader::read_included_tasks(const Task& task, const std::string& file) {
  auto block = std::make_unique<Block>();
  block->parent = &task;
  block->span = task.span;
  if (too_deep(task)) return block;
  apply_to(task.apply, *block);
  Surroundings where;
  where.parent = &task;
  where.folder = task.base_folder;
  where.handlers = task.is_handler;
  where.dynamic = true;
  std::vector<std::string> tried;
  const SourceSpan span = value_span(task.include_target, task.action_span);
  const auto path = find_task_file(file, where, tried);
  if (!path) {
    std::string places;
    for (const std::string& each : tried) places += (places.empty() ? "" : ", ") + shown_path(each);
    report(Error(ErrorCode::include_missing,
                 fmt::format("no file '{}' to include; looked for {}", file, places))
               .at(span));
    return block;
  }
  block->imported_from = *path;
  where.parent = block.get();
  where.folder = folder_of(*path);
  read_task_file(*path, span, where, block->tasks);
  return block;
}

std::unique_ptr<Role> Reader::read_included_role(const Task& task,
                                                 const std::string& name,
                                                 const RoleFiles& files) {
  auto role = std::make_unique<Role>();
  role->parent = &task;
  role->span = task.span;
  if (too_deep(task)) return role;
  apply_to(task.apply, *role);
  RoleRequest request;
  request.name = Value(name);
  request.span = value_span(task.include_target, task.action_span);
  request.files = files;
  request.from_include = true;
  request.allow_duplicates = task.allow_duplicates;
  request.validate = task.rolespec_validate;
  role->is_public = task.include_public;
  if (task.include_public && role->vars.is_null()) role->vars = task.vars;
  load_role(*role, request);
  return role;
}

std::unique_ptr<Node> Reader::follow(const Task& task, std::set<std::string>& seen) {
  const std::string name = to_text(task.include_target);
  const Role* role = task.role();
  if (task.kind == ActionKind::include_tasks) {
    Surroundings where;
    where.parent = &task;
    where.folder = task.base_folder;
    where.handlers = task.is_handler;
    std::vector<std::string> tried;
    const auto path = find_task_file(name, where, tried);
    if (path && !seen.insert(*path + (role == nullptr ? "" : " in " + role->path)).second)
      return nullptr;
    return read_included_tasks(task, name);
  }
  std::vector<std::string> tried;
  const std::string path = find_role(name, task, tried);
  RoleFiles files;
  for (const auto& [value, slot] : {std::pair(&task.tasks_from, &files.tasks),
                                    std::pair(&task.vars_from, &files.vars),
                                    std::pair(&task.defaults_from, &files.defaults),
                                    std::pair(&task.handlers_from, &files.handlers)}) {
    if (is_template(*value)) return nullptr;
    if (!value->is_null()) *slot = to_text(*value);
  }
  if (path.empty() || !seen.insert(path + " from " + files.tasks).second) return nullptr;
  return read_included_role(task, name, files);
}

}  // namespace gpustack::play
