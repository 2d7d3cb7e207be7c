#pragma once
/// @file What `gpustack vault ACTION` does, once its command line is read.

#include "core/base/result.hpp"
#include "core/cli/vault_passwords.hpp"

#include <string>
#include <vector>

namespace gpustack::cli {

/// The options of all actions.
struct VaultRequest {
  VaultSources sources;
  VaultDefaults defaults;
  std::string encrypt_id;
  std::string new_id;
  std::string new_password_file;
  std::string output;
  std::vector<std::string> words;  ///< files, or the texts of encrypt_string
  std::vector<std::string> names;
  std::string stdin_name;
  bool prompt = false;
  bool show_input = false;
  int verbosity = 0;
};

/// @param action  encrypt, decrypt, view, edit, create, rekey or encrypt_string
/// @source ansible-core 2.14, cli/vault.py
Result<void> run_vault_action(const std::string& action, const VaultRequest& request);

/// The exit code for an error of an action.
int vault_exit_code(const Error& error);

}  // namespace gpustack::cli
