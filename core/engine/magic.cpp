#include "core/engine/magic.hpp"

#include "core/engine/scope.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace gpustack::engine {

namespace {

/// A mapping whose members are looked up in a scope of another host, without a task.
class HostVariables final : public Object {
 public:
  HostVariables(RunState& run, PlayState* play, std::string host)
      : run_(run), play_(play), host_(std::move(host)) {}

  [[nodiscard]] std::string_view type_name() const override { return "HostVarsVars"; }
  [[nodiscard]] bool is_mapping() const override { return true; }
  Result<Value> attribute(std::string_view name) override {
    Scope scope(run_, play_, run_.host(host_), nullptr);
    GS_TRY(auto found, scope.lookup(name));
    if (found) return std::move(*found);
    return Value::undefined(
        "\"hostvars['" + host_ + "']\" has no variable '" + std::string(name) + "'",
        std::string(name));
  }
  Result<Value> item(const Value& key) override { return attribute(gpustack::to_text(key)); }
  bool contains(const Value& key) override {
    auto found = attribute(gpustack::to_text(key));
    return !found || !found->is_undefined();
  }
  Result<List> iterate() override {
    Scope scope(run_, play_, run_.host(host_), nullptr);
    List names;
    for (const std::string& name : scope.names()) {
      if (name != "hostvars") names.emplace_back(name);
    }
    return names;
  }

 private:
  RunState& run_;
  PlayState* play_;
  std::string host_;
};

class HostVars final : public Object {
 public:
  HostVars(RunState& run, PlayState* play) : run_(run), play_(play) {}

  [[nodiscard]] std::string_view type_name() const override { return "HostVars"; }
  [[nodiscard]] bool is_mapping() const override { return true; }
  Result<Value> item(const Value& key) override {
    const std::string name = gpustack::to_text(key);
    if (!known(name)) return Value::undefined("\"hostvars['" + name + "']\" is undefined", name);
    return make_object<HostVariables>(run_, play_, name);
  }
  Result<Value> attribute(std::string_view name) override { return item(Value(name)); }
  bool contains(const Value& key) override { return known(gpustack::to_text(key)); }
  Result<List> iterate() override {
    List names;
    for (const inventory::Host* host : run_.inventory->hosts()) names.emplace_back(host->name());
    // Ansible always knows the controller, and shows it here.
    if (run_.inventory->find_host("localhost") == nullptr) names.emplace_back("localhost");
    return names;
  }

 private:
  [[nodiscard]] bool known(const std::string& name) const { return run_.is_known(name); }

  RunState& run_;
  PlayState* play_;
};

class ScopeVariables final : public Object {
 public:
  explicit ScopeVariables(Scope& scope) : scope_(scope) {}
  [[nodiscard]] std::string_view type_name() const override { return "dict"; }
  [[nodiscard]] bool is_mapping() const override { return true; }
  Result<Value> item(const Value& key) override {
    const std::string name = gpustack::to_text(key);
    GS_TRY(auto found, scope_.lookup(name));
    if (found) return std::move(*found);
    return Value::undefined("'" + name + "' is undefined", name);
  }
  Result<Value> attribute(std::string_view name) override { return item(Value(name)); }
  bool contains(const Value& key) override {
    auto found = scope_.lookup(gpustack::to_text(key));
    return !found || found->has_value();
  }
  Result<List> iterate() override {
    List names;
    for (const std::string& name : scope_.names()) names.emplace_back(name);
    return names;
  }

