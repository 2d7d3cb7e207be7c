#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/inventory_settings.hpp"
#include "core/cli/listing.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"
#include "core/cli/version.hpp"

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <iostream>

namespace gpustack::cli {

namespace {

/// Of this program so far.
std::chrono::microseconds cpu_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// `apply`, and `playbook` for scripts that were written for ansible-playbook.
class ApplyVerb final : public Verb {
 public:
  explicit ApplyVerb(Manner manner) : manner_(manner) {}

  void describe(CLI::App& program) override {
    const bool is_apply = manner_ == Manner::gpustack;
    command_ = program.add_subcommand(
        is_apply ? "apply" : "playbook",
        is_apply ? "Bring the hosts of an inventory to the state that playbooks declare"
                 : "The same with the options, output and exit codes of ansible-playbook");
    if (!is_apply) command_->set_version_flag("--version", version_of("ansible-playbook"));
    options_.manner = manner_;
    if (!is_apply) options_.output = "ansible";
    command_->add_option("playbook", playbooks_, "Playbook files")
        ->required()
        ->type_name("PLAYBOOK");
    add_run_options(*command_, options_);
    command_
        ->add_option(
            "--start-at-task", options_.start_at_task, "Skip the tasks before the one of this name")
        ->type_name("NAME");
    command_->add_flag("--step", options_.step, "Ask before each task whether it is to run");
    command_->add_flag(
        "--force-handlers", options_.force_handlers, "Run handlers even on hosts that failed");
    CLI::Option* detailed = command_->add_flag(
        "--detailed-exitcode", options_.detailed_exit_code, "Exit with 10 when something changed");
    if (is_apply) {
      add_persist_option(*command_, options_);
      command_
          ->add_flag("--no-detailed-exitcode",
                     plain_exit_code_,
                     "Exit with 0 then, whatever gpustack.yml says")
          ->excludes(detailed);
    }
    command_->add_flag("--timings", wants_timings_, "Say where the time went, on stderr");
    command_->add_flag("--list-hosts", list_hosts_, "List the hosts of each play, do nothing else");
    command_->add_flag("--list-tasks", list_tasks_, "List the tasks of each play, do nothing else");
    command_->add_flag("--list-tags", list_tags_, "List the tags of each play, do nothing else");
    command_->add_flag("--syntax-check", syntax_check_, "Load the site, do nothing else");
  }

  [[nodiscard]] bool chosen() const override { return command_->parsed(); }
  [[nodiscard]] int usage_code() const override {
    return manner_ == Manner::ansible ? kAnsibleUsage : kUsage;
  }

  int run() override {
    set_manner(manner_);
    const int code = run_playbooks();
    return manner_ == Manner::ansible ? ansible_exit_code(static_cast<ExitCode>(code)) : code;
  }

 private:
  int run_playbooks() {
    auto folders = playbook_folders(playbooks_);
    if (!folders) {
      print_error(folders.error());
      return kSiteDoesNotLoad;
    }
    auto session = make_session(options_, *folders);
    if (!session) return refused(session.error());
    if (wants_timings_) session->timings = &timings_;
    timings_.step("settings and inventory");
    session->left = &left_;
    if (manner_ == Manner::ansible) {
      if (auto hosts = hosts_in_ansible_manner(*session, "all"); !hosts)
        return refused(hosts.error());
    }
    if (manner_ == Manner::ansible) {
      session->task_faults = play::TaskFaults::defer;
      session->run.recap_after_error = false;
    }
    auto site = load_site(playbooks_, *session);
    if (!site) return kSiteDoesNotLoad;
    timings_.step("playbooks");
    // ansible-playbook runs such a playbook, without any task.
    if (manner_ == Manner::gpustack) {
      if (auto known = check_start_task(*site->site, session->run); !known) {
        print_error(known.error());
        return kUsage;
      }
    }
    if (syntax_check_) {
      for (const std::string& playbook : playbooks_)
        std::cout << "\nplaybook: " << playbook << "\n";
      return kOk;
    }
    if (list_hosts_ || list_tasks_ || list_tags_) {
      const ListWhat what{list_hosts_, list_tasks_, list_tags_};
      auto text = list_site(*site->site, *session, playbooks_, what);
      if (!text) {
        print_error(text.error());
        return code_before_run(text.error());
      }
      std::cout << *text;
      return kOk;
    }
    auto output = make_output(options_, *session);
    if (!output) {
      print_error(output.error());
      return kUsage;
    }
    // Scripts for ansible-playbook know nothing of this exit code.
    if (manner_ == Manner::gpustack && !plain_exit_code_ &&
        session->settings.boolean("detailed_exitcode"))
      options_.detailed_exit_code = true;
    // Who looks at what tasks tell sees all facts.
    session->run.facts_as_read = options_.verbosity == 0 && format_of(*session) != "json";
    const int code = run_site(*session, *site, options_, **output);
    if (session->timings != nullptr) tell_timings(*session);
    return code;
  }

  /// As named; empty where it follows from the terminal.
  [[nodiscard]] std::string format_of(const Session& session) const {
    return options_.output.empty() ? session.settings.text("output") : options_.output;
  }

  /// On stderr, where programs that read the output do not find it; in JSON with the rest.
  void tell_timings(const Session& session) {
    timings_.finish(cpu_time());
    if (format_of(session) == "json") {
      std::cout << to_json(timings_.record()) << "\n";
    } else {
      std::cerr << timings_.table();
    }
  }

  [[nodiscard]] int refused(const Error& error) const {
    print_error(error);
    return manner_ == Manner::ansible ? ansible_code_before_run(error) : code_before_run(error);
  }

  Manner manner_;
  CLI::App* command_ = nullptr;
  CommonOptions options_;
  std::vector<std::string> playbooks_;
  bool plain_exit_code_ = false;
  bool wants_timings_ = false;
  report::Timings timings_{report::Timings::Clock::now()};
  bool list_hosts_ = false;
  bool list_tasks_ = false;
  bool list_tags_ = false;
  bool syntax_check_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_apply() { return std::make_unique<ApplyVerb>(Manner::gpustack); }
std::unique_ptr<Verb> make_playbook() { return std::make_unique<ApplyVerb>(Manner::ansible); }

}  // namespace gpustack::cli
