#pragma once
/// @file The group_vars and host_vars folders beside inventories and playbooks.

#include "core/yaml/node.hpp"
#include "inventory/model.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gpustack::inventory {

enum class Entity : std::uint8_t { group, host };

/// The folders whose group_vars and host_vars belong to `sources`, each once.
std::vector<std::string> vars_folders_of(const std::vector<std::string>& sources);

/// Reads each file once. Thread: one.
class VarsFiles {
 public:
  explicit VarsFiles(yaml::VaultReader* vault) : vault_(vault) {}

  using Sets = std::vector<std::shared_ptr<const VariableSet>>;

  /// What `FOLDER/group_vars/NAME` (or host_vars) says: a file with one of the known extensions, or
  /// a folder of files.
  /// @error yaml_*, yaml_type (a file that is not a mapping), vault_*
  /// @source ansible-core 2.14, plugins/vars/host_group_vars.py and DataLoader.find_vars_files
  Result<Sets> find(const std::string& folder, Entity entity, const std::string& name);
  /// Those that were not taken before.
  [[nodiscard]] std::vector<yaml::Warning> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  const std::set<std::string>& listing(const std::string& folder);
  std::vector<std::string> files_of(const std::string& folder, const std::string& name);
  Result<std::shared_ptr<const VariableSet>> read(const std::string& path);

  yaml::VaultReader* vault_;
  std::map<std::string, std::set<std::string>> listings_;
  std::map<std::string, Sets> found_;
  std::vector<yaml::Warning> warnings_;
};

}  // namespace gpustack::inventory
