#pragma once
/// @file The options that verbs share, and how they become an inventory, a run's options and an
/// output.

#include "core/engine/options.hpp"
#include "core/report/event.hpp"
#include "core/yaml/node.hpp"
#include "inventory/inventory.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace gpustack::cli {

struct CommonOptions {
  std::vector<std::string> inventories;
  std::string limit;
  std::vector<std::string> extra_vars;
  std::vector<std::string> tags;
  std::vector<std::string> skip_tags;
  bool check = false;
  bool diff = false;
  bool become = false;
  bool ask_become_password = false;
  bool ask_password = false;
  std::string become_user;
  std::string become_method;
  std::string user;
  std::string private_key;
  std::string connection;
  std::string ssh_common_args;
  std::string ssh_extra_args;
  std::int64_t timeout = 0;
  std::size_t forks = 0;
  int verbosity = 0;
  std::string output;
  std::string start_at_task;
  bool force_handlers = false;
  std::vector<std::string> vault_ids;
  std::vector<std::string> vault_password_files;
  bool ask_vault_password = false;
  std::vector<std::string> role_paths;
  bool detailed_exit_code = false;
};

/// Refusals as CLI11 passes them on: what is wrong, and after a line end the hint.
CLI::Validator one_of(const std::vector<std::string>& choices);
CLI::Validator whole_number_above_zero();

/// Adds `-i`, `-l`, `-e` and the vault options.
void add_inventory_options(CLI::App& app, CommonOptions& options);
/// Adds the connection, become, check and output options.
void add_run_options(CLI::App& app, CommonOptions& options);

/// Reads `-e key=value`, `-e {"json": 1}`, `-e @file`. @error usage, file_not_found, yaml_*
Result<Value> extra_variables(const std::vector<std::string>& texts, yaml::VaultReader* vault);

/// What a run needs beyond its playbooks.
struct Session {
  engine::RunOptions run;
  std::unique_ptr<yaml::VaultReader> vault;
  inventory::Inventory inventory;
};

/// @param playbook_folders  folders of the playbooks named: their group_vars and host_vars count
Result<Session> make_session(const CommonOptions& options,
                             const std::vector<std::string>& playbook_folders);

/// The renderer of `--output`, or the one that fits stdout. @error usage
Result<std::unique_ptr<report::Sink>> make_output(const CommonOptions& options);

/// What a host pattern of the command line means. @error usage  no host or group fits it
Result<void> check_pattern(const Session& session, const std::string& pattern);

/// Prints an error as a block on stderr, coloured on a terminal.
void print_error(const Error& error);

/// Where runners and shipped roles are: beside the program as built, or as installed.
struct Places {
  std::string runners;
  std::string roles;
};
Places find_places();

/// Asks on the terminal without echo. @error usage  without a terminal
Result<std::string> ask_secret(const std::string& prompt);

}  // namespace gpustack::cli
