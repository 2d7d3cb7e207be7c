#pragma once
/// @file Credentials that Docker keeps for a registry, in its file or behind its helpers.

#include "core/base/result.hpp"

#include <optional>
#include <string>

namespace gpustack::gpu {

struct RegistryLogin {
  std::string user;
  std::string password;
};

/// @param image  whose registry is meant
/// @param config  Docker's file; empty: $DOCKER_CONFIG/config.json, else ~/.docker/config.json
/// @error usage  a file that was named is not there; module_failed  a file or helper that fails
Result<std::optional<RegistryLogin>> registry_login(const std::string& image,
                                                    const std::string& config);

}  // namespace gpustack::gpu
