#include "core/base/suggest.hpp"
#include "core/play/action_text.hpp"
#include "core/play/foreign_modules.hpp"
#include "core/play/reader.hpp"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>

namespace gpustack::play {

namespace {

using Kind = ResolvedAction::Kind;

struct Special {
  std::string_view name;
  Kind kind;
};

constexpr Special kSpecials[] = {
    {"include_tasks", Kind::include_tasks},
    {"import_tasks", Kind::import_tasks},
    {"include_role", Kind::include_role},
    {"import_role", Kind::import_role},
    {"include", Kind::include},
    {"meta", Kind::meta},
};

/// @source Ansible 2.14, constants.py MODULE_REQUIRE_ARGS: modules whose text is a command
bool is_command_like(std::string_view name) {
  const std::string_view simple = short_name(name);
  return simple == "command" || simple == "shell" || simple == "raw" || simple == "script";
}

bool is_with_loop(std::string_view key) { return key.starts_with("with_") && key.size() > 5; }

std::vector<std::string_view> module_names() {
  std::vector<std::string_view> names;
  for (const Special& special : kSpecials) names.push_back(special.name);
  for (const modules::ModuleSpec* spec : modules::all_modules()) {
    names.push_back(spec->name);
    for (const std::string_view alias : modules::split_names(spec->aliases)) names.push_back(alias);
  }
  return names;
}

/// The name of the module that a library file makes, or nothing when it is no module.
std::string module_of_file(const std::string& file) {
  if (file.empty() || file.front() == '.' || file.front() == '_') return {};
  const std::size_t dot = file.rfind('.');
  if (dot == std::string::npos) return file;
  const std::string_view ending = std::string_view(file).substr(dot);
  for (const std::string_view other :
       {".pyc", ".pyo", ".md", ".txt", ".rst", ".yml", ".yaml", ".swp", ".bak", ".orig", ".rej"}) {
    if (ending == other) return {};
  }
  return file.substr(0, dot);
}

}  // namespace

const std::map<std::string, std::string, std::less<>>& Reader::library(const std::string& folder) {
  const auto known = libraries_.find(folder);
  if (known != libraries_.end()) return known->second;
  auto& found = libraries_[folder];
  DIR* open = ::opendir(folder.c_str());
  if (open == nullptr) return found;
  while (const dirent* entry = ::readdir(open)) {
    const std::string module = module_of_file(entry->d_name);
    const std::string path = joined(folder, entry->d_name);
    if (!module.empty() && is_file(path)) found.emplace(module, path);
  }
  ::closedir(open);
  return found;
}

std::vector<std::string> Reader::library_folders(const Node* where) const {
  std::vector<std::string> folders;
  for (const Node* node = where; node != nullptr; node = node->parent) {
    if (node->type == NodeType::role)
      folders.push_back(joined(static_cast<const Role*>(node)->path, "library"));
    if (node->type == NodeType::play)
      folders.push_back(joined(static_cast<const Play*>(node)->folder, "library"));
  }
  folders.insert(folders.end(), options_.library_paths.begin(), options_.library_paths.end());
  return folders;
}

ResolvedAction Reader::resolve(std::string_view name, const Node* where) {
  ResolvedAction out;
  for (const Special& special : kSpecials) {
    if (special.name == short_name(name)) {
      out.kind = special.kind;
      return out;
    }
  }
  // A library module hides a built-in one of the same short name, as in Ansible.
  const bool may_be_library =
      !name.starts_with("ansible.builtin.") && short_name(name).find('.') == std::string_view::npos;
  if (may_be_library) {
    for (const std::string& folder : library_folders(where)) {
      const auto& files = library(folder);
      if (const auto found = files.find(short_name(name)); found != files.end()) {
        out.kind = Kind::library;
        out.library_path = found->second;
        return out;
      }
    }
  }
  out.spec = modules::find_module(name);
  if (out.spec != nullptr) out.kind = Kind::module;
  return out;
}

bool Reader::accepts_unknown(std::string_view name) const {
  return options_.unknown_modules != UnknownModules::refuse || foreign_module(name).has_value();
}

void Reader::report_unknown_module(std::string_view name,
                                   const SourceSpan& span,
                                   const Node* where) {
  if (const auto manages = foreign_module(name)) {
    warn(fmt::format(
             "module '{}' manages {}, which is not supported: the task fails when it is reached",
             name,
             *manages),
         span);
    return;
  }
  if (options_.unknown_modules == UnknownModules::defer) {
    warn(fmt::format("unknown module '{}': the task fails when it is reached", name), span);
    return;
  }
  std::vector<std::string_view> names = module_names();
  for (const std::string& folder : library_folders(where)) {
    for (const auto& [module, path] : library(folder)) names.emplace_back(module);
  }
  const auto instead = left_out_module(name);
  std::string hint = instead ? std::string(*instead) : suggest(short_name(name), names);
  const std::size_t dot = name.rfind('.');
  if (hint.empty() && dot != std::string_view::npos) {
    hint = modules::find_module(name.substr(dot + 1)) != nullptr
               ? fmt::format("there is a module '{}' in another collection", name.substr(dot + 1))
               : suggest(name.substr(dot + 1), names);
  }
  if (hint.empty() && name.find('{') != std::string_view::npos)
    hint = "a module name cannot be a template";
  report(Error(ErrorCode::unknown_module, fmt::format("unknown module '{}'", name))
             .at(span)
             .hint(hint));
}

void Reader::report_unknown_action(const yaml::Node& entry,
                                   const Members& unknown,
                                   const Surroundings& where) {
  const auto keywords = keyword_names(where.handlers ? KeywordPlace::handler : KeywordPlace::task);
  Members modules;
  for (const yaml::Node::Member* member : unknown) {
    const std::string_view key = *key_text(*member);
    // A map is what a module's arguments look like; anything else near a keyword is a slip of the
    // pen.
    if (!suggest(key, keywords).empty() && !member->value.is_mapping() &&
        suggest(key, module_names()).empty()) {
      report(Error(ErrorCode::unknown_keyword, fmt::format("unknown keyword '{}' on a task", key))
                 .at(member->key_span)
                 .hint(suggest(key, keywords)));
    } else if (key == "import_playbook" || short_name(key) == "import_playbook") {
      report(Error(ErrorCode::unknown_keyword,
                   "'import_playbook' stands at the top level of a playbook, not among tasks")
                 .at(member->key_span));
    } else {
      modules.push_back(member);
    }
  }
  if (modules.size() == 1) {
    report_unknown_module(*key_text(*modules.front()), modules.front()->key_span, where.parent);
  } else if (modules.size() > 1) {
    const std::string_view first = *key_text(*modules[0]);
    const std::string_view second = *key_text(*modules[1]);
    const auto names = module_names();
    std::string hint = suggest(first, names);
    if (hint.empty()) hint = suggest(second, names);
    if (hint.empty()) hint = suggest(second, keywords);
    report(Error(ErrorCode::task_many_actions,
                 fmt::format("conflicting actions: '{}' and '{}' are neither keywords nor modules",
                             first,
                             second))
               .at(modules[0]->key_span)
               .related(modules[1]->key_span, fmt::format("'{}' is here", second))
               .hint(hint));
  } else if (unknown.empty()) {
    const bool only_name = entry.members().size() == 1 && entry.find("name") != nullptr;
    report(Error(ErrorCode::task_no_action,
                 fmt::format("this {} names no module", where.handlers ? "handler" : "task"))
               .at(entry.span())
               .hint(only_name ? "is the module indented one step too little?"
                               : "add the module it should run, such as 'command:'"));
  }
}

bool Reader::take_text(const Value& text, const SourceSpan& span, ActionParts& action) {
  auto parsed =
      parse_argument_text(text, is_command_like(action.name) ? FreeForm::command : FreeForm::none);
  if (!parsed) {
    report(Error(std::move(parsed).error()).at_if_unknown(span));
    return false;
  }
  for (const Map::Entry& each : parsed->values)
    action.arguments.mutable_map().set(each.key, each.value);
  for (const auto& [name, place] : parsed->spans) action.spans[name] = place;
  const Value& rest = parsed->rest;
  if (rest.is_null()) return true;
  const modules::ModuleSpec* spec = action.resolved.spec;
  const std::string place =
      spec != nullptr && !spec->free_form.empty() ? std::string(spec->free_form) : "_raw_params";
  if (action.resolved.kind == Kind::module && spec != nullptr && spec->free_form.empty()) {
    if (!is_template(rest) && spec->any_arguments) {
      action.arguments.set("_raw_params", rest);  // refused when the task runs, as in Ansible
      return true;
    }
    if (!is_template(rest)) {
      report(
          Error(ErrorCode::unknown_argument,
                fmt::format(
                    "module '{}' takes no free-form text, found {}", action.name, found_text(rest)))
              .at(rest.origin() != nullptr ? rest.origin()->span : span)
              .hint("write the arguments as 'name: value' lines below it"));
      return false;
    }
    action.arguments.set("_variable_params", rest);
    return true;
  }
  if (action.resolved.kind == Kind::library && is_template(rest)) {
    action.arguments.set("_variable_params", rest);
    return true;
  }
  if (action.arguments.find(place) != nullptr) {
    report(Error(ErrorCode::argument_conflict,
                 fmt::format("'{}' gets its {} twice: as text and as '{}'",
                             action.name,
                             place == "_raw_params" ? "text" : place,
                             place))
               .at(span)
               .hint("put everything in one place"));
    return false;
  }
  action.arguments.set(place, rest);
  action.spans[place] = rest.origin() != nullptr ? rest.origin()->span : span;
  return true;
}

bool Reader::join_args(const yaml::Node& args, ActionParts& action) {
  if (args.is_null()) return true;
  if (args.is_scalar() && is_template(args.scalar())) {
    action.arguments.set("_variable_params", args.scalar());
    return true;
  }
  if (!args.is_mapping()) {
    report(Error(ErrorCode::yaml_type,
                 fmt::format("'args' wants a map or a template, found {}",
                             found_text(args.to_value())))
               .at(args.span())
               .hint(args.is_scalar() ? "a variable needs '{{ }}' around it" : ""));
    return false;
  }
  for (const yaml::Node::Member& member : args.members()) {
    const auto key = key_text(member);
    if (key && action.arguments.find(*key) != nullptr)
      continue;  // what stands beside the module name wins
    action.arguments.mutable_map().set(member.key, member.value.to_value());
    if (key) action.spans[std::string(*key)] = member.key_span;
  }
  return true;
}

bool Reader::join_arguments(const yaml::Node& entry,
                            const Value& raw,
                            const SourceSpan& span,
                            ActionParts& action) {
  if (const yaml::Node* args = entry.find("args"); args != nullptr && !join_args(*args, action))
    return false;
  if (raw.is_null()) return true;
  if (raw.is_string()) return take_text(raw, span, action);
  if (!raw.is_map()) {
    std::string hint = raw.is_list() ? "write 'name: value' lines without '- '" : "";
    if (is_command_like(action.name)) hint = "put quotes around the command";
    report(Error(ErrorCode::yaml_type,
                 fmt::format("module '{}' wants its arguments as a map or as text, found {}",
                             action.name,
                             found_text(raw)))
               .at(span)
               .hint(hint));
    return false;
  }
  for (const Map::Entry& each : raw.as_map()) {
    action.arguments.mutable_map().set(each.key, each.value);
    if (each.key.is_string() && each.key.origin() != nullptr)
      action.spans[each.key.as_string()] = each.key.origin()->span;
  }
  return true;
}

namespace {

/// What names the module of `action: copy src=a` or `action: {module: copy}`.
Value old_style_text(const yaml::Node& value) {
  if (!value.is_mapping()) return value.scalar();
  const yaml::Node* module = value.find("module");
  return module != nullptr ? module->scalar() : Value();
}

}  // namespace

bool Reader::take_old_style_arguments(const yaml::Node& value, ActionParts& action) {
  for (const yaml::Node::Member& each : value.members()) {
    const auto name = key_text(each);
    if (!name || *name == "module") continue;
    if (*name == "args" && each.value.is_mapping()) {
      for (const yaml::Node::Member& inner : each.value.members())
        action.arguments.mutable_map().set(inner.key, inner.value.to_value());
    } else if (*name == "args" && each.value.is_scalar() && each.value.scalar().is_string()) {
      if (!take_text(each.value.scalar(), each.value.span(), action)) return false;
    } else {
      action.arguments.mutable_map().set(each.key, each.value.to_value());
      action.spans[std::string(*name)] = each.key_span;
    }
  }
  return true;
}

std::optional<ActionParts> Reader::old_style_action(const yaml::Node& entry,
                                                    const yaml::Node::Member& member,
                                                    const Surroundings& where) {
  const std::string_view key = *key_text(member);
  const yaml::Node& value = member.value;
  const Value text = old_style_text(value);
  if (!text.is_string() || text.as_string().empty()) {
    report(
        Error(ErrorCode::task_no_action, fmt::format("'{}' names no module", key))
            .at(value.is_null() ? member.key_span : value.span())
            .hint(fmt::format(
                "write '{0}: MODULE name=value' or '{0}: {{module: MODULE, name: value}}'", key)));
    return std::nullopt;
  }
  const ActionText parts = split_action(text);
  ActionParts action;
  action.is_local = key == "local_action";
  action.name = parts.name.as_string();
  action.span = parts.name.origin() != nullptr ? parts.name.origin()->span : value.span();
  action.resolved = resolve(action.name, where.parent);
  if (!take_old_style_arguments(value, action)) return std::nullopt;
  if (!parts.rest.is_null() && !take_text(parts.rest, action.span, action)) return std::nullopt;
  if (!action.resolved.known() && !is_template(parts.name)) {
    report_unknown_module(action.name, action.span, where.parent);
    if (!accepts_unknown(action.name)) return std::nullopt;
  }
  if (!join_arguments(entry, Value(), action.span, action)) return std::nullopt;
  return action;
}

std::optional<ActionParts> Reader::named_action(const yaml::Node& entry,
                                                const yaml::Node::Member& member,
                                                ResolvedAction resolved) {
  ActionParts action;
  action.name = std::string(*key_text(member));
  action.span = member.key_span;
  action.resolved = std::move(resolved);
  const yaml::Node& value = member.value;
  const SourceSpan& span = value.is_null() ? action.span : value.span();
  if (!join_arguments(entry, value.to_value(), span, action)) return std::nullopt;
  return action;
}

/// The keys of a task that are no keywords of tasks.
struct ActionKeys {
  Members old_style;  ///< `action`, `local_action`
  Members known;
  std::vector<ResolvedAction> resolved;  ///< one for each of `known`
  Members unknown;
};

ActionKeys Reader::action_keys(const yaml::Node& entry, const Surroundings& where) {
  ActionKeys out;
  for (const yaml::Node::Member& member : entry.members()) {
    const auto key = key_text(member);
    if (!key) continue;  // told by read_keywords()
    if (*key == "action" || *key == "local_action") {
      out.old_style.push_back(&member);
      continue;
    }
    const KeywordInfo* info = find_keyword(*key);
    const bool on_task = info != nullptr && info->allowed_on(KeywordPlace::task);
    const bool on_handler = info != nullptr && info->allowed_on(KeywordPlace::handler);
    if (is_with_loop(*key) || on_task || on_handler) continue;
    ResolvedAction candidate = resolve(*key, where.parent);
    if (candidate.known()) {
      out.known.push_back(&member);
      out.resolved.push_back(std::move(candidate));
    } else {
      out.unknown.push_back(&member);
    }
  }
  return out;
}

const yaml::Node::Member* Reader::unknown_action(const yaml::Node& entry,
                                                 const Members& unknown,
                                                 const Surroundings& where) {
  Members misplaced;
  Members strange;
  for (const yaml::Node::Member* member : unknown) {
    const bool is_keyword =
        find_keyword(*key_text(*member)) != nullptr && *key_text(*member) != "import_playbook";
    (is_keyword ? misplaced : strange).push_back(member);
  }
  for (const yaml::Node::Member* member : misplaced)
    report_leftover(*member, where.handlers ? KeywordPlace::handler : KeywordPlace::task, {});
  if (misplaced.empty() || !strange.empty()) report_unknown_action(entry, strange, where);
  if (strange.size() != 1 || !accepts_unknown(*key_text(*strange.front()))) return nullptr;
  return strange.front();
}

std::optional<ActionParts> Reader::read_action(const yaml::Node& entry, const Surroundings& where) {
  ActionKeys keys = action_keys(entry, where);
  Members all = keys.known;
  all.insert(all.end(), keys.old_style.begin(), keys.old_style.end());
  if (all.size() > 1) {
    report(Error(ErrorCode::task_many_actions,
                 fmt::format("a task runs one module, found '{}' and '{}'",
                             *key_text(*all[0]),
                             *key_text(*all[1])))
               .at(all[1]->key_span)
               .related(all[0]->key_span, fmt::format("'{}' is here", *key_text(*all[0])))
               .hint("is a '- ' missing before the second one?"));
    return std::nullopt;
  }
  if (all.empty()) {
    const yaml::Node::Member* action = unknown_action(entry, keys.unknown, where);
    if (action == nullptr) return std::nullopt;
    return named_action(entry, *action, ResolvedAction());
  }
  // With a module found, what else is unknown was meant to be a keyword.
  const KeywordPlace place = where.handlers ? KeywordPlace::handler : KeywordPlace::task;
  for (const yaml::Node::Member* member : keys.unknown)
    report_leftover(*member, place, keyword_names(place));
  if (!keys.old_style.empty()) return old_style_action(entry, *keys.old_style.front(), where);
  return named_action(entry, *keys.known.front(), std::move(keys.resolved.front()));
}

}  // namespace gpustack::play
