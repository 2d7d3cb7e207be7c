#include "core/base/json.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/inventory_settings.hpp"
#include "core/cli/single_task.hpp"
#include "core/cli/site_run.hpp"
#include "core/cli/verbs.hpp"
#include "core/cli/version.hpp"
#include "core/report/renderer.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace gpustack::cli {

namespace {

namespace fs = std::filesystem;

/// Writes each host's result as JSON into a file with the host's name (`--tree`).
class TreeOutput final : public report::Sink {
 public:
  TreeOutput(std::string folder, int verbosity, Teller& teller)
      : folder_(std::move(folder)), verbosity_(verbosity), teller_(teller) {}

  void on(const report::Event& event) override {
    if (event.type != report::EventType::host_result || event.outcome == report::Outcome::skipped)
      return;
    std::error_code problem;
    fs::create_directories(folder_, problem);
    const std::string path = folder_ + "/" + event.host;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    JsonStyle style;
    style.sort_keys = true;
    style.ensure_ascii = false;
    file << to_json(report::printed_result(event, verbosity_), style);
    file.close();
    if (!file) {
      teller_.warn("Unable to write to " + event.host + "'s file '" + path +
                   "': " + std::strerror(errno));
    }
  }

 private:
  std::string folder_;
  int verbosity_;
  Teller& teller_;
};

/// `ansible`: one module on hosts, for scripts that were written for it.
class AdhocVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "adhoc", "Run one module with the options, output and exit codes of ansible");
    command_->set_version_flag("--version", version_of("ansible"));
    options_.manner = Manner::ansible;
    command_->add_option("pattern", task_.pattern, "Hosts")->required()->type_name("PATTERN");
    command_->add_option("-m,--module-name", task_.module, "Module (command)")->type_name("MODULE");
    command_
        ->add_option("-a,--args",
                     task_.arguments,
                     "Its arguments: key=value, or a dictionary as YAML or JSON")
        ->type_name("ARGS");
    add_host_options(*command_, options_);
    command_->add_flag("-o,--one-line", one_line_, "One line for each host");
    command_->add_option("-t,--tree", tree_, "Also write each host's result into a file here")
        ->type_name("FOLDER");
    command_
        ->add_option(
            "-B,--background", task_.background_seconds, "Leave it running for up to this time")
        ->type_name("SECONDS")
        ->check(whole_number());
    command_->add_option("-P,--poll", task_.poll_seconds, "How often to look then (15)")
        ->type_name("SECONDS")
        ->check(whole_number());
    command_
        ->add_option("--task-timeout", task_.timeout_seconds, "Seconds after which it is stopped")
        ->type_name("SECONDS")
        ->check(whole_number());
    command_
        ->add_option("--playbook-dir",
                     task_.folder,
                     "As if a playbook stood here: group_vars, host_vars, roles, library")
        ->type_name("FOLDER");
    command_->add_flag("--list-hosts", list_hosts_, "List the hosts, do nothing else");
  }

  [[nodiscard]] bool chosen() const override { return command_->parsed(); }
  [[nodiscard]] int usage_code() const override { return kAnsibleUsage; }

  int run() override {
    set_manner(options_.manner);
    return ansible_exit_code(static_cast<ExitCode>(run_task()));
  }

 private:
  int run_task() {
    std::vector<std::string> folders;
    if (!task_.folder.empty()) folders.push_back(fs::absolute(task_.folder).string());
    auto session = make_session(options_, folders);
    if (!session) return refused(session.error());
    session->left = &left_;
    auto hosts = hosts_in_ansible_manner(*session, task_.pattern);
    if (!hosts && !options_.limit.empty()) return refused(hosts.error());
    const std::size_t count = hosts ? hosts->size() : 0;
    if (!hosts) session->teller->warn("No hosts matched, nothing to do");
    if (list_hosts_) {
      std::cout << "  hosts (" << count << "):\n";
      for (std::size_t i = 0; i < count; ++i) std::cout << "    " << (*hosts)[i]->name() << "\n";
      return kOk;
    }
    if (needs_command(task_.module) && task_.arguments.empty()) {
      return refused(Error(ErrorCode::usage, "No argument passed to " + task_.module + " module")
                         .hint(task_.pattern.ends_with(".yml") ? "did you mean 'gpustack playbook'?"
                                                               : "give it with -a"));
    }
    auto site = load_single_task(task_, *session);
    if (!site) return refused(site.error());
    // No host is nothing to do; a pattern that cannot be read is an error.
    if (auto readable = session->inventory.select({task_.pattern}); !readable)
      return refused(readable.error());
    if (count == 0) return kOk;
    return run_on_hosts(*session, *site);
  }

  int run_on_hosts(Session& session, LoadedSite& site) {
    auto output = make_sink(session);
    if (!output) return refused(output.error());
    const auto told_once = session.teller->without_told(std::move(*output));
    if (tree_.empty()) return run_site(session, site, options_, *told_once);
    TreeOutput tree(tree_, options_.verbosity, *session.teller);
    report::Tee both({told_once.get(), &tree});
    return run_site(session, site, options_, both);
  }

  /// `-o`, else `--output`, else the callback that the environment names, else Ansible's `minimal`.
  Result<std::unique_ptr<report::Sink>> make_sink(const Session& session) const {
    if (!options_.output.empty()) return make_output(options_, session);
    static report::DescriptorOutput out(STDOUT_FILENO);
    static report::DescriptorOutput err(STDERR_FILENO);
    report::RendererOptions render = report::terminal_options();
    render.verbosity = options_.verbosity;
    GS_TRY(const auto lines, host_lines());
    return report::make_minimal_renderer(render, lines, out, err);
  }

  Result<report::HostLines> host_lines() const {
    if (one_line_) return report::HostLines::one;
    const char* loads = std::getenv("ANSIBLE_LOAD_CALLBACK_PLUGINS");
    const char* name = std::getenv("ANSIBLE_STDOUT_CALLBACK");
    if (loads == nullptr || name == nullptr) return report::HostLines::several;
    const auto is_wanted = parse_bool(Value(loads));
    const std::string_view callback = name;
    if (!is_wanted || !*is_wanted || callback == "default" || callback == "minimal" ||
        callback == "ansible.builtin.minimal")
      return report::HostLines::several;
    if (callback == "oneline" || callback == "ansible.builtin.oneline")
      return report::HostLines::one;
    return Error(ErrorCode::config_invalid,
                 "ANSIBLE_STDOUT_CALLBACK: expected minimal or oneline, found '" +
                     std::string(callback) + "'");
  }

  [[nodiscard]] int refused(const Error& error) const {
    print_error(error);
    switch (error.code()) {
      case ErrorCode::unknown_module:
        return kSiteDoesNotLoad;
      case ErrorCode::unknown_argument:
      case ErrorCode::missing_argument:
      case ErrorCode::invalid_argument:
      case ErrorCode::argument_conflict:
        return kFailedHosts;  // what Ansible finds out on every host
      default:
        return ansible_code_before_run(error);
    }
  }

  CLI::App* command_ = nullptr;
  CommonOptions options_;
  SingleTask task_;
  bool one_line_ = false;
  bool list_hosts_ = false;
  std::string tree_;
};

}  // namespace

std::unique_ptr<Verb> make_adhoc() { return std::make_unique<AdhocVerb>(); }

}  // namespace gpustack::cli
