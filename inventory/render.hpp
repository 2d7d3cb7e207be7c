#pragma once
/// @file The inventory as text, in the forms that ansible-inventory has.

#include "inventory/inventory.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gpustack::inventory {

struct RenderOptions {
  std::vector<std::string> playbook_folders = {};
  bool is_export =
      false;  ///< --export: variables stay with the group or host that they are written for
  bool shows_variables = false;  ///< --vars, for the graph
  Map extra_vars = {};           ///< `-e`: above all others, except with --export
  /// --limit: the hosts that are shown; nothing = all.
  std::optional<std::set<const Host*>> only = std::nullopt;
};

/// --list: groups with hosts and children, and under `_meta` every host's variables. Secrets are
/// redacted.
/// @error as Inventory::variables()
Result<std::string> list_json(const Inventory& inventory, const RenderOptions& options = {});
/// --list --yaml: the groups nested, each host's variables where the host is met first.
Result<Value> list_tree(const Inventory& inventory, const RenderOptions& options = {});
/// --graph [GROUP]. @error unknown_host  no such group, with the nearest names
Result<std::string> graph(const Inventory& inventory,
                          const std::string& group = "all",
                          const RenderOptions& options = {});
/// --host HOST: what a template would see of the inventory's variables.
/// @error unknown_host  no such host, or several
Result<Map> host_variables(const Inventory& inventory,
                           const std::string& host,
                           const RenderOptions& options = {});

/// The same as YAML, sorted, as ansible-inventory --yaml prints it; secrets are redacted.
/// @error template_type  what YAML cannot hold
Result<std::string> as_ansible_yaml(const Value& value);
/// JSON as ansible-inventory prints it: sorted, four blanks a level, `!unsafe` text in an
/// `__ansible_unsafe` object.
std::string as_ansible_json(const Value& value);

}  // namespace gpustack::inventory
