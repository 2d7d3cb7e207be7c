#pragma once
/// @file The options that verbs share, and what is read from them alone.

#include "core/cli/manner.hpp"
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
  Manner manner = Manner::gpustack;
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
  bool step = false;
  bool force_handlers = false;
  std::vector<std::string> vault_ids;
  std::vector<std::string> vault_password_files;
  bool ask_vault_password = false;
  std::vector<std::string> role_paths;
  std::vector<std::string> module_paths;
  bool detailed_exit_code = false;
  bool no_persist = false;
};

/// Refusals as CLI11 passes them on: what is wrong, and after a line end the hint.
CLI::Validator one_of(const std::vector<std::string>& choices);
CLI::Validator whole_number_above_zero();
CLI::Validator whole_number();

/// Adds `-i`, `-l`, `-e` and the vault options.
void add_inventory_options(CLI::App& app, CommonOptions& options);
/// Adds the connection, become, check and output options.
void add_host_options(CLI::App& app, CommonOptions& options);
/// Adds those, and what chooses among the tasks of a site.
void add_run_options(CLI::App& app, CommonOptions& options);

/// Adds `--no-persist`.
void add_persist_option(CLI::App& app, CommonOptions& options);

/// Reads `-e key=value`, `-e {"json": 1}`, `-e @file`. @error usage, file_not_found, yaml_*
Result<Value> extra_variables(const std::vector<std::string>& texts, yaml::VaultReader* vault);

/// Faults of an option's own text are the command line's, whatever found them.
Error as_usage(const Error& found, const std::string& option);

/// Asks on the terminal without echo. @error usage  without a terminal
Result<std::string> ask_secret(const std::string& prompt);

}  // namespace gpustack::cli
