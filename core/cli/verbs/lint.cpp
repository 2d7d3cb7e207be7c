#include "core/cli/exit_codes.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

class LintVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "lint", "List everything wrong or unsupported in playbooks; no host is touched");
    command_->add_option("playbook", playbooks_, "Playbook files")
        ->required()
        ->type_name("PLAYBOOK");
    add_inventory_options(*command_, options_);
    command_->add_option("--roles-path", options_.role_paths, "Folders to look for roles in")
        ->type_name("FOLDER");
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    auto folders = playbook_folders(playbooks_);
    if (!folders) {
      print_error(folders.error());
      return kSiteDoesNotLoad;
    }
    auto session = make_session(options_, *folders);
    if (!session) {
      print_error(session.error());
      return code_before_run(session.error());
    }
    auto site = load_site(playbooks_, *session);
    if (!site || !check_includes(*site, *session->teller)) return kSiteDoesNotLoad;
    std::cout << "no problem found\n";
    return kOk;
  }

 private:
  CLI::App* command_ = nullptr;
  CommonOptions options_;
  std::vector<std::string> playbooks_;
};

}  // namespace

std::unique_ptr<Verb> make_lint() { return std::make_unique<LintVerb>(); }

}  // namespace gpustack::cli
