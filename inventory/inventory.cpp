#include "inventory/inventory.hpp"

#include "core/base/suggest.hpp"
#include "inventory/pattern.hpp"
#include "inventory/sources/source.hpp"
#include "inventory/text.hpp"
#include "inventory/vars_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <unordered_set>
#include <utility>

namespace gpustack::inventory {

namespace {

namespace fs = std::filesystem;

std::string home_and_variables_expanded(std::string path) {
  const char* home = std::getenv("HOME");
  if (home != nullptr && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, home);
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool is_braced = path[i] == '$' && i + 1 < path.size() && path[i + 1] == '{';
    std::size_t end = i + (is_braced ? 2 : 1);
    while (end < path.size() &&
           (std::isalnum(static_cast<unsigned char>(path[end])) != 0 || path[end] == '_'))
      ++end;
    const std::size_t start = i + (is_braced ? 2 : 1);
    const bool is_whole =
        path[i] == '$' && end > start && (!is_braced || (end < path.size() && path[end] == '}'));
    const char* value = is_whole ? std::getenv(path.substr(start, end - start).c_str()) : nullptr;
    if (value == nullptr) {
      out += path[i];
      continue;
    }
    out += value;
    i = is_braced ? end : end - 1;
  }
  return out;
}

/// As the user's path, but absolute, so that `inventory_dir` holds wherever we work.
std::string absolute_source(const std::string& source) {
  if (source.find(',') != std::string::npos) return source;
  std::string path = fs::absolute(home_and_variables_expanded(source)).lexically_normal();
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// Ansible drops a '[' that is never closed, and with it what the user meant to leave out.
Result<void> refuse_open_bracket(std::string_view pattern, SourceSpan span) {
  if (pattern.find('~') != std::string_view::npos || pattern.starts_with('@')) return {};
  const std::size_t open = pattern.rfind('[');
  if (open == std::string_view::npos || pattern.find(']', open) != std::string_view::npos)
    return {};
  return Error(ErrorCode::host_pattern,
               "the host pattern '" + std::string(pattern) + "' has a '[' without its ']'")
      .at(span)
      .hint("some hosts of a group are written group[0:2]");
}

Result<std::vector<std::string>> limit_patterns(const std::vector<std::string>& limits,
                                                SourceSpan span) {
  std::vector<std::string> patterns;
  for (const std::string& limit : limits) {
    GS_TRY_VOID(refuse_open_bracket(limit, span));
    for (std::string& pattern : split_patterns(limit)) {
      if (!pattern.starts_with('@')) {
        patterns.push_back(std::move(pattern));
        continue;
      }
      const std::string path = pattern.substr(1);
      std::error_code ignored;
      if (fs::is_directory(path, ignored)) {
        return Error(ErrorCode::file_unreadable,
                     "a limit starting with '@' must be a file, and '" + path + "' is a folder")
            .at(span);
      }
      std::ifstream file(path);
      if (!file)
        return Error(ErrorCode::file_not_found, "cannot read the limit file '" + path + "'")
            .at(span);
      for (std::string line; std::getline(file, line);) {
        if (!trimmed(line).empty()) patterns.emplace_back(trimmed(line));
      }
    }
  }
  return patterns;
}

}  // namespace

struct Inventory::State {
  explicit State(Options given)
      : options(std::move(given)), data(options, warnings), files(options.vault) {}

  /// A host that came while the play ran.
  struct Added {
    std::string name;
    std::vector<std::string> groups;
    Map variables;
  };

  /// A host that was put into a group while the play ran.
  struct Grouped {
    std::string host;
    std::string group;
    std::vector<std::string> parents;
  };

  Result<void> tell_that_none_was_read() {
    if (options.needs_a_source) {
      return Error(ErrorCode::inventory_syntax,
                   "No inventory was parsed, please check your configuration and options.");
    }
    if (options.wording == Wording::ansible) {
      warnings.push_back(
          yaml::Warning{"No inventory was parsed, only implicit localhost is available", {}});
    }
    return {};
  }

  /// Folders whose group_vars and host_vars belong to the sources.
  std::vector<std::string> source_folders() const { return vars_folders_of(sources); }

