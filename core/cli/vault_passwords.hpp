#pragma once
/// @file Which vault passwords a command line and its environment give, in ansible-vault's order.

#include "core/base/secret.hpp"
#include "core/vault/secrets.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::cli {

struct VaultSources {
  std::vector<std::string> ids;  ///< `LABEL@SOURCE` or `SOURCE`
  std::vector<std::string> password_files;
  bool ask = false;
};

/// Whether the passwords open texts, or encrypt new ones: then what is typed is typed twice.
enum class Purpose { open, encrypt };

using AskHidden = std::function<Result<Secret>(const std::string& question)>;

/// Reads the sources in order: ids, files, ANSIBLE_VAULT_PASSWORD_FILE, the user, who is asked also
/// when there is nothing else. A source that gives none is told of and passed over while another
/// one gives one.
/// @error vault_source, file_not_found, file_unreadable; what `ask` reports
/// @source ansible-core 2.14, CLI.setup_vault_secrets
Result<std::unique_ptr<vault::VaultSecrets>> read_passwords(const VaultSources& sources,
                                                            Purpose purpose,
                                                            const AskHidden& ask);

/// The identity to encrypt with: the first of `vault_id`, or the first of all when it is empty.
/// @error vault_no_secret
Result<vault::Identity> find_identity(const vault::VaultSecrets& secrets,
                                      const std::string& vault_id);

/// The ids of `secrets`, each between `quote`, with `separator` between them.
std::string list_ids(const vault::VaultSecrets& secrets,
                     const std::string& separator,
                     const std::string& quote = {});

/// ANSIBLE_VAULT_IDENTITY_LIST: ids that stand before those of the command line.
std::vector<std::string> ids_of_environment();

/// An environment variable's text; empty counts as not set.
std::string environment_text(const char* name);

}  // namespace gpustack::cli
