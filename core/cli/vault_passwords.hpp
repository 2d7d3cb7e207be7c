#pragma once
/// @file Which vault passwords a command line and its environment give, in ansible-vault's order.

#include "core/base/secret.hpp"
#include "core/config/config.hpp"
#include "core/vault/secrets.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::cli {

/// What the configuration says of vault passwords.
struct VaultDefaults {
  std::vector<std::string> ids;
  std::string password_file;  ///< empty = none
  std::string encrypt_id;     ///< which id encrypts, when there are several
  bool must_match_id = false;
  bool ask = false;
};
/// @error config_invalid
Result<VaultDefaults> vault_defaults(const config::Config& config);

struct VaultSources {
  std::vector<std::string> ids;  ///< `LABEL@SOURCE` or `SOURCE`
  std::vector<std::string> password_files;
  bool ask = false;
  bool asks_without_another = true;   ///< the user is asked when there is no other source
  bool must_match_id = false;         ///< vault_id_match
  bool leaves_values_closed = false;  ///< as vault::SecretOptions

  /// What the configuration says: its ids come first, its password file last.
  void add(const VaultDefaults& defaults);
};

/// Whether the passwords open texts, or encrypt new ones: then what is typed is typed twice.
enum class Purpose { open, encrypt };

using AskHidden = std::function<Result<Secret>(const std::string& question)>;

/// Reads the sources in order: ids, files, the user, who is asked also when there is nothing else.
/// A source that gives none is told of and passed over while another one gives one.
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

}  // namespace gpustack::cli
