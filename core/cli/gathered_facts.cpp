#include "core/cli/gathered_facts.hpp"

#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/given_file.hpp"
#include "core/cli/single_task.hpp"
#include "core/cli/site_run.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <utility>

namespace gpustack::cli {

namespace {

/// Keeps the facts of each host, and the results of probes; problems go to stderr.
class FactsKept final : public report::Sink {
 public:
  void on(const report::Event& event) override {
    if (event.type == report::EventType::warning) std::cerr << "warning: " << event.message << "\n";
    if (event.type != report::EventType::host_result) return;
    ProbedHost& host = hosts_[event.host];
    if (event.ignored || event.action != "setup") {
      host.probes.set(event.task, event.result);
      return;
    }
    if (event.outcome == report::Outcome::failed || event.outcome == report::Outcome::unreachable) {
      std::cerr << "gpustack: " << event.host << ": " << to_text(event.result.get("msg")) << "\n";
      return;
    }
    host.facts = gpu::host_facts(event.host, event.result.get("ansible_facts"));
  }
  /// In the order of their names: hosts answer as they come.
  std::vector<ProbedHost> take() {
    std::vector<ProbedHost> answered;
    for (auto& [name, host] : hosts_) {
      if (!host.facts.host.empty()) answered.push_back(std::move(host));
    }
    return answered;
  }

 private:
  std::map<std::string, ProbedHost> hosts_;
};

Result<std::vector<gpu::HostFacts>> recorded(const FactsOptions& options) {
  GS_TRY(const std::string text,
         given_file("--from", options.from, "it takes what 'gpustack facts HOST' has printed"));
  auto hosts = gpu::parse_recorded_facts(text, options.from);
  if (!hosts) return as_usage(hosts.error(), "--from");
  if (options.pattern.empty() || options.pattern == "all") return hosts;
  std::vector<std::string> known;
  for (const gpu::HostFacts& one : *hosts) known.push_back(one.host);
  std::erase_if(*hosts, [&](const gpu::HostFacts& one) { return one.host != options.pattern; });
  if (!hosts->empty()) return hosts;
  return Error(ErrorCode::usage, "'" + options.from + "' has no host '" + options.pattern + "'")
      .hint(suggest(options.pattern, known));
}

ProbedHosts refused(const Error& error, int code) {
  print_error(error);
  return {{}, code};
}

/// setup, and behind it the probes.
Result<std::unique_ptr<play::Site>> site_of(const std::string& pattern,
                                            Value arguments,
                                            const std::vector<gpu::Probe>& probes) {
  GS_TRY(auto site, single_task_site(pattern, "setup", std::move(arguments)));
  for (const gpu::Probe& probe : probes) {
    GS_TRY(play::Task * task, add_task(*site, probe.name, probe.module, probe.arguments));
    task->vars = probe.vars;
    if (!probe.when.empty()) task->when.push_back({Value(probe.when), {}});
    if (!probe.acts) continue;
    constexpr std::int64_t kPatience = 120;
    task->settings.set(play::Keyword::check_mode, play::Setting{Value(false), {}});
    task->settings.set(play::Keyword::timeout, play::Setting{Value(kPatience), {}});
  }
  return site;
}

ProbedHosts ask(const FactsOptions& options,
                Value arguments,
                const std::vector<gpu::Probe>& probes) {
  if (!options.from.empty()) {
    auto hosts = recorded(options);
    if (!hosts) return refused(hosts.error(), kUsage);
    ProbedHosts out;
    for (gpu::HostFacts& one : *hosts) out.hosts.push_back({std::move(one), Value()});
    return out;
  }
  CommonOptions run = options.run;
  run.check = true;  // a dry run has no way to change a host
  auto session = make_session(run, {});
  if (!session) return refused(session.error(), code_before_run(session.error()));
  if (auto known = check_pattern(*session, options.pattern); !known)
    return refused(known.error(), kUsage);
  LoadedSite loaded;
  loaded.loader = std::make_unique<play::Loader>(play::LoadOptions());
  auto site = site_of(options.pattern, std::move(arguments), probes);
  if (!site) return refused(site.error(), kUsage);
  loaded.site = std::move(*site);
  FactsKept kept;
  const int code = run_site(*session, loaded, run, kept);
  return {kept.take(), code};
}

}  // namespace

void add_facts_options(CLI::App& app, FactsOptions& options) {
  app.add_option("pattern", options.pattern, "Hosts")->type_name("HOST");
  app.add_option("--from", options.from, "A file with recorded facts in place of hosts; - is stdin")
      ->type_name("FILE");
  add_run_options(app, options.run);
}

Result<void> need_hosts(const FactsOptions& options, std::string_view verb) {
  if (!options.pattern.empty() || !options.from.empty()) return {};
  return Error(ErrorCode::usage, "'" + std::string(verb) + "' needs HOST or --from")
      .hint("'gpustack " + std::string(verb) + " --help' tells more");
}

GatheredFacts gather_facts(const FactsOptions& options, Value arguments) {
  ProbedHosts asked = ask(options, std::move(arguments), {});
  GatheredFacts gathered{{}, asked.code};
  for (ProbedHost& one : asked.hosts) gathered.hosts.push_back(std::move(one.facts));
  return gathered;
}

ProbedHosts probe_hosts(const FactsOptions& options, const std::vector<gpu::Probe>& probes) {
  List families = {"!all", "gpustack"};
  if (!probes.empty()) families.emplace_back("hardware");
  ProbedHosts probed = ask(options, Value::map({{"gather_subset", std::move(families)}}), probes);
  std::erase_if(probed.hosts, [&](const ProbedHost& one) {
    if (one.facts.platform.is_map()) return false;
    std::cerr << "gpustack: " << one.facts.host << ": it told no platform facts\n";
    if (probed.code == kOk) probed.code = kFailedHosts;
    return true;
  });
  return probed;
}

GatheredFacts gather_platforms(const FactsOptions& options) {
  ProbedHosts probed = probe_hosts(options, {});
  GatheredFacts gathered{{}, probed.code};
  for (ProbedHost& one : probed.hosts) gathered.hosts.push_back(std::move(one.facts));
  return gathered;
}

}  // namespace gpustack::cli
