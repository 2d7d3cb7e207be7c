#include "core/cli/exit_codes.hpp"
#include "core/cli/single_task.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

class RunVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand("run", "Run one module on hosts");
    command_->add_option("pattern", task_.pattern, "Hosts")->required()->type_name("PATTERN");
    command_->add_option("-m,--module-name", task_.module, "Module (command)")->type_name("MODULE");
    command_
        ->add_option("-a,--args",
                     task_.arguments,
                     "Its arguments: key=value, or a dictionary as YAML or JSON")
        ->type_name("ARGS");
    add_run_options(*command_, options_);
    add_persist_option(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    auto session = make_session(options_, {});
    if (!session) {
      print_error(session.error());
      return code_before_run(session.error());
    }
    session->left = &left_;
    if (auto known = check_pattern(*session, task_.pattern); !known) {
      print_error(known.error());
      return kUsage;
    }
    auto site = load_single_task(task_, *session);
    if (!site) {
      print_error(site.error());
      return kUsage;
    }
    auto output = make_output(options_, *session);
    if (!output) {
      print_error(output.error());
      return kUsage;
    }
    return run_site(*session, *site, options_, **output);
  }

 private:
  CLI::App* command_ = nullptr;
  CommonOptions options_;
  SingleTask task_;
};

}  // namespace

std::unique_ptr<Verb> make_run() { return std::make_unique<RunVerb>(); }

}  // namespace gpustack::cli
