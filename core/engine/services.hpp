#pragma once
/// @file What templates may ask of the controller while they render for one task.

#include "core/jinja/jinja.hpp"
#include "core/yaml/node.hpp"

namespace gpustack::engine {

class Scope;

/// Files by Ansible's search path, controller commands, environment and inventory, as seen from one
/// scope.
class ControllerServices final : public jinja::Services {
 public:
  explicit ControllerServices(Scope& scope) : scope_(scope) {}

  Result<std::string> find_file(std::string_view kind, const std::string& name) override;
  std::vector<std::string> search_path(std::string_view kind) override;
  Result<std::string> read_file(const std::string& path) override;
  Result<std::string> run_shell(const std::string& command) override;
  std::optional<std::string> environment(const std::string& name) override;
  Result<std::vector<std::string>> hosts_matching(const std::string& pattern) override;
  Result<Value> parse_yaml(const std::string& text) override;
  Result<List> parse_yaml_all(const std::string& text) override;

 private:
  Scope& scope_;
};

/// A controller file's bytes; whole-file vaults are opened. @error file_not_found, file_unreadable,
/// vault_*
Result<std::string> read_controller_file(const std::string& path, yaml::VaultReader* vault);

/// `~` and environment variables in a controller path.
std::string expand_user(const std::string& path);

}  // namespace gpustack::engine
