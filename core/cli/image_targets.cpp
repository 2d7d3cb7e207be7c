#include "core/cli/image_targets.hpp"

#include "core/cli/exit_codes.hpp"
#include "modules/builtin/support/image_platforms.hpp"
#include "modules/sdk/base64.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/text.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <optional>

namespace gpustack::cli {

namespace {

/// One look at each handler that an emulator may have.
std::vector<gpu::Probe> handler_probes() {
  std::vector<gpu::Probe> probes;
  for (const gpu::Emulator& one : gpu::kEmulators) {
    const std::string path = std::string(gpu::kHandlers) + std::string(one.handler);
    probes.push_back({std::string(one.handler), "slurp", Value::map({{"src", path}})});
  }
  return probes;
}

/// Nothing for a recorded host.
std::optional<std::vector<std::string>> emulated_on(const Value& probes) {
  if (!probes.is_map()) return std::nullopt;
  std::vector<std::string> emulated;
  for (const gpu::Emulator& one : gpu::kEmulators) {
    const Value& content = probes.get(one.handler).get("content");
    if (!content.is_string()) continue;
    const auto text = modules::base64_decode(content.as_string());
    if (text && text->starts_with(gpu::kHandlerWorks)) emulated.emplace_back(one.architecture);
  }
  return emulated;
}

std::vector<std::string> emulated_here() {
  std::vector<std::string> emulated;
  for (const gpu::Emulator& one : gpu::kEmulators) {
    std::ifstream file(std::string(gpu::kHandlers) + std::string(one.handler));
    std::string line;
    if (std::getline(file, line) && line == gpu::kHandlerWorks)
      emulated.emplace_back(one.architecture);
  }
  return emulated;
}

}  // namespace

void add_target_options(CLI::App& app, TargetOptions& options) {
  app.add_option("--platform", options.platforms, "linux/arm64; several with commas between")
      ->type_name("PLATFORM")
      ->allow_extra_args(false);
  app.add_option("--host", options.facts.pattern, "Hosts, by what their programs are built for")
      ->type_name("HOST");
  app.add_option(
         "--from", options.facts.from, "A file with recorded facts in place of hosts; - is stdin")
      ->type_name("FILE");
  add_host_options(app, options.facts.run);
}

std::string own_platform() {
  modules::RealSystemOptions options;
  options.environment = modules::process_environment();
  return modules::ImagePlatform::of_host(modules::RealSystem(std::move(options))).text();
}

Result<Targets> image_targets(const TargetOptions& options) {
  Targets targets;
  for (const std::string& list : options.platforms) {
    for (const std::string& one : modules::split(list, ',')) {
      const auto platform = modules::ImagePlatform::parse(modules::trim(one));
      if (!platform) return as_usage(platform.error(), "--platform");
      targets.all.push_back({platform->text(), platform->text(), Value()});
    }
  }
  FactsOptions facts = options.facts;
  // A limit by itself chooses among all hosts.
  if (facts.pattern.empty() && facts.from.empty() && !facts.run.limit.empty())
    facts.pattern = "all";
  if (!facts.pattern.empty() || !facts.from.empty()) {
    ProbedHosts probed = probe_hosts(facts, handler_probes());
    targets.code = probed.code;
    for (ProbedHost& one : probed.hosts) {
      targets.all.push_back({one.facts.host,
                             gpu::fact_text(one.facts.platform, "oci_platform"),
                             one.facts.platform,
                             emulated_on(one.probes)});
    }
  } else if (targets.all.empty()) {
    const std::string own = own_platform();
    targets.all.push_back({own, own, Value(), emulated_here()});
  }
  return targets;
}

}  // namespace gpustack::cli
