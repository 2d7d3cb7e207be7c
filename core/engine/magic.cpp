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

/// `namespace.collection` of a role's full name, null for a role of no collection.
Value collection_of(const std::string& fqcn) {
  const auto last = fqcn.rfind('.');
  const bool has_two_dots = last != std::string::npos && fqcn.find('.') != last;
  return has_two_dots ? Value(fqcn.substr(0, last)) : Value();
}

/// Those that include or import this one, innermost first: a dependency does not name who needs it.
List parent_roles(const play::Role& role) {
  List parents;
  for (const play::Role* inner = &role; inner != nullptr;) {
    const play::Role* above = inner->parent != nullptr ? inner->parent->role() : nullptr;
    if (above != nullptr && inner->from_include) parents.emplace_back(above->fqcn);
    inner = above;
  }
  return parents;
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

std::optional<Value> Scope::magic(std::string_view name) {
  if (name == "inventory_hostname") return Value(host_.name);
  if (name == "inventory_hostname_short") return Value(host_.name.substr(0, host_.name.find('.')));
  if (name == "group_names") {
    const inventory::Host* host = run_.inventory->find_host(host_.name);
    return host != nullptr ? run_.inventory->group_names(*host) : Value(List());
  }
  if (name == "groups") return run_.inventory->groups_map();
  if (name == "hostvars") return make_hostvars(run_, play_);
  if (name == "vars") return make_vars(*this);
  if (name == "omit") return Value(run_.omit);
  if (name == "ansible_facts") return host_.bare_facts;
  if (name == "ansible_check_mode") return Value(run_.options.check);
  if (name == "ansible_diff_mode") return Value(run_.options.diff);
  if (name == "ansible_forks") return Value(static_cast<std::int64_t>(run_.options.forks));
  if (name == "ansible_verbosity") return Value(run_.options.verbosity);
  if (name == "ansible_run_tags") return strings(run_.options.tags);
  if (name == "ansible_skip_tags") return strings(run_.options.skip_tags);
  if (name == "ansible_limit" && !run_.options.limit.empty()) return Value(run_.options.limit);
  if (name == "ansible_config_file") return text_or_null(run_.options.config_file);
  if (name == "ansible_inventory_sources") return strings(run_.inventory->sources());
  if (name == "ansible_version") {
    // The language level we follow; roles compare it to decide which features exist.
    return Value::map({{"full", "2.14.18"},
                       {"major", 2},
                       {"minor", 14},
                       {"revision", 18},
                       {"string", "2.14.18"}});
  }
  if (name == "ansible_playbook_python") return controller_python();
  if (name == "ansible_managed" && raw(name) == nullptr) return Value(run_.options.managed_text);
  return play_magic(name);
}

std::optional<Value> Scope::role_magic(const play::Role& role, std::string_view name) {
  if (name == "role_path") return Value(role.path);
  if (name == "role_name") return Value(short_name(role.fqcn));
  if (name == "ansible_role_name") return Value(role.fqcn);
  if (name == "ansible_collection_name") return collection_of(role.fqcn);
  if (name != "ansible_parent_role_names") return std::nullopt;
  List parents = parent_roles(role);
  if (parents.empty()) return std::nullopt;
  return Value(std::move(parents));
}

std::optional<Value> Scope::play_magic(std::string_view name) {
  if (node_ != nullptr) {
    const play::Role* role = node_->role();
    auto found = role != nullptr ? role_magic(*role, name) : std::nullopt;
    if (found) return found;
    if (name == "ansible_search_path") return strings(search_folders(node_));
  }
  if (play_ == nullptr) return std::nullopt;
  const auto alive = [&](const std::vector<std::string>& hosts) {
    std::vector<std::string> left;
    std::copy_if(
        hosts.begin(), hosts.end(), std::back_inserter(left), [&](const std::string& host) {
          return !play_->removed.contains(host);
        });
    return strings(left);
  };
  if (name == "playbook_dir") return Value(play_->play->folder);
  if (name == "ansible_play_name") return Value(play_->name);
  if (name == "ansible_play_hosts_all") return strings(play_->all_hosts);
  if (name == "ansible_play_hosts") return alive(play_->all_hosts);
  if (name == "ansible_play_batch" || name == "play_hosts") return alive(play_->batch);
  if (name == "role_names" || name == "ansible_play_role_names" || name == "ansible_role_names")
    return roles_of(*play_);
  return std::nullopt;
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
