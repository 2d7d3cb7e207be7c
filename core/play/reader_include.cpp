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

bool Reader::check_apply(const Value& apply, const SourceSpan& span) {
  if (apply.is_map() || apply.is_null()) return true;
  report(Error(ErrorCode::yaml_type,
               fmt::format("'apply' wants a map of keywords, found {}", found_text(apply)))
             .at(span));
  return false;
}

void Reader::read_include_argument(const ActionParts& action,
                                   const std::string& key,
                                   const Value& value,
                                   Task& task) {
  if (key == "file" || key == "_raw_params" || key == "_variable_params") {
    if (!task.include_target.is_null()) {
      report(
          Error(ErrorCode::argument_conflict, fmt::format("'{}' names its file twice", action.name))
              .at(span_of(action, key)));
    }
    task.include_target = value;
  } else if (key == "apply" && action.resolved.kind != Kind::import_tasks) {
    task.apply = check_apply(value, span_of(action, key)) ? value : Value();
  } else if (action.resolved.kind != Kind::include) {
    const char* hint = key == "apply"
                           ? "'apply' is for include_tasks; put the keywords on the import itself"
                           : "variables for the tasks go under 'vars:'";
    report(Error(ErrorCode::unknown_argument,
                 fmt::format("'{}' has no argument '{}'", action.name, key))
               .at(span_of(action, key))
               .hint(hint));
  } else if (key == "tags" && value.is_string()) {
    const auto tags = split_tags(value);
    task.tags.insert(task.tags.end(), tags.begin(), tags.end());
  } else {
    task.vars.set(key, value);
  }
}

