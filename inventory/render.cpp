#include "inventory/render.hpp"

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "core/jinja/yaml_emitter.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace gpustack::inventory {

namespace {

/// Names that are about the run and not about the host.
/// @source ansible-core 2.14, cli/inventory.py
bool is_internal(const Value& name) {
  constexpr std::array<std::string_view, 19> kNames = {"ansible_diff_mode",
                                                       "ansible_config_file",
                                                       "ansible_facts",
                                                       "ansible_forks",
                                                       "ansible_inventory_sources",
                                                       "ansible_limit",
                                                       "ansible_playbook_python",
                                                       "ansible_run_tags",
                                                       "ansible_skip_tags",
                                                       "ansible_verbosity",
                                                       "ansible_version",
                                                       "inventory_dir",
                                                       "inventory_file",
                                                       "inventory_hostname",
                                                       "groups",
                                                       "inventory_hostname_short",
                                                       "group_names",
                                                       "omit",
                                                       "playbook_dir"};
  return name.is_string() && std::ranges::find(kNames, name.as_string()) != kNames.end();
}

Map without_internal(const Map& variables) {
  Map out;
  for (const Map::Entry& entry : variables) {
    if (!is_internal(entry.key)) out.set(entry.key, entry.value);
  }
  return out;
}

Value names_of(const auto& members) {
  List names;
  for (const auto* member : members) names.push_back(Value(member->name()));
  return Value(std::move(names));
}

class Renderer {
 public:
  Renderer(const Inventory& inventory, const RenderOptions& options)
      : inventory_(inventory), options_(options) {}

  Result<Map> of_host(const Host& host) const {
    GS_TRY(auto levels, inventory_.variables(host, options_.playbook_folders));
    if (options_.is_export) {
      std::erase_if(levels,
                    [](const LevelVariables& one) { return one.level < Level::inventory_host; });
    }
    Map variables = without_internal(inventory_.merged(levels));
    if (options_.is_export) return variables;
    for (const Map::Entry& entry : options_.extra_vars) variables.set(entry.key, entry.value);
    return variables;
  }

  [[nodiscard]] bool is_shown(const Host& host) const {
    return !options_.only || options_.only->contains(&host);
  }
  /// Hosts that stand in the group itself; `all` shows none.
  [[nodiscard]] std::vector<const Host*> shown_hosts(const Group& group) const {
    std::vector<const Host*> hosts;
    if (group.name() == "all") return hosts;
    for (const Host* host : group.direct_hosts()) {
      if (is_shown(*host)) hosts.push_back(host);
    }
    return hosts;
  }

  Result<Map> of_group(const Group& group) const {
    GS_TRY(const auto levels, inventory_.variables(group, options_.playbook_folders));
    Map variables = without_internal(inventory_.merged(levels));
    if (group.priority() != 1) variables.set("ansible_group_priority", Value(group.priority()));
    return variables;
  }

  /// Adds the group and those below it to `out`; a group met before is left alone.
  Result<void> flat(const Group& group, Map& out, std::set<const Group*>& seen) const {
    Map body;
    if (const auto hosts = shown_hosts(group); !hosts.empty()) body.set("hosts", names_of(hosts));
    if (!group.children().empty()) body.set("children", names_of(group.children()));
    if (options_.is_export) {
      GS_TRY(Map variables, of_group(group));
      if (!variables.empty()) body.set("vars", Value(std::move(variables)));
    }
    if (!body.empty()) out.set(Value(group.name()), Value(std::move(body)));
    for (const Group* child : group.children()) {
      if (seen.insert(child).second) GS_TRY_VOID(flat(*child, out, seen));
    }
    return {};
  }

  Result<Value> tree(const Group& group, std::set<const Host*>& seen) const {
    Map body;
    Map children;
    for (const Group* child : group.children()) {
      GS_TRY(Value below, tree(*child, seen));
      children.set(Value(child->name()), std::move(below));
    }
    if (!children.empty()) body.set("children", Value(std::move(children)));
    Map hosts;
    for (const Host* host : shown_hosts(group)) {
      Map variables;
      if (seen.insert(host).second) {
        GS_TRY(variables, of_host(*host));
      }
      hosts.set(Value(host->name()), Value(std::move(variables)));
    }
    if (!hosts.empty()) body.set("hosts", Value(std::move(hosts)));
    if (options_.is_export) {
      GS_TRY(Map variables, of_group(group));
      if (!variables.empty()) body.set("vars", Value(std::move(variables)));
    }
    return Value(std::move(body));
  }

  Result<void> draw(const Group& group, std::size_t depth, std::string& out) const {
    line("@" + group.name() + ":", depth, out);
    for (const Group* child : group.children()) GS_TRY_VOID(draw(*child, depth + 1, out));
    for (const Host* host : shown_hosts(group)) {
      line(host->name(), depth + 1, out);
      if (!options_.shows_variables) continue;
      GS_TRY(const Map variables, of_host(*host));
      draw_variables(variables, depth + 2, out);
    }
    if (options_.shows_variables) {
      GS_TRY(const Map variables, of_group(group));
      draw_variables(variables, depth + 1, out);
    }
    return {};
  }

