// set_fact, set_stats, include_vars, group_by, add_host: actions that change what the controller
// knows.
#include "core/engine/actions/action.hpp"
#include "core/engine/services.hpp"
#include "core/regex/regex.hpp"
#include "inventory/address.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::engine {

namespace fs = std::filesystem;

namespace {

bool is_variable_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<void> load_vars_file(ActionCall& call,
                            const std::string& path,
                            Value& into,
                            List& included) {
  GS_TRY(auto document, yaml::load_file(path, call.play.run().state().vault));
  const Value values = document.root.to_value();
  if (!values.is_map() && !values.is_null()) {
    return Error(ErrorCode::yaml_type, "'" + path + "' must hold a dictionary of variables")
        .at(document.root.span());
  }
  merge_into(into, values, false);
  included.emplace_back(path);
  return {};
}

std::vector<std::string> texts_of(const Value& value) {
  std::vector<std::string> out;
  if (value.is_list()) {
    for (const Value& item : value.as_list()) out.push_back(to_text(item));
  } else if (!value.is_null()) {
    out.push_back(to_text(value));
  }
  return out;
}

/// Do the names in `ignored`, regular expressions, mean this file? @error regex
Result<bool> is_ignored(const std::vector<std::string>& ignored, const std::string& name) {
  for (const std::string& one : ignored) {
    GS_TRY(const auto pattern, regex::Pattern::compile(one + "$"));
    GS_TRY(const auto found, pattern.search(name));
    if (found) return true;
  }
  return false;
}

/// Which files of a folder include_vars reads.
struct VarsFolderRules {
  std::optional<regex::Pattern> matching;
  std::vector<std::string> ignored;  ///< regular expressions
  std::vector<std::string> extensions;
  bool ignores_other_extensions = false;

  /// @error regex, invalid_argument  for an extension that is not expected
  [[nodiscard]] Result<bool> wants(const fs::path& path) const;
};

Result<bool> VarsFolderRules::wants(const fs::path& path) const {
  const std::string name = path.filename().string();
  if (matching) {
    GS_TRY(const auto found, matching->search(name));
    if (!found) return false;
  }
  GS_TRY(const bool skipped, is_ignored(ignored, name));
  if (skipped) return false;
  std::string extension = path.extension().string();
  if (!extension.empty()) extension.erase(0, 1);
  if (std::ranges::find(extensions, extension) != extensions.end()) return true;
  if (ignores_other_extensions) return false;
  return Error(ErrorCode::invalid_argument,
               "'" + path.string() + "' does not have a valid extension: " +
                   to_text(Value(List(extensions.begin(), extensions.end()))));
}

Result<VarsFolderRules> vars_folder_rules(const Value& arguments) {
  VarsFolderRules rules;
  rules.extensions = texts_of(arguments.get("extensions"));
  if (rules.extensions.empty()) rules.extensions = {"yaml", "yml", "json"};
  rules.ignored = texts_of(arguments.get("ignore_files"));
  rules.ignores_other_extensions = arguments.get("ignore_unknown_extensions").truthy();
  if (!arguments.get("files_matching").is_null()) {
    GS_TRY(rules.matching, regex::Pattern::compile(to_text(arguments.get("files_matching"))));
  }
  return rules;
}

/// Folder by folder, the files of each by name. @source ansible-core 2.14, action include_vars
Result<void> load_vars_folder(ActionCall& call,
                              const std::string& folder,
                              Value& into,
                              List& included) {
  const Value& arguments = call.arguments;
  GS_TRY(const VarsFolderRules rules, vars_folder_rules(arguments));
  const std::int64_t depth =
      arguments.get("depth").is_integer() ? arguments.get("depth").as_integer() : 0;
  std::vector<fs::path> files;
  std::error_code problem;
  for (auto it = fs::recursive_directory_iterator(folder, problem);
       !problem && it != fs::recursive_directory_iterator();
       it.increment(problem)) {
    if (it->is_directory()) {
      if (depth > 0 && it.depth() + 1 >= depth) it.disable_recursion_pending();
      continue;
    }
    GS_TRY(const bool wanted, rules.wants(it->path()));
    if (wanted) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end(), [](const fs::path& left, const fs::path& right) {
    const fs::path folder_left = left.parent_path();
    const fs::path folder_right = right.parent_path();
    return folder_left != folder_right ? folder_left < folder_right : left < right;
  });
  for (const fs::path& file : files)
    GS_TRY_VOID(load_vars_file(call, file.string(), into, included));
  return {};
}

/// `groups` of add_host: a list, or names with commas between them.
std::vector<std::string> group_names(const Value& value) {
  std::vector<std::string> groups;
  for (const std::string& entry : texts_of(value)) {
    std::size_t start = 0;
    while (start <= entry.size()) {
      const std::size_t comma = std::min(entry.find(',', start), entry.size());
      std::string group = entry.substr(start, comma - start);
      group.erase(0, group.find_first_not_of(' '));
      group.erase(group.find_last_not_of(' ') + 1);
      if (!group.empty()) groups.push_back(std::move(group));
      start = comma + 1;
    }
  }
  return groups;
}

std::string bad_name(const std::string& name) {
  return "The variable name '" + name +
         "' is not valid. Variables must start with a letter or underscore character, and contain "
         "only letters, numbers and underscores.";
}

}  // namespace

