#pragma once
/// @file What an image is for: hosts by their facts, platforms by their names, or this machine.

#include "core/cli/gathered_facts.hpp"
#include "core/gpu/image_check.hpp"

#include <string>
#include <vector>

namespace gpustack::cli {

struct TargetOptions {
  FactsOptions facts;  ///< pattern: `--host`
  std::vector<std::string> platforms;
};

/// Adds `--platform`, `--host`, `--from` and the options of a run.
void add_target_options(CLI::App& app, TargetOptions& options);

struct Targets {
  std::vector<gpu::ImageTarget> all;
  int code = 0;  ///< of hosts that told nothing
};

/// Platforms first; without any and without hosts this machine's. Prints what goes wrong with
/// hosts.
/// @error usage  a platform that cannot be read
Result<Targets> image_targets(const TargetOptions& options);

/// `linux/amd64` of the machine this runs on.
std::string own_platform();

}  // namespace gpustack::cli