 private:
  static void line(const std::string& text, std::size_t depth, std::string& out) {
    if (!out.empty()) out += "\n";
    for (std::size_t i = 0; i < depth; ++i) out += "  |";
    out += (depth > 0 ? "--" : "") + text;
  }

  static void draw_variables(const Map& variables, std::size_t depth, std::string& out) {
    std::vector<Map::Entry> entries = variables.entries();
    std::ranges::stable_sort(entries, [](const Map::Entry& a, const Map::Entry& b) {
      return to_text(a.key) < to_text(b.key);
    });
    for (const Map::Entry& entry : entries) {
      const bool is_secret = has(deep_marks(entry.value), Mark::secret);
      line("{" + to_text(entry.key) + " = " + (is_secret ? "<secret>" : to_text(entry.value)) + "}",
           depth,
           out);
    }
  }

  const Inventory& inventory_;
  const RenderOptions& options_;
};

Value with_unsafe_objects(const Value& value) {
  if (value.is_string() && value.is_unsafe() && !value.is_secret()) {
    return Value::map({{Value("__ansible_unsafe"), Value(value.as_string())}});
  }
  if (value.is_list()) {
    List items;
    items.reserve(value.size());
    for (const Value& item : value.as_list()) items.push_back(with_unsafe_objects(item));
    return Value(std::move(items));
  }
  if (!value.is_map()) return value;
  Map entries;
  entries.reserve(value.size());
  for (const Map::Entry& entry : value.as_map())
    entries.set(entry.key, with_unsafe_objects(entry.value));
  return Value(std::move(entries));
}

Value redacted(const Value& value) {
  if (value.is_secret()) return Value("<secret>");
  if (value.is_list()) {
    List items;
    for (const Value& item : value.as_list()) items.push_back(redacted(item));
    return Value(std::move(items));
  }
  if (!value.is_map()) return value;
  Map entries;
  for (const Map::Entry& entry : value.as_map()) entries.set(entry.key, redacted(entry.value));
  return Value(std::move(entries));
}

}  // namespace

Result<std::string> as_ansible_yaml(const Value& value) {
  jinja::YamlStyle style;
  style.flow = jinja::YamlStyle::Flow::never;
  style.anchors = true;
  const bool has_secret = has(deep_marks(value), Mark::secret);
  return jinja::to_yaml(has_secret ? redacted(value) : value, style);
}

std::string as_ansible_json(const Value& value) {
  return to_json(with_unsafe_objects(value),
                 JsonStyle{.indent = 4, .sort_keys = true, .ensure_ascii = false});
}

Result<std::string> list_json(const Inventory& inventory, const RenderOptions& options) {
  const Renderer renderer(inventory, options);
  Map out;
  std::set<const Group*> seen{&inventory.all()};
  GS_TRY_VOID(renderer.flat(inventory.all(), out, seen));
  Map variables;
  for (const Host* host : hosts_of(inventory.all())) {
    if (!renderer.is_shown(*host)) continue;
    GS_TRY(Map own, renderer.of_host(*host));
    if (!own.empty()) variables.set(Value(host->name()), Value(std::move(own)));
  }
  out.set("_meta", Value::map({{Value("hostvars"), Value(std::move(variables))}}));
  return as_ansible_json(Value(std::move(out)));
}

Result<Value> list_tree(const Inventory& inventory, const RenderOptions& options) {
  const Renderer renderer(inventory, options);
  std::set<const Host*> seen;
  GS_TRY(Value all, renderer.tree(inventory.all(), seen));
  return Value::map({{Value("all"), std::move(all)}});
}

Result<std::string> graph(const Inventory& inventory,
                          const std::string& group,
                          const RenderOptions& options) {
  const Group* start = inventory.find_group(group);
  if (start == nullptr) {
    std::vector<std::string> names;
    for (const Group* one : inventory.groups()) names.push_back(one->name());
    return Error(ErrorCode::unknown_host, "Pattern must be valid group name when using --graph")
        .hint(suggest(group, names));
  }
  std::string out;
  GS_TRY_VOID(Renderer(inventory, options).draw(*start, 0, out));
  return out;
}

Result<Map> host_variables(const Inventory& inventory,
                           const std::string& host,
                           const RenderOptions& options) {
  GS_TRY(const Selection selection, inventory.select({host}));
  if (selection.hosts.size() != 1) {
    std::string hint =
        selection.unmatched.empty() ? std::string() : selection.unmatched.front().hint();
    return Error(ErrorCode::unknown_host,
                 selection.hosts.empty()
                     ? "no host is named '" + host + "'"
                     : "'" + host + "' means " + std::to_string(selection.hosts.size()) +
                           " hosts, expected one")
        .hint(std::move(hint));
  }
  return Renderer(inventory, options).of_host(*selection.hosts.front());
}

}  // namespace gpustack::inventory