Async<Value> action_set_fact(ActionCall& call) {
  Value facts{Map()};
  bool cacheable = false;
  for (const auto& [key, value] : call.arguments.as_map()) {
    auto rendered_key = call.scope.render(key);
    if (!rendered_key) {
      co_return Error(std::move(rendered_key).error())
          .at_if_unknown(place_of(call, to_text(key)))
          .while_doing("rendering the variable's name");
    }
    const std::string name = to_text(*rendered_key);
    if (name == "cacheable") {
      GS_CO_TRY(cacheable, parse_bool(value));
      continue;
    }
    if (!is_variable_name(name))
      co_return Error(ErrorCode::invalid_argument, bad_name(name)).at(place_of(call, to_text(key)));
    Value kept = value;
    if (kept.is_string() && !call.play.run().state().options.native_templates) {
      // As Ansible: `yes`, `true`, … given as text become booleans.
      const std::string& text = kept.as_string();
      for (const std::string_view word : {"true", "false", "yes", "no"}) {
        if (text.size() == word.size() &&
            std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
              return (a | 0x20) == b;
            })) {
          kept = Value(word == "true" || word == "yes");
          break;
        }
      }
    }
    facts.set(name, std::move(kept));
  }
  if (facts.as_map().empty()) {
    co_return failed_result(
        "No key/value pairs provided, at least one is required for this action to succeed");
  }
  Value result{Map()};
  result.set("changed", false);
  result.set("ansible_facts", std::move(facts));
  if (cacheable) result.set("_ansible_facts_cacheable", true);
  co_return result;
}

Async<Value> action_set_stats(ActionCall& call) {
  const Value* given = call.arguments.find("data");
  const Value data = given != nullptr ? *given : Value(Map());
  if (!data.is_map()) co_return failed_result("The 'data' option needs to be a dictionary/hash");
  // What is no boolean counts as false, as in Ansible.
  const auto flag_of = [&](std::string_view name, bool otherwise) {
    const Value& written = call.arguments.get(name);
    return written.is_null() ? otherwise : parse_bool(written).value_or(false);
  };
  const bool per_host = flag_of("per_host", false);
  const bool aggregate = flag_of("aggregate", true);
  Value& stats = call.play.run().custom_stats();
  const std::string owner = per_host ? call.host.state->name : "_run";
  Value mine = stats.get(owner);
  if (mine.is_null()) mine = Value(Map());
  Value told{Map()};
  for (const auto& [key, value] : data.as_map()) {
    GS_CO_TRY(const Value rendered_key, call.scope.render(key));
    const std::string name = to_text(rendered_key);
    if (!is_variable_name(name)) co_return failed_result(bad_name(name));
    told.set(name, value);
    const Value* old = mine.find(name);
    if (aggregate && old != nullptr && old->is_integer() && value.is_integer()) {
      mine.set(name, Value(old->as_integer() + value.as_integer()));
    } else if (aggregate && old != nullptr && old->is_string() && value.is_string()) {
      mine.set(name, Value(old->as_string() + value.as_string()));
    } else if (aggregate && old != nullptr && old->is_list() && value.is_list()) {
      List joined = old->as_list();
      joined.insert(joined.end(), value.as_list().begin(), value.as_list().end());
      mine.set(name, Value(std::move(joined)));
    } else if (aggregate && old != nullptr && old->is_map() && value.is_map()) {
      Value joined = *old;
      merge_into(joined, value, true);
      mine.set(name, std::move(joined));
    } else {
      mine.set(name, value);
    }
  }
  if (!data.as_map().empty()) stats.set(owner, std::move(mine));
  co_return Value::map(
      {{"changed", false},
       {"ansible_stats",
        Value::map(
            {{"data", std::move(told)}, {"per_host", per_host}, {"aggregate", aggregate}})}});
}

/// Maps joined with those of the same name that the host has already.
static Result<Value> merged_with_known(Scope& scope, const Value& facts) {
  Value out{Map()};
  for (const auto& [key, value] : facts.as_map()) {
    Value merged = value;
    if (value.is_map()) {
      GS_TRY(const Value known, scope.variable(to_text(key)));
      if (known.is_map()) {
        merged = known;
        merge_into(merged, value, true);
      }
    }
    out.set(to_text(key), std::move(merged));
  }
  return out;
}

