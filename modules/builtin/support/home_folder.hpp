#pragma once
/// @file Making a home folder from a skeleton, and an ssh key in it.

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/accounts.hpp"

#include <string>

namespace gpustack::modules {

/// Makes `path` and its missing parents, copies `skeleton` (if there) and gives everything to the
/// owner. The mode follows UMASK of /etc/login.defs.
Result<void> make_home(System& system,
                       const std::string& path,
                       const std::string& skeleton,
                       Ownership owner);
/// Gives a folder and all that is in it to the owner; links themselves, not what they point to.
Result<void> give_tree(System& system, const std::string& path, Ownership owner);

struct SshKeyRequest {
  std::string file;  ///< absolute path of the private key
  std::string type;
  std::int64_t bits = 0;  ///< 0: ssh-keygen's default
  std::string comment;
  Value passphrase;  ///< null: none
  bool overwrites = false;
};

/// Runs ssh-keygen and gives both files to the owner; the passphrase travels in a private file,
/// never on a command line.
Result<CommandResult> make_ssh_key(System& system, const SshKeyRequest& request, Ownership owner);

}  // namespace gpustack::modules
