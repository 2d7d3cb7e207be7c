#include "core/engine/state.hpp"

#include "core/engine/facts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

namespace gpustack::engine {

RunState::RunState() {
  std::random_device random;
  std::array<char, 64> text{};
  std::snprintf(text.data(),
                text.size(),
                "__omit_place_holder__%08x%08x%08x%08x",
                random(),
                random(),
                random(),
                random());
  omit = text.data();
}

HostState& RunState::host(const std::string& name) {
  auto& slot = hosts[name];
  if (!slot) {
    slot = std::make_unique<HostState>();
    slot->name = name;
    if (auto read = refresh_inventory_vars(*slot); !read) slot->problem = std::move(read).error();
    if (fact_cache) load_cached_facts(*slot);
  }
  return *slot;
}

// A file that cannot be used is as good as none: the facts are gathered again, and it is replaced.
void RunState::load_cached_facts(HostState& host_state) {
  auto cached = fact_cache->load(host_state.name);
  if (!cached) warnings.push_back(cached.error().one_line() + ": it is taken for empty");
  if (!cached || !*cached) return;
  keep_facts(host_state, (*cached)->as_map());
  host_state.facts_gathered = host_state.facts.get("module_setup").truthy();
}

Result<void> RunState::refresh_inventory_vars(HostState& host_state) {
  ++host_state.steering_changes;
  const inventory::Host* host = inventory->find_host(host_state.name);
  if (host == nullptr && host_state.name == "localhost") host = &inventory->localhost();
  if (host == nullptr) {
    host_state.inventory_vars = Value(Map());
    return {};
  }
  GS_TRY(auto levels, inventory->variables(*host, options.playbook_folders));
  host_state.inventory_vars = Value(inventory->merged(levels));
  return {};
}

Result<void> RunState::reload_inventory() {
  GS_TRY_VOID(inventory->reload());
  for (const auto& [name, host_state] : hosts) GS_TRY_VOID(refresh_inventory_vars(*host_state));
  return {};
}

Result<std::vector<std::string>> RunState::match(const std::string& pattern) const {
  GS_TRY(auto selection, inventory->select({pattern}));
  std::vector<std::string> names;
  names.reserve(selection.hosts.size());
  for (const inventory::Host* host : selection.hosts) names.push_back(host->name());
  return names;
}

bool RunState::is_known(const std::string& host_name) const {
  return inventory->find_host(host_name) != nullptr || hosts.contains(host_name) ||
         host_name == "localhost";
}

namespace {

bool has_steering(const Value& variables) {
  return variables.is_map() && std::ranges::any_of(variables.as_map(), [](const auto& entry) {
           return entry.key.is_string() && entry.key.as_string().starts_with(kSteeringPrefix);
         });
}

}  // namespace

void HostState::set_fact(std::string_view variable, Value value) {
  if (variable.starts_with(kSteeringPrefix)) ++steering_changes;
  set_facts.set(variable, std::move(value));
}

void HostState::set_facts_of(const Value& variables, bool deep) {
  if (has_steering(variables)) ++steering_changes;
  merge_into(set_facts, variables, deep);
}

void HostState::include_vars(const Value& variables, bool deep) {
  if (has_steering(variables)) ++steering_changes;
  merge_into(included_vars, variables, deep);
}

Value mark_deep(Value value, Mark marks) {
  if (value.is_list()) {
    for (Value& item : value.mutable_list()) item = mark_deep(std::move(item), marks);
  } else if (value.is_map()) {
    for (auto& [key, item] : value.mutable_map()) item = mark_deep(std::move(item), marks);
  }
  if (value.is_string() || value.is_list() || value.is_map()) value.mark(marks);
  return value;
}

void merge_into(Value& into, const Value& from, bool deep) {
  if (!from.is_map()) return;
  if (!into.is_map()) into = Value(Map());
  Map& target = into.mutable_map();
  for (const auto& [key, value] : from.as_map()) {
    Value* old = target.find(key);
    if (deep && old != nullptr && old->is_map() && value.is_map()) {
      merge_into(*old, value, true);
    } else {
      target.set(key, value);
    }
  }
}

}  // namespace gpustack::engine
