#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "core/play/action_text.hpp"
#include "core/play/reader.hpp"
#include "core/play/role_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace gpustack::play {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> folder_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code fault;
  for (fs::directory_iterator entry(folder, fault), end; !fault && entry != end;
       entry.increment(fault)) {
    if (entry->is_directory(fault)) names.push_back(entry->path().filename().string());
  }
  return names;
}

/// `https://host/x/role.git` and `role,v1,name` into the role's name.
/// @source Ansible 2.14, playbook/role/requirement.py
std::string name_of_source(const std::string& source) {
  const std::size_t comma = source.find(',');
  std::string name = source.substr(0, comma);
  if (comma != std::string::npos) {
    const std::size_t second = source.find(',', comma + 1);
    if (second != std::string::npos) return source.substr(second + 1);
  }
  if (name.find("://") != std::string::npos || name.find('@') != std::string::npos) {
    name = name.substr(name.rfind('/') + 1);
    for (const std::string_view ending : {".git", ".tar.gz"}) {
      if (name.ends_with(ending)) name.erase(name.size() - ending.size());
    }
  }
  return name;
}

bool is_collection_name(const std::string& name) {
  return std::count(name.begin(), name.end(), '.') >= 2 && name.find('/') == std::string::npos &&
         !name.starts_with('.');
}

}  // namespace

SourceSpan asked_at(const RoleRequest& request, std::string_view argument) {
  const auto found = request.spans.find(argument);
  return found == request.spans.end() ? request.span : found->second;
}

std::vector<std::string> Reader::collection_folders(const std::string& folder) const {
  std::vector<std::string> out;
  const auto add = [&](const std::string& path) {
    if (is_folder(path) && std::find(out.begin(), out.end(), path) == out.end())
      out.push_back(path);
  };
  add(folder + "/collections/ansible_collections");
  // A playbook or role inside a collection sees its neighbours.
  const std::size_t inside = folder.find("/ansible_collections/");
  if (inside != std::string::npos) add(folder.substr(0, inside) + "/ansible_collections");
  for (const std::string& path : options_.collection_paths) {
    add(path.ends_with("/ansible_collections") ? path : path + "/ansible_collections");
  }
  return out;
}

namespace {

std::vector<const Role*> roles_above(const Node& parent) {
  std::vector<const Role*> out;
  for (const Node* node = &parent; node != nullptr; node = node->parent) {
    if (node->type == NodeType::role) out.push_back(static_cast<const Role*>(node));
  }
  return out;
}

/// Where `namespace.collection.role` lies below a folder of collections.
std::string below_collections(const std::string& name) {
  const std::size_t first = name.find('.');
  const std::size_t second = name.find('.', first + 1);
  std::string inner = name.substr(second + 1);
  std::replace(inner.begin(), inner.end(), '.', '/');
  return "/" + name.substr(0, first) + "/" + name.substr(first + 1, second - first - 1) +
         "/roles/" + inner;
}

}  // namespace