  Result<void> add_files(std::vector<LevelVariables>& levels,
                         Level level,
                         const std::vector<std::string>& folders,
                         Entity entity,
                         const std::vector<std::string>& names) {
    for (const std::string& folder : folders) {
      for (const std::string& name : names) {
        GS_TRY(const auto sets, files.find(folder, entity, name));
        for (const auto& set : sets) levels.push_back(LevelVariables{level, set});
      }
    }
    return {};
  }

  /// The set lives as long as the inventory, so the pointer owns nothing.
  static void add_own(std::vector<LevelVariables>& levels, Level level, const VariableSet& set) {
    if (set.values.empty()) return;
    levels.push_back(
        LevelVariables{level, std::shared_ptr<const VariableSet>(std::shared_ptr<void>(), &set)});
  }

  Options options;
  std::vector<yaml::Warning> warnings;  // before `data`, which adds to it
  Data data;
  VarsFiles files;
  std::vector<std::string> sources;
  std::vector<std::string> vars_folders;
  std::vector<Note> notes;
  std::vector<Added> added;
  std::vector<Grouped> grouped;
};

std::string_view level_name(Level level) {
  switch (level) {
    case Level::inventory_all:
      return "variables of 'all' in the inventory";
    case Level::inventory_groups:
      return "group variables in the inventory";
    case Level::files_all:
      return "group_vars/all beside the inventory";
    case Level::playbook_files_all:
      return "group_vars/all beside the playbook";
    case Level::files_groups:
      return "group_vars beside the inventory";
    case Level::playbook_files_groups:
      return "group_vars beside the playbook";
    case Level::inventory_host:
      return "host variables in the inventory";
    case Level::files_host:
      return "host_vars beside the inventory";
    case Level::playbook_files_host:
      return "host_vars beside the playbook";
  }
  return "";
}

Result<Order> parse_order(std::string_view word) {
  static const std::vector<std::pair<std::string_view, Order>> kOrders = {
      {"inventory", Order::inventory},
      {"sorted", Order::sorted},
      {"reverse_sorted", Order::reverse_sorted},
      {"reverse_inventory", Order::reverse_inventory},
      {"shuffle", Order::shuffle}};
  std::vector<std::string_view> names;
  for (const auto& [name, order] : kOrders) {
    if (name == word) return order;
    names.push_back(name);
  }
  std::string hint = suggest(word, names);
  return Error(ErrorCode::invalid_argument, "unknown order '" + std::string(word) + "'")
      .hint(hint.empty()
                ? "orders are inventory, sorted, reverse_sorted, reverse_inventory and shuffle"
                : std::move(hint));
}

Inventory::Inventory(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Inventory::Inventory(Inventory&&) noexcept = default;
Inventory& Inventory::operator=(Inventory&&) noexcept = default;
Inventory::~Inventory() = default;

Result<Inventory> Inventory::load(const std::vector<std::string>& sources, Options options) {
  Inventory inventory(std::move(options));
  GS_TRY_VOID(inventory.read(sources));
  return inventory;
}

Result<void> Inventory::read(const std::vector<std::string>& sources) {
  State& state = *state_;
  SourceContext context{state.data, state.options, state.files, state.warnings, state.notes};
  bool is_any_read = false;
  for (const std::string& source : sources) {
    if (source.empty()) continue;
    state.sources.push_back(absolute_source(source));
    GS_TRY(const bool is_read, read_source(context, state.sources.back()));
    is_any_read = is_any_read || is_read;
  }
  if (!is_any_read) GS_TRY_VOID(state.tell_that_none_was_read());
  state.data.reconcile();
  state.vars_folders = state.source_folders();
  for (const auto& group : state.data.groups()) {
    if (state.data.find_host(group->name()) != nullptr) {
      state.warnings.push_back(yaml::Warning{
          "'" + group->name() + "' is the name of a group and of a host", group->variables().span});
    }
  }
  return {};
}

const std::vector<std::string>& Inventory::sources() const { return state_->sources; }

std::vector<yaml::Warning> Inventory::take_warnings() {
  std::vector<yaml::Warning> taken = std::exchange(state_->warnings, {});
  const std::vector<yaml::Warning> of_files = state_->files.take_warnings();
  taken.insert(taken.end(), of_files.begin(), of_files.end());
  return taken;
}

std::vector<Note> Inventory::take_notes() { return std::exchange(state_->notes, {}); }

std::vector<const Host*> Inventory::hosts() const {
  std::vector<const Host*> out;
  for (const auto& host : state_->data.hosts()) out.push_back(host.get());
  return out;
}

std::vector<const Group*> Inventory::groups() const {
  std::vector<const Group*> out;
  for (const auto& group : state_->data.groups()) out.push_back(group.get());
  return out;
}

const Host* Inventory::find_host(std::string_view name) const {
  return state_->data.find_host(name);
}

const Group* Inventory::find_group(std::string_view name) const {
  return state_->data.find_group(name);
}

const Group& Inventory::all() const { return state_->data.all(); }

const Host& Inventory::localhost() const { return state_->data.implicit_localhost("localhost"); }

Value Inventory::groups_map() const {
  Map map;
  for (const auto& group : state_->data.groups()) {
    List names;
    for (const Host* host : hosts_of(*group)) names.push_back(Value(host->name()));
    map.set(Value(group->name()), Value(std::move(names)));
  }
  return Value(std::move(map));
}

Value Inventory::group_names(const Host& host) const {
  std::vector<std::string> names;
  for (const Group* group : groups_of(host)) {
    if (group->name() != "all") names.push_back(group->name());
  }
  std::ranges::sort(names);
  List list;
  for (std::string& name : names) list.push_back(Value(std::move(name)));
  return Value(std::move(list));
}

Result<Selection> Inventory::select(const std::vector<std::string>& patterns,
                                    const std::vector<std::string>& limits,
                                    Order order,
                                    SourceSpan span) const {
  std::vector<std::string> parts;
  for (const std::string& pattern : patterns) {
    GS_TRY_VOID(refuse_open_bracket(pattern, span));
    for (std::string& part : split_patterns(pattern)) parts.push_back(std::move(part));
  }
  PatternMatcher matcher(state_->data, span, state_->options.patterns);
  Selection selection;
  GS_TRY(selection.hosts, matcher.evaluate(parts));
  GS_TRY(const auto limiting, limit_patterns(limits, {}));
  const bool is_limited =
      state_->options.patterns.empty == EmptyPattern::refused ? !limits.empty() : !limiting.empty();
  if (is_limited) {
    PatternMatcher limiter(state_->data, {}, state_->options.patterns);
    GS_TRY(const auto kept, limiter.evaluate(limiting));
    const std::unordered_set<const Host*> allowed(kept.begin(), kept.end());
    std::erase_if(selection.hosts, [&](const Host* host) { return !allowed.contains(host); });
    selection.unmatched = limiter.take_unmatched();
  }
  for (Error& note : matcher.take_unmatched()) selection.unmatched.push_back(std::move(note));
  const auto by_name = [](const Host* a, const Host* b) { return a->name() < b->name(); };
  switch (order) {
    case Order::inventory:
      break;
    case Order::sorted:
      std::ranges::stable_sort(selection.hosts, by_name);
      break;
    case Order::reverse_sorted:
      std::ranges::stable_sort(selection.hosts, by_name);
      std::ranges::reverse(selection.hosts);
      break;
    case Order::reverse_inventory:
      std::ranges::reverse(selection.hosts);
      break;
    case Order::shuffle:
      std::ranges::shuffle(selection.hosts, std::mt19937(std::random_device()()));
      break;
  }
  return selection;
}

Result<std::vector<LevelVariables>> Inventory::variables(
    const Host& host, const std::vector<std::string>& playbook_folders) const {
  State& state = *state_;
  std::vector<LevelVariables> levels;
  const Group& top = all();
  std::vector<std::string> names;
  State::add_own(levels, Level::inventory_all, top.variables());
  for (const Group* group : groups_of(host)) {
    if (group == &top) continue;
    State::add_own(levels, Level::inventory_groups, group->variables());
    names.push_back(group->name());
  }
  GS_TRY_VOID(
      state.add_files(levels, Level::files_all, state.vars_folders, Entity::group, {"all"}));
  GS_TRY_VOID(
      state.add_files(levels, Level::playbook_files_all, playbook_folders, Entity::group, {"all"}));
  GS_TRY_VOID(
      state.add_files(levels, Level::files_groups, state.vars_folders, Entity::group, names));
  GS_TRY_VOID(state.add_files(
      levels, Level::playbook_files_groups, playbook_folders, Entity::group, names));
  State::add_own(levels, Level::inventory_host, host.variables());
  GS_TRY_VOID(
      state.add_files(levels, Level::files_host, state.vars_folders, Entity::host, {host.name()}));
  GS_TRY_VOID(state.add_files(
      levels, Level::playbook_files_host, playbook_folders, Entity::host, {host.name()}));
  return levels;
}

Result<std::vector<LevelVariables>> Inventory::variables(
    const Group& group, const std::vector<std::string>& playbook_folders) const {
  State& state = *state_;
  const bool is_all = &group == &all();
  std::vector<LevelVariables> levels;
  State::add_own(
      levels, is_all ? Level::inventory_all : Level::inventory_groups, group.variables());
  GS_TRY_VOID(state.add_files(levels,
                              is_all ? Level::files_all : Level::files_groups,
                              state.vars_folders,
                              Entity::group,
                              {group.name()}));
  GS_TRY_VOID(state.add_files(levels,
                              is_all ? Level::playbook_files_all : Level::playbook_files_groups,
                              playbook_folders,
                              Entity::group,
                              {group.name()}));
  return levels;
}

Map Inventory::merged(const std::vector<LevelVariables>& levels) const {
  Map out;
  for (const LevelVariables& level : levels) {
    if (out.empty()) {
      out = level.variables->values;
    } else if (state_->options.merges_maps) {
      out = combined(out, level.variables->values, true);
    } else {
      for (const Map::Entry& entry : level.variables->values) out.set(entry.key, entry.value);
    }
  }
  return out;
}

Result<bool> Inventory::add_host(const std::string& name,
                                 const std::vector<std::string>& groups,
                                 const Map& variables) {
  Data& data = state_->data;
  bool is_changed = data.find_host(name) == nullptr;
  GS_TRY(Host* const host, data.add_host(name, std::nullopt, {}));
  if (is_changed) data.put_into(*host, data.all());
  for (const Map::Entry& entry : variables) {
    const Value* old = host->variables().values.find(entry.key);
    if (old != nullptr && *old == entry.value) continue;
    data.set(*host, {entry.key, entry.value, {}});
    is_changed = true;
  }
  for (const std::string& group_name : groups) {
    is_changed = is_changed || data.find_group(group_name) == nullptr;
    GS_TRY(Group* const group, data.add_group(group_name, {}));
    is_changed = data.put_into(*host, *group) || is_changed;
  }
  if (is_changed) data.reconcile();
  state_->added.push_back(State::Added{name, groups, variables});
  return is_changed;
}

Result<void> Inventory::reload() {
  Inventory fresh(state_->options);
  GS_TRY_VOID(fresh.read(state_->sources));
  for (const State::Added& one : state_->added)
    GS_TRY_VOID(fresh.add_host(one.name, one.groups, one.variables));
  for (const State::Grouped& one : state_->grouped) {
    const Host* host = fresh.find_host(one.host);
    if (host != nullptr) GS_TRY_VOID(fresh.add_to_group(*host, one.group, one.parents));
  }
  *this = std::move(fresh);
  return {};
}

Result<bool> Inventory::add_to_group(const Host& host,
                                     const std::string& group,
                                     const std::vector<std::string>& parents) {
  Data& data = state_->data;
  Host* member = data.find_host(host.name());
  if (member == nullptr && host.is_implicit()) member = &data.implicit_localhost(host.name());
  GS_ASSERT(member != nullptr, "the host belongs to this inventory");
  bool is_changed = data.find_group(group) == nullptr;
  GS_TRY(Group* const target, data.add_group(group, {}));
  for (const std::string& name : parents) {
    is_changed = is_changed || data.find_group(name) == nullptr;
    GS_TRY(Group* const parent, data.add_group(name, {}));
    GS_TRY(const bool is_new, data.add_child(*parent, *target, {}));
    is_changed = is_changed || is_new;
  }
  const auto above = groups_of(*member);
  if (std::ranges::find(above, target) == above.end())
    is_changed = data.put_into(*member, *target) || is_changed;
  if (is_changed) data.reconcile();
  state_->grouped.push_back(State::Grouped{host.name(), group, parents});
  return is_changed;
}

}  // namespace gpustack::inventory
