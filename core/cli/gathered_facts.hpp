#pragma once
/// @file Facts for the verbs that work on them: asked of hosts, or read from a file that keeps
/// them.

#include "core/cli/options.hpp"
#include "core/gpu/checks.hpp"
#include "core/gpu/host_facts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::cli {

struct FactsOptions {
  CommonOptions run;
  std::string pattern;
  std::string from;  ///< a file in place of hosts; `-` = standard input
};

/// Adds HOST, `--from` and the options of a run.
void add_facts_options(CLI::App& app, FactsOptions& options);

/// @error usage  neither HOST nor `--from`
Result<void> need_hosts(const FactsOptions& options, std::string_view verb);

struct GatheredFacts {
  std::vector<gpu::HostFacts> hosts;  ///< those that answered
  int code = 0;                       ///< of what went wrong with the others
};

/// Prints on stderr what goes wrong.
/// @param arguments  of `setup`
GatheredFacts gather_facts(const FactsOptions& options, Value arguments);

/// Those of gather_facts() that told the platform; says on stderr of the others that they did not.
GatheredFacts gather_platforms(const FactsOptions& options);

struct ProbedHost {
  gpu::HostFacts facts;
  Value probes;  ///< results by the probe's name; null for facts from a file
};

struct ProbedHosts {
  std::vector<ProbedHost> hosts;
  int code = 0;
};

/// gather_platforms(), and in the same dry run a task for each probe. One that fails is a result.
ProbedHosts probe_hosts(const FactsOptions& options, const std::vector<gpu::Probe>& probes);

}  // namespace gpustack::cli
