#pragma once
/// @file How the inventory of a command is read, and which hosts the command is for.

#include "core/cli/session.hpp"
#include "core/config/config.hpp"

#include <string>
#include <vector>

namespace gpustack::cli {

/// What the manner of the verb and Ansible's settings ask of the inventory.
/// @error config_invalid  a setting has an unusable value
Result<inventory::Options> inventory_settings(const CommonOptions& options,
                                              const config::Config& config,
                                              yaml::VaultReader* vault,
                                              const Value& extra_vars);

/// The hosts that fit `pattern` and the limit; tells what an Ansible program tells of an empty
/// inventory and of patterns that nothing fits.
/// @error host_pattern  there are hosts, and none is left
/// @source ansible-core 2.14, CLI.get_host_list
Result<std::vector<const inventory::Host*>> hosts_in_ansible_manner(const Session& session,
                                                                    const std::string& pattern);

}  // namespace gpustack::cli