std::vector<std::string> Reader::role_places(const std::string& name, const Node& parent) const {
  const Play* play = parent.play();
  const std::string base = play == nullptr ? start_folder_ : play->folder;
  const std::vector<const Role*> roles = roles_above(parent);
  std::vector<std::string> out;
  if (is_collection_name(name)) {
    const std::string below = below_collections(name);
    for (const std::string& root : collection_folders(base)) out.push_back(root + below);
    for (const Role* role : roles) {
      for (const std::string& root : collection_folders(role->path)) out.push_back(root + below);
    }
  }
  std::vector<std::string> folders;
  const auto add = [&](const std::string& folder) {
    if (!folder.empty() && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  };
  add(joined(base, "roles"));
  for (const std::string& path : options_.role_paths) add(absolute_path(path, start_folder_));
  for (const Role* role : roles) add(folder_of(role->path));
  // A playbook in the `playbooks/` of a collection.
  if (base.ends_with("/playbooks") && base.find("/ansible_collections/") != std::string::npos)
    add(joined(folder_of(base), "roles"));
  add(base);
  for (const std::string& folder : folders) out.push_back(absolute_path(name, folder));
  return out;
}

std::string Reader::find_role(const std::string& name,
                              const Node& parent,
                              std::vector<std::string>& tried) const {
  for (std::string& place : role_places(name, parent)) {
    if (is_folder(place)) return place;
    tried.push_back(std::move(place));
  }
  std::string direct = absolute_path(name, start_folder_);
  return is_folder(direct) ? direct : std::string();
}

Error Reader::unknown_role(const std::string& name, const std::vector<std::string>& tried) const {
  std::string places;
  std::vector<std::string> known;
  for (const std::string& path : tried) {
    places += (places.empty() ? "" : ", ") + shown_path(path);
    for (std::string& each : folder_names(folder_of(path))) known.push_back(std::move(each));
  }
  std::string simple = name.substr(name.rfind('/') + 1);
  // The form `name,key=value` of Ansible before 1.0.
  if (name.find(',') != std::string::npos)
    return Error(ErrorCode::unknown_role, "Invalid old style role requirement: " + name);
  return Error(ErrorCode::unknown_role, fmt::format("no role '{}'; looked for {}", name, places))
      .hint(suggest(simple, known));
}

void Reader::read_roles(const yaml::Node& list,
                        const Node& parent,
                        std::vector<std::unique_ptr<Role>>& into) {
  if (list.is_null()) return;
  if (!list.is_sequence()) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("A malformed role declaration was encountered. A list of roles is "
                             "wanted here, found {}",
                             found_text(list.to_value())))
               .at(list.span())
               .hint("begin each role with '- '"));
    return;
  }
  for (const yaml::Node& entry : list.items()) {
    if (auto role = read_role_entry(entry, parent)) into.push_back(std::move(role));
  }
}

bool Reader::read_role_text(const yaml::Node& entry, Role& role, RoleRequest& request) {
  request.name = entry.scalar();
  const bool has_parameters =
      request.name.is_string() && request.name.as_string().find('=') != std::string::npos;
  if (!has_parameters || is_template(request.name)) return true;
  // The old form: name=x, port=80
  auto text = parse_argument_text(request.name, FreeForm::none);
  if (!text) {
    report(Error(std::move(text).error()).at_if_unknown(entry.span()));
    return false;
  }
  request.name = text->rest;
  for (const Map::Entry& each : text->values) {
    std::string value = to_text(each.value);
    if (value.ends_with(',')) value.pop_back();
    const std::string key = to_text(each.key);
    if (key == "name" || key == "role") {
      request.name = Value(value);
    } else {
      role.params.set(key, Value(value));
    }
  }
  return true;
}

void Reader::read_role_map(const yaml::Node& entry, Role& role, RoleRequest& request) {
  const yaml::Node* name = entry.find("name");
  const bool has_name = name != nullptr || entry.find("role") != nullptr;
  for (const yaml::Node::Member* member : read_keywords(entry, role, KeywordPlace::role)) {
    const std::string_view key = *key_text(*member);
    if (key == "role") {
      request.name = member->value.to_value();
      request.span = member->value.span();
    } else if (key == "src" && !has_name) {
      request.name = Value(name_of_source(to_text(member->value.to_value())));
      request.span = member->value.span();
    } else {
      role.params.set(key, member->value.to_value());
    }
  }
  if (request.name.is_null() && name != nullptr) {
    request.name = name->to_value();
    request.span = name->span();
  }
  role.name.clear();
}

std::unique_ptr<Role> Reader::read_role_entry(const yaml::Node& entry, const Node& parent) {
  auto role = std::make_unique<Role>();
  role->parent = &parent;
  role->span = entry.span();
  RoleRequest request;
  request.span = entry.span();
  if (entry.is_scalar() && (entry.scalar().is_string() || entry.scalar().is_integer())) {
    if (!read_role_text(entry, *role, request)) return nullptr;
  } else if (entry.is_mapping()) {
    read_role_map(entry, *role, request);
  } else {
    report(Error(ErrorCode::play_invalid,
                 fmt::format("a role entry is a name or a map, found {}",
                             found_text(entry.to_value())))
               .at(entry.span()));
    return nullptr;
  }
  if (request.name.is_null() || (request.name.is_string() && request.name.as_string().empty())) {
    report(Error(ErrorCode::play_invalid, "a role entry needs the name of a role")
               .at(entry.span())
               .hint("write '- role: NAME'"));
    return nullptr;
  }
  if (!load_role(*role, request)) return nullptr;
  return role;
}

