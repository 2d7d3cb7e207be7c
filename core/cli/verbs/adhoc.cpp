#include "core/cli/exit_codes.hpp"
#include "core/cli/single_task.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"
#include "modules/sdk/module.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

class AdhocVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("run", "Run one module on hosts");
    command_->add_option("pattern", pattern_, "Hosts")->required()->type_name("PATTERN");
    command_->add_option("-m,--module-name", module_, "Module (command)")->type_name("MODULE");
    command_
        ->add_option(
            "-a,--args", arguments_, "Its arguments: key=value, or a dictionary as YAML or JSON")
        ->type_name("ARGS");
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
    auto site = load();
    if (!site) {
      print_error(site.error());
      return kUsage;
    }
    auto output = make_output(options_);
    if (!output) {
      print_error(output.error());
      return kUsage;
    }
    return run_site(*session, *site, options_, **output);
  }

 private:
  Result<LoadedSite> load() {
    Value arguments{Map()};
    if (arguments_.starts_with('{')) {
      GS_TRY(auto document, yaml::load("--args", arguments_));
      arguments = document.root.to_value();
    } else if (!arguments_.empty()) {
      const modules::ModuleSpec* spec = modules::find_module(module_);
      GS_TRY(arguments,
             modules::parse_key_value(arguments_, spec != nullptr && !spec->free_form.empty()));
    }
    LoadedSite loaded;
    loaded.loader = std::make_unique<play::Loader>(play::LoadOptions());
    GS_TRY(loaded.site, single_task_site(pattern_, module_, std::move(arguments)));
    return loaded;
  }

  CLI::App* command_ = nullptr;
  CommonOptions options_;
  std::string pattern_;
  std::string module_ = "command";
  std::string arguments_;
};

}  // namespace

std::unique_ptr<Verb> make_adhoc() { return std::make_unique<AdhocVerb>(); }

}  // namespace gpustack::cli
