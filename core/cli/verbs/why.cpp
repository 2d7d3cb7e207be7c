#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/explain.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"
#include "core/play/visit.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace gpustack::cli {

namespace {

class WhyVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "why",
        "Explain what sets a variable of a host, or why a task runs there or does not; with "
        "playbooks by a dry run");
    command_->add_option("host", host_, "One host of the inventory")->required()->type_name("HOST");
    command_->add_option("name", name_, "A variable, or the name of a task")
        ->required()
        ->type_name("NAME");
    command_
        ->add_option("playbook",
                     playbooks_,
                     "Playbooks; without one only what the inventory says of a variable")
        ->type_name("PLAYBOOK");
    auto* task =
        command_->add_flag("--task", is_task_, "NAME is a task, also when a variable is called so");
    command_->add_flag("--variable", is_variable_, "NAME is a variable, not a task")
        ->excludes(task);
    add_run_options(*command_, options_);
  }
  [[nodiscard]] bool chosen() const override { return command_->parsed(); }

  int run() override {
    auto folders = playbook_folders(playbooks_);
    if (!folders) return refused(folders.error(), kSiteDoesNotLoad);
    options_.check = true;
    auto session = make_session(options_, *folders);
    if (!session) return refused(session.error(), code_before_run(session.error()));
    auto host = one_host(*session);
    if (!host) return refused(host.error(), kUsage);
    if (playbooks_.empty()) return explain_inventory(*session, **host);
    session->run.limit = (*host)->name();
    auto site = load_site(playbooks_, *session);
    if (!site) return kSiteDoesNotLoad;
    auto asks_for_task = is_task(*site->site);
    if (!asks_for_task) return refused(asks_for_task.error(), kUsage);
    if (*asks_for_task) {
      TaskExplanation explanation(std::cout, (*host)->name(), name_);
      return explain(*session, *site, explanation);
    }
    VariableExplanation explanation(std::cout, (*host)->name(), name_, *site->site);
    return explain(*session, *site, explanation);
  }

 private:
  static int refused(const Error& error, int code) {
    print_error(error);
    return code;
  }

  [[nodiscard]] Result<const inventory::Host*> one_host(const Session& session) const {
    GS_TRY_VOID(check_pattern(session, host_));
    GS_TRY(const auto selection, session.inventory.select({host_}));
    if (selection.hosts.size() == 1) return selection.hosts.front();
    return Error(ErrorCode::usage,
                 "'" + host_ + "' means " + std::to_string(selection.hosts.size()) + " hosts")
        .hint("name one host");
  }

  /// Is it a task that is asked for? Tasks of dynamic includes have no name before the run.
  [[nodiscard]] Result<bool> is_task(const play::Site& site) const {
    if (is_task_ || is_variable_) return is_task_;
    bool is_there = false;
    std::vector<std::string> names;
    for (const auto& play : site.plays) {
      play::visit_tasks(*play, [&](const play::Task& task) {
        is_there = is_there || TaskExplanation::is_called(task, name_);
        names.push_back(task.name);
      });
    }
    const bool may_be_variable =
        name_.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
    if (is_there || may_be_variable) return is_there;
    std::string hint = suggest(name_, names);
    if (hint.empty()) hint = "a task of a dynamic include is found with --task";
    return Error(ErrorCode::usage, "no task is named '" + name_ + "'").hint(hint);
  }

  [[nodiscard]] int explain_inventory(const Session& session, const inventory::Host& host) const {
    auto found =
        inventory_contributions(session.inventory, host, session.run.playbook_folders, name_);
    if (!found) return refused(found.error(), kSiteDoesNotLoad);
    if (const Value* given = session.run.extra_vars.find(name_))
      found->insert(found->begin(), Contribution{"extra vars (22)", {}, *given});
    if (found->empty()) {
      auto levels = session.inventory.variables(host, session.run.playbook_folders);
      std::vector<std::string> names;
      if (levels) {
        for (const auto& [key, value] : session.inventory.merged(*levels))
          names.push_back(to_text(key));
      }
      std::string hint = suggest(name_, names);
      if (hint.empty()) hint = "with a playbook, its plays, roles and facts are looked at, too";
      return refused(Error(ErrorCode::undefined_variable,
                           "the inventory does not set '" + name_ + "' for " + host.name())
                         .hint(hint),
                     kOtherError);
    }
    std::cout << host.name() << ": " << name_ << "\n";
    print_contributions(std::cout, *found);
    return kOk;
  }

  [[nodiscard]] int explain(Session& session, LoadedSite& site, Explanation& explanation) const {
    session.observer = &explanation;
    const int code = run_site(session, site, options_, explanation);
    if (explanation.has_answer()) return kOk;
    if (!explanation.failure().empty()) {
      std::cout << "not reached: the host failed at " << explanation.failure() << "\n";
      return code == kOk ? kOtherError : code;
    }
    print_error(explanation.no_answer());
    return code == kOk ? kOtherError : code;
  }

  CLI::App* command_ = nullptr;
  CommonOptions options_;
  std::string host_;
  std::string name_;
  std::vector<std::string> playbooks_;
  bool is_task_ = false;
  bool is_variable_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_why() { return std::make_unique<WhyVerb>(); }

}  // namespace gpustack::cli