bool Reader::closes_role_loop(const Role& role, const SourceSpan& span) {
  std::vector<std::string> chain;
  for (const Node* node = role.parent; node != nullptr && node->type != NodeType::task;
       node = node->parent) {
    if (node->type != NodeType::role) continue;
    const auto& above = static_cast<const Role&>(*node);
    chain.push_back(above.name);
    if (above.path != role.path || above.entry_point != role.entry_point) continue;
    std::string shown;
    for (auto each = chain.rbegin(); each != chain.rend(); ++each) shown += *each + " -> ";
    report(Error(ErrorCode::include_loop, fmt::format("role loop: {}{}", shown, role.name))
               .at(span)
               .hint("a role cannot depend on itself, not even through others"));
    return true;
  }
  return false;
}

bool Reader::load_role(Role& role, const RoleRequest& request) {
  const auto name = render_static(request.name, role.parent, request.span, "the name of a role");
  if (!name) return false;
  std::vector<std::string> tried;
  role.fqcn = *name;
  role.path = find_role(*name, *role.parent, tried);
  if (role.path.empty()) {
    report(unknown_role(*name, tried).at(request.span));
    return false;
  }
  role.name = *name;
  role.from_include = request.from_include;
  if (!request.files.tasks.empty()) role.entry_point = request.files.tasks;
  if (closes_role_loop(role, request.span)) return false;
  role.role_vars = role_variables(role, "vars", request.files.vars, asked_at(request, "vars_from"));
  role.defaults =
      role_variables(role, "defaults", request.files.defaults, asked_at(request, "defaults_from"));
  read_role_meta(role);
  if (request.allow_duplicates) role.allow_duplicates = *request.allow_duplicates;
  role.signature = role_signature(role, request);
  read_role_tasks(role, request);
  read_role_handlers(role, request);
  return true;
}

Value Reader::role_variables(const Role& role,
                             std::string_view subfolder,
                             const std::string& wanted,
                             const SourceSpan& span) {
  Map out;
  const auto files = role_files(role.path, subfolder, wanted, true);
  if (files.empty() && !wanted.empty()) {
    report(Error(ErrorCode::include_missing,
                 fmt::format("role '{}' has no file '{}/{}'", role.name, subfolder, wanted))
               .at(span));
  }
  for (const std::string& file : files) {
    const auto loaded = document(file, {});
    if (loaded == nullptr || loaded->root.is_null()) continue;
    if (!loaded->root.is_mapping()) {
      report(Error(ErrorCode::yaml_type,
                   fmt::format("a file of variables must be a map, found {}",
                               found_text(loaded->root.to_value())))
                 .at(loaded->root.span()));
      continue;
    }
    if (files.size() == 1) return loaded->root.to_value();
    for (const Map::Entry& each : loaded->root.to_value().as_map()) out.set(each.key, each.value);
  }
  return Value(std::move(out));
}

void Reader::read_role_meta(Role& role) {
  const auto specs = role_files(role.path, "meta", "argument_specs", false);
  const auto files = role_files(role.path, "meta", "", false);
  if (!specs.empty()) {
    const auto loaded = document(specs.front(), {});
    if (loaded != nullptr && loaded->root.is_mapping())
      role.argument_specs = loaded->root.to_value().get("argument_specs");
  }
  if (files.empty()) return;
  const auto loaded = document(files.front(), {});
  if (loaded == nullptr || loaded->root.is_null()) return;
  const yaml::Node& meta = loaded->root;
  if (!meta.is_mapping()) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("a role's meta file must be a map, found {}",
                             found_text(meta.to_value())))
               .at(meta.span()));
    return;
  }
  if (const yaml::Node* duplicates = meta.find("allow_duplicates"))
    role.allow_duplicates = literal_bool(*duplicates, "allow_duplicates", false);
  if (specs.empty()) {
    if (const yaml::Node* inline_specs = meta.find("argument_specs"))
      role.argument_specs = inline_specs->to_value();
  }
  if (const auto* collections = meta.member("collections");
      collections != nullptr && !listed(collections->value).empty()) {
    warn("'collections' in a role's meta has no effect: module names are found without it",
         collections->key_span);
  }
  if (const yaml::Node* dependencies = meta.find("dependencies")) {
    if (!dependencies->is_null() && !dependencies->is_sequence()) {
      report(Error(ErrorCode::yaml_type,
                   fmt::format("'dependencies' wants a list of roles, found {}",
                               found_text(dependencies->to_value())))
                 .at(dependencies->span()));
    } else {
      read_roles(*dependencies, role, role.dependencies);
    }
  }
}