void Reader::read_include_tasks(const ActionParts& action, Task& task) {
  task.kind = ActionKind::include_tasks;
  if (action.arguments.is_map()) {
    for (const Map::Entry& each : action.arguments.as_map())
      read_include_argument(action, to_text(each.key), each.value, task);
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

namespace {

/// What names the role: the last `name`, or a `role` that nothing stands before; nullptr when
/// neither is there.
const Map::Entry* role_name(const Map& arguments) {
  const Map::Entry* out = nullptr;
  for (const Map::Entry& each : arguments) {
    const std::string key = to_text(each.key);
    if (key == "name" || (key == "role" && out == nullptr)) out = &each;
  }
  return out;
}

bool names_role_file(const std::string& key) {
  return key.ends_with("_from") &&
         std::find(kRoleArguments.begin(), kRoleArguments.end(), key) != kRoleArguments.end();
}

std::string& role_file(RoleFiles& files, std::string_view key) {
  if (key == "tasks_from") return files.tasks;
  if (key == "vars_from") return files.vars;
  return key == "defaults_from" ? files.defaults : files.handlers;
}

}  // namespace

bool Reader::literal_argument(const std::string& key,
                              const Value& value,
                              const SourceSpan& span,
                              bool otherwise) {
  const auto read = parse_bool(value);
  if (read) return *read;
  report(
      Error(ErrorCode::yaml_type,
            fmt::format("'{}' wants true or false written out, found {}", key, found_text(value)))
          .at(span));
  return otherwise;
}

bool Reader::read_role_file(const std::string& key,
                            const Value& value,
                            const SourceSpan& span,
                            const Node* where,
                            RoleRequest& request) {
  const auto rendered = render_static(value, where, span, fmt::format("'{}'", key));
  if (!rendered) return false;
  request.spans[key] = span;
  role_file(request.files, key) = key == "tasks_from" ? *rendered : file_name(Value(*rendered));
  return true;
}

bool Reader::read_role_argument(const ActionParts& action,
                                const Map::Entry& argument,
                                const Node* where,
                                bool is_import,
                                RoleRequest& request) {
  const std::string key = to_text(argument.key);
  const Value& value = argument.value;
  const SourceSpan span = span_of(action, key);
  if (key == "name" || key == "role") return true;
  if (names_role_file(key)) {
    if (value.is_string())
      return !is_import || read_role_file(key, value, value_span(value, span), where, request);
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'{}' wants a file name, found {}", key, found_text(value)))
               .at(span));
    return false;
  }
  if (key == "allow_duplicates") {
    request.allow_duplicates = literal_argument(key, value, span, true);
  } else if (key == "rolespec_validate") {
    request.validate = literal_argument(key, value, span, true);
  } else if (key == "public" && !is_import) {
    literal_argument(key, value, span, false);
  } else if (key == "apply" && !is_import) {
    check_apply(value, span);
  } else {
    std::string hint = suggest(key, kRoleArguments);
    if (key == "public" || key == "apply") hint = "it is for include_role";
    if (hint.empty()) hint = "variables for the role go under 'vars:'";
    report(Error(ErrorCode::unknown_argument,
                 fmt::format("'{}' has no argument '{}'", action.name, key))
               .at(span)
               .hint(hint));
    return false;
  }
  return true;
}

std::optional<RoleRequest> Reader::role_request(const ActionParts& action,
                                                const Node* where,
                                                bool is_import) {
  RoleRequest request;
  request.from_include = true;
  request.allow_duplicates = true;
  bool sound = true;
  for (const Map::Entry& each : action.arguments.as_map()) {
    const std::string key = to_text(each.key);
    if (key == "_raw_params" || key == "_variable_params") {
      report(Error(ErrorCode::missing_argument,
                   fmt::format("'{}' wants its role as 'name', found the text {}",
                               action.name,
                               found_text(each.value)))
                 .at(span_of(action, key))
                 .hint(fmt::format("write '{}: {{name: {}}}'", action.name, to_text(each.value))));
      return std::nullopt;
    }
    if (!read_role_argument(action, each, where, is_import, request)) sound = false;
  }
  const Map::Entry* name = role_name(action.arguments.as_map());
  if (name == nullptr || name->value.is_null()) {
    report(Error(ErrorCode::missing_argument, fmt::format("'{}' names no role", action.name))
               .at(action.span)
               .hint(fmt::format("write '{}: {{name: ROLE}}'", action.name)));
    return std::nullopt;
  }
  request.name = name->value;
  request.span = value_span(name->value, span_of(action, to_text(name->key)));
  if (!sound) return std::nullopt;
  return request;
}

void Reader::read_include_role(const ActionParts& action, Task& task) {
  task.kind = ActionKind::include_role;
  if (task.is_handler) {
    report(Error(ErrorCode::unsupported_keyword,
                 fmt::format("Using '{}' as a handler is not supported.", action.name))
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

namespace {

bool may_be_applied(const KeywordInfo& info) {
  return info.allowed_on(KeywordPlace::block) && info.name != "block" && info.name != "rescue" &&
         info.name != "always";
}

List as_list(const Value& value) { return value.is_list() ? value.as_list() : List{value}; }

void apply_keyword(const KeywordInfo& info,
                   const Value& value,
                   const SourceSpan& span,
                   Node& node) {
  if (info.setting != Keyword::count) {
    node.settings.set(info.setting, Setting{value, value_span(value, span)});
  } else if (info.name == "vars" && value.is_map()) {
    node.vars = value;
  } else if (info.name == "tags" && value.is_string()) {
    node.tags = split_tags(value);
  } else if (info.name == "tags" && value.is_list()) {
    node.tags = value.as_list();
  } else if (info.name == "when") {
    for (const Value& one : as_list(value))
      node.when.push_back(Condition{one, value_span(one, span)});
  } else if (info.name == "notify" && node.type == NodeType::block) {
    static_cast<Block&>(node).notify = as_list(value);
  } else if (info.name == "name") {
    node.name = to_text(value);
  }
}

}  // namespace

void Reader::apply_to(const Value& apply, Node& node) {
  if (!apply.is_map()) return;
  for (const Map::Entry& each : apply.as_map()) {
    const std::string key = to_text(each.key);
    const SourceSpan span = each.key.origin() != nullptr ? each.key.origin()->span : SourceSpan{};
    const KeywordInfo* info = find_keyword(key);
    if (info != nullptr && may_be_applied(*info)) {
      apply_keyword(*info, each.value, span, node);
      continue;
    }
    report(Error(ErrorCode::unknown_keyword,
                 fmt::format("keyword '{}' does not belong under 'apply'", key))
               .at(span)
               .hint(suggest(key, keyword_names(KeywordPlace::block))));
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
  for (const auto& node : block->tasks) {
    if (where.handlers && node->type == NodeType::block)
      refuse_nested_blocks(static_cast<const Block&>(*node));
  }
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