 private:
  Scope& scope_;
};

Value strings(const std::vector<std::string>& texts) {
  List items;
  items.reserve(texts.size());
  for (const std::string& text : texts) items.emplace_back(text);
  return Value(std::move(items));
}

std::string short_name(const std::string& fqcn) {
  const auto dot = fqcn.rfind('.');
  return dot == std::string::npos ? fqcn : fqcn.substr(dot + 1);
}

std::optional<Value> role_path(const play::Role& role) { return role.path; }
std::optional<Value> role_name(const play::Role& role) { return Value(short_name(role.fqcn)); }
std::optional<Value> full_role_name(const play::Role& role) { return role.fqcn; }

/// `namespace.collection` of a role's full name, null for a role of no collection.
std::optional<Value> role_collection(const play::Role& role) {
  const std::string& fqcn = role.fqcn;
  const auto last = fqcn.rfind('.');
  const bool has_two_dots = last != std::string::npos && fqcn.find('.') != last;
  return has_two_dots ? Value(fqcn.substr(0, last)) : Value();
}

/// Those that include or import this one, innermost first: a dependency does not name who needs it.
std::optional<Value> parent_role_names(const play::Role& role) {
  List parents;
  for (const play::Role* inner = &role; inner != nullptr;) {
    const play::Role* above = inner->parent != nullptr ? inner->parent->role() : nullptr;
    if (above != nullptr && inner->from_include) parents.emplace_back(above->fqcn);
    inner = above;
  }
  return parents.empty() ? std::nullopt : std::optional<Value>(std::move(parents));
}

Value roles_of(const PlayState& play) {
  List roles;
  for (const auto& role : play.play->roles) roles.emplace_back(role->fqcn);
  for (const play::Role* role : play.public_roles) {
    if (role->from_include) roles.emplace_back(role->fqcn);
  }
  return Value(std::move(roles));
}

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

/// The first python3 in PATH, for modules of others; undefined on a controller without one.
std::optional<Value> controller_python() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string python = folder + "/python3";
    if (!folder.empty() && ::access(python.c_str(), X_OK) == 0) return Value(python);
  }
  return std::nullopt;
}

}  // namespace

Value make_hostvars(RunState& run, PlayState* play) { return make_object<HostVars>(run, play); }
Value make_vars(Scope& scope) { return make_object<ScopeVariables>(scope); }

void Scope::add_run_magic(MagicTable& table) {
  const auto add = [&](std::string_view name, Magic find) { table.emplace(name, find); };
  add("omit", [](Scope& at) -> Found { return Value(at.run_.omit); });
  add("groups", [](Scope& at) -> Found { return at.run_.inventory->groups_map(); });
  add("hostvars", [](Scope& at) -> Found {
    at.read_early(Wait::hosts);
    return make_hostvars(at.run_, at.play_);
  });
  add("ansible_check_mode", [](Scope& at) -> Found { return Value(at.run_.options.check); });
  add("ansible_diff_mode", [](Scope& at) -> Found { return Value(at.run_.options.diff); });
  add("ansible_forks", [](Scope& at) -> Found { return Value(at.run_.options.forks); });
  add("ansible_verbosity", [](Scope& at) -> Found { return Value(at.run_.options.verbosity); });
  add("ansible_run_tags", [](Scope& at) -> Found { return strings(at.run_.options.tags); });
  add("ansible_skip_tags", [](Scope& at) -> Found { return strings(at.run_.options.skip_tags); });
  add("ansible_limit", [](Scope& at) -> Found {
    const std::string& limit = at.run_.options.limit;
    return limit.empty() ? std::nullopt : Found(limit);
  });
  add("ansible_config_file",
      [](Scope& at) -> Found { return text_or_null(at.run_.options.config_file); });
  add("ansible_inventory_sources",
      [](Scope& at) -> Found { return strings(at.run_.inventory->sources()); });
  // The language level we follow; roles compare it to decide which features exist.
  add("ansible_version", [](Scope& /*at*/) -> Found {
    return Value::map({{"full", "2.14.18"},
                       {"major", 2},
                       {"minor", 14},
                       {"revision", 18},
                       {"string", "2.14.18"}});
  });
  add("ansible_playbook_python", [](Scope& /*at*/) -> Found { return controller_python(); });
  add("ansible_managed", [](Scope& at) -> Found {
    return at.raw(VariableName("ansible_managed")) != nullptr ? std::nullopt
                                                              : Found(at.run_.options.managed_text);
  });
}

