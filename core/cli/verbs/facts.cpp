#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/single_task.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

/// Prints the facts of each host as one JSON document, and problems on stderr.
class FactsOutput final : public report::Sink {
 public:
  explicit FactsOutput(bool gpu_only) : gpu_only_(gpu_only) {}

  void on(const report::Event& event) override {
    if (event.type == report::EventType::warning) std::cerr << "warning: " << event.message << "\n";
    if (event.type != report::EventType::host_result) return;
    if (event.outcome == report::Outcome::failed || event.outcome == report::Outcome::unreachable) {
      std::cerr << "gpustack: " << event.host << ": " << to_text(event.result.get("msg")) << "\n";
      return;
    }
    Value facts = event.result.get("ansible_facts");
    if (gpu_only_) facts = facts.get("gpustack");
    facts_.set(event.host, facts);
  }
  void flush() override {
    if (facts_.is_null()) return;
    JsonStyle style;
    style.indent = 4;
    style.sort_keys = true;
    std::cout << to_json(facts_, style) << "\n";
  }

 private:
  bool gpu_only_;
  Value facts_;
};

class FactsVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("facts", "Print what hosts say of themselves, as JSON");
    command_->add_option("pattern", pattern_, "Hosts")->required()->type_name("HOST");
    command_->add_flag("--gpu", gpu_only_, "Only the platform and GPU facts");
    command_->add_option("--filter", filter_, "Only facts whose names match")->type_name("GLOB");
    add_run_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    auto session = make_session(options_, {});
    if (!session) {
      print_error(session.error());
      return code_before_run(session.error());
    }
    if (auto known = check_pattern(*session, pattern_); !known) {
      print_error(known.error());
      return kUsage;
    }
    Value arguments{Map()};
    if (!filter_.empty()) arguments.set("filter", Value::list({Value(filter_)}));
    LoadedSite loaded;
    loaded.loader = std::make_unique<play::Loader>(play::LoadOptions());
    auto site = single_task_site(pattern_, "setup", std::move(arguments));
    if (!site) {
      print_error(site.error());
      return kUsage;
    }
    loaded.site = std::move(*site);
    FactsOutput output(gpu_only_);
    return run_site(*session, loaded, options_, output);
  }

 private:
  CLI::App* command_ = nullptr;
  CommonOptions options_;
  std::string pattern_;
  std::string filter_;
  bool gpu_only_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_facts() { return std::make_unique<FactsVerb>(); }

}  // namespace gpustack::cli