static Async<Value> included_vars(ActionCall& call) {
  const Value& arguments = call.arguments;
  Value values{Map()};
  List included;
  std::string file = to_text(arguments.get("file").is_null() ? arguments.get("_raw_params")
                                                             : arguments.get("file"));
  if (!arguments.get("dir").is_null()) {
    std::string folder = to_text(arguments.get("dir"));
    if (!folder.starts_with('/')) {
      ControllerServices services(call.scope);
      auto found = services.find_file("vars", folder);
      if (!found) co_return failed_result(folder + " directory does not exist");
      folder = *found;
    }
    if (!fs::is_directory(folder)) co_return failed_result(folder + " is not a directory");
    GS_CO_TRY_VOID(load_vars_folder(call, folder, values, included));
  } else {
    if (file.empty())
      co_return failed_result("Could not find file on the controller: none is named");
    auto found = find_task_file(call, "vars", file);
    if (!found) co_return error_result(found.error());
    GS_CO_TRY_VOID(load_vars_file(call, *found, values, included));
  }
  Value facts = values;
  if (const Value& name = arguments.get("name"); !name.is_null())
    facts = Value::map({{name, values}});
  if (to_text(arguments.get("hash_behaviour")) == "merge") {
    GS_CO_TRY(facts, merged_with_known(call.scope, facts));
  }
  Value result{Map()};
  result.set("ansible_facts", std::move(facts));
  result.set("ansible_included_var_files", Value(std::move(included)));
  result.set("changed", false);
  result.set("_ansible_no_log", false);
  co_return result;
}

Async<Value> action_include_vars(ActionCall& call) {
  auto result = co_await included_vars(call);
  if (result && !result->get("failed").truthy()) co_return result;
  Value failed = result ? *result : error_result(result.error());
  failed.set("message", failed.get("msg"));  // Ansible's own name for it here
  co_return failed;
}

Async<Value> action_group_by(ActionCall& call) {
  const auto clean = [](std::string name) {
    std::replace(name.begin(), name.end(), ' ', '-');
    return name;
  };
  const std::string group = clean(to_text(call.arguments.get("key")));
  std::vector<std::string> parents = texts_of(call.arguments.get("parents"));
  if (parents.empty()) parents.emplace_back("all");
  for (std::string& parent : parents) parent = clean(parent);
  RunState& state = call.play.run().state();
  const inventory::Host* host = state.inventory->find_host(call.host.state->name);
  if (host == nullptr)
    co_return failed_result("the host '" + call.host.state->name + "' is not in the inventory");
  GS_CO_TRY(const bool changed, state.inventory->add_to_group(*host, group, parents));
  GS_CO_TRY_VOID(state.refresh_inventory_vars(*call.host.state));
  co_return Value::map({{"changed", changed}, {"add_group", Value(group)}});
}

Async<Value> action_add_host(ActionCall& call) {
  RunState& state = call.play.run().state();
  Value variables{Map()};
  std::string name;
  std::vector<std::string> groups;
  for (const auto& [key, value] : call.arguments.as_map()) {
    const std::string argument = to_text(key);
    if (argument == "name" || argument == "host" || argument == "hostname") {
      name = to_text(value);
    } else if (argument == "groups" || argument == "group" || argument == "groupname") {
      if (value.is_map()) co_return failed_result("Groups must be specified as a list.");
      const auto named = group_names(value);
      groups.insert(groups.end(), named.begin(), named.end());
    } else {
      variables.set(argument, value);
    }
  }
  if (name.empty()) co_return failed_result("name, host or hostname needs to be provided");
  // What is no address may be a name all the same.
  if (auto address = inventory::parse_address(name, inventory::Ranges::refused)) {
    name = std::move(address->host);
    if (address->port) variables.set("ansible_ssh_port", *address->port);
  }
  GS_CO_TRY(const bool changed, state.inventory->add_host(name, groups, variables.as_map()));
  GS_CO_TRY_VOID(state.refresh_inventory_vars(state.host(name)));
  // The play does not run on it, but lists it from now on. @source ansible-core 2.14, StrategyBase
  auto& listed = call.play.play().all_hosts;
  if (changed && std::find(listed.begin(), listed.end(), name) == listed.end())
    listed.push_back(name);
  List group_values(groups.begin(), groups.end());
  co_return Value::map({{"changed", changed},
                        {"add_host",
                         Value::map({{"host_name", Value(name)},
                                     {"groups", Value(std::move(group_values))},
                                     {"host_vars", variables}})}});
}

}  // namespace gpustack::engine