void Scope::add_host_magic(MagicTable& table) {
  const auto add = [&](std::string_view name, Magic find) { table.emplace(name, find); };
  add("inventory_hostname", [](Scope& at) -> Found { return Value(at.host_.name); });
  add("inventory_hostname_short",
      [](Scope& at) -> Found { return Value(at.host_.name.substr(0, at.host_.name.find('.'))); });
  add("group_names", [](Scope& at) -> Found {
    const inventory::Host* host = at.run_.inventory->find_host(at.host_.name);
    return host != nullptr ? at.run_.inventory->group_names(*host) : Value(List());
  });
  add("vars", [](Scope& at) -> Found { return make_vars(at); });
  add("ansible_facts", [](Scope& at) -> Found {
    at.read_all_facts();
    return at.host_.bare_facts;
  });
  add("ansible_search_path", [](Scope& at) -> Found {
    return at.node_ != nullptr ? Found(strings(search_folders(at.node_))) : std::nullopt;
  });
}

template <Scope::Found (*kFind)(const play::Role&)>
Scope::Found Scope::of_role(Scope& at) {
  const play::Role* role = at.role();
  return role != nullptr ? kFind(*role) : std::nullopt;
}

void Scope::add_role_magic(MagicTable& table) {
  table.emplace("role_path", of_role<role_path>);
  table.emplace("role_name", of_role<role_name>);
  table.emplace("ansible_role_name", of_role<full_role_name>);
  table.emplace("ansible_collection_name", of_role<role_collection>);
  table.emplace("ansible_parent_role_names", of_role<parent_role_names>);
}

Value Scope::alive(const std::vector<std::string>& hosts) const {
  List left;
  for (const std::string& host : hosts) {
    if (!play_->removed.contains(host)) left.emplace_back(host);
  }
  return left;
}

void Scope::add_play_magic(MagicTable& table) {
  const auto add = [&](std::string_view name, Magic find) { table.emplace(name, find); };
  add("playbook_dir", [](Scope& at) -> Found {
    return at.play_ != nullptr ? Found(at.play_->play->folder) : std::nullopt;
  });
  add("ansible_play_name", [](Scope& at) -> Found {
    return at.play_ != nullptr ? Found(at.play_->name) : std::nullopt;
  });
  add("ansible_play_hosts_all", [](Scope& at) -> Found {
    return at.play_ != nullptr ? Found(strings(at.play_->all_hosts)) : std::nullopt;
  });
  add("ansible_play_hosts", [](Scope& at) -> Found {
    at.read_early(Wait::hosts);
    return at.play_ != nullptr ? Found(at.alive(at.play_->all_hosts)) : std::nullopt;
  });
  for (const std::string_view name : {"ansible_play_batch", "play_hosts"}) {
    add(name, [](Scope& at) -> Found {
      at.read_early(Wait::hosts);
      return at.play_ != nullptr ? Found(at.alive(at.play_->batch)) : std::nullopt;
    });
  }
  for (const std::string_view name :
       {"role_names", "ansible_play_role_names", "ansible_role_names"}) {
    add(name, [](Scope& at) -> Found {
      return at.play_ != nullptr ? Found(roles_of(*at.play_)) : std::nullopt;
    });
  }
}

const Scope::MagicTable& Scope::magic_table() {
  static const MagicTable kTable = [] {
    MagicTable table;
    add_run_magic(table);
    add_host_magic(table);
    add_role_magic(table);
    add_play_magic(table);
    return table;
  }();
  return kTable;
}

Scope::Found Scope::magic(std::string_view name) {
  const auto found = magic_table().find(name);
  return found != magic_table().end() ? found->second(*this) : std::nullopt;
}

std::vector<std::string> search_folders(const play::Node* node) {
  std::vector<std::string> folders;
  const auto add = [&](const std::string& folder) {
    if (!folder.empty() && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  };
  // Roles before the folder of the task's own file. @source ansible-core 2.14, Task.get_search_path
  for (const play::Node* at = node; at != nullptr; at = at->parent) {
    if (at->type == play::NodeType::role) add(static_cast<const play::Role*>(at)->path);
  }
  for (const play::Node* at = node; at != nullptr; at = at->parent) {
    if (at->type == play::NodeType::task) add(static_cast<const play::Task*>(at)->base_folder);
  }
  if (node != nullptr && node->play() != nullptr) add(node->play()->folder);
  return folders;
}

}  // namespace gpustack::engine