std::unique_ptr<Task> Reader::argument_check(Role& role, const Value& spec) {
  auto task = std::make_unique<Task>();
  task->parent = role.body.get();
  task->span = role.span;
  task->is_implicit = true;
  task->action = "ansible.builtin.validate_argument_spec";
  task->action_span = role.span;
  task->module = modules::find_module(task->action);
  task->base_folder = joined(role.path, "tasks");
  task->name = fmt::format("Validating arguments against arg spec '{}'", role.entry_point);
  if (const Value* summary = spec.find("short_description"))
    task->name += " - " + to_text(*summary);
  task->tags.emplace_back("always");
  Value context{Map()};
  context.set("type", "role");
  // As Ansible's: without the collection.
  context.set("name", Value(role.name.substr(role.name.rfind('.') + 1)));
  context.set("argument_spec_name", Value(role.entry_point));
  context.set("path", Value(role.path));
  task->arguments = Value(Map());
  const Value& options = spec.get("options");
  task->arguments.set("argument_spec", options.is_map() ? options : Value(Map()));
  task->arguments.set("provided_arguments", role.params.is_map() ? role.params : Value(Map()));
  task->arguments.set("validate_args_context", context);
  return task;
}

void Reader::read_role_tasks(Role& role, const RoleRequest& request) {
  role.body = std::make_unique<Block>();
  role.body->parent = &role;
  role.body->span = role.span;
  role.body->begins_role = &role;
  if (request.validate) {
    const Value* spec = role.argument_specs.find(role.entry_point);
    if (spec != nullptr && spec->is_map() && !spec->as_map().empty())
      role.body->tasks.push_back(argument_check(role, *spec));
  }
  const auto files = role_files(role.path, "tasks", request.files.tasks, false);
  if (files.empty()) {
    if (!request.files.tasks.empty()) {
      report(Error(ErrorCode::include_missing,
                   fmt::format("role '{}' has no file 'tasks/{}'", role.name, request.files.tasks))
                 .at(asked_at(request, "tasks_from")));
    }
    return;
  }
  role.body->imported_from = files.front();
  Surroundings where;
  where.parent = role.body.get();
  where.folder = folder_of(files.front());
  where.dynamic = is_below_include(role);
  read_task_file(files.front(), request.span, where, role.body->tasks);
}

void Reader::read_role_handlers(Role& role, const RoleRequest& request) {
  const auto files = role_files(role.path, "handlers", request.files.handlers, false);
  if (files.empty()) {
    if (!request.files.handlers.empty()) {
      report(Error(ErrorCode::include_missing,
                   fmt::format(
                       "role '{}' has no file 'handlers/{}'", role.name, request.files.handlers))
                 .at(asked_at(request, "handlers_from")));
    }
    return;
  }
  // A block of its own, so that imports from this file know where they stand.
  auto block = std::make_unique<Block>();
  block->parent = &role;
  block->span = role.span;
  block->imported_from = files.front();
  Surroundings where;
  where.parent = block.get();
  where.folder = folder_of(files.front());
  where.handlers = true;
  NodeList nodes;
  read_task_file(files.front(), request.span, where, nodes);
  role.handler_blocks.push_back(std::move(block));
  gather_handlers(std::move(nodes), role.handlers, role.handler_blocks);
}

std::string Reader::role_signature(const Role& role, const RoleRequest& request) const {
  List when;
  for (const Condition& condition : role.when) when.push_back(condition.expression);
  JsonStyle style;
  style.sort_keys = true;
  style.redact_secrets = false;
  const Value identity = Value::list({Value(role.name),
                                      Value(role.path),
                                      role.params,
                                      Value(List(role.tags.begin(), role.tags.end())),
                                      Value(std::move(when)),
                                      role.vars,
                                      Value(request.from_include),
                                      Value(request.files.tasks),
                                      Value(request.files.vars),
                                      Value(request.files.defaults),
                                      Value(request.files.handlers)});
  return to_json(identity, style);
}

}  // namespace gpustack::play
