#include "core/cli/image_targets.hpp"

#include "core/cli/exit_codes.hpp"
#include "modules/builtin/support/image_platforms.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/text.hpp"

#include <CLI/CLI.hpp>

namespace gpustack::cli {

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
    GatheredFacts gathered = gather_platforms(facts);
    targets.code = gathered.code;
    for (gpu::HostFacts& one : gathered.hosts)
      targets.all.push_back({one.host, gpu::fact_text(one.platform, "oci_platform"), one.platform});
  } else if (targets.all.empty()) {
    const std::string own = own_platform();
    targets.all.push_back({own, own, Value()});
  }
  return targets;
}

}  // namespace gpustack::cli
