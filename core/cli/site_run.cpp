#include "core/cli/site_run.hpp"

#include "core/async/task_group.hpp"
#include "core/base/suggest.hpp"
#include "core/cli/exit_codes.hpp"
#include "core/cli/stop_signals.hpp"
#include "core/config/config.hpp"
#include "core/engine/live_target.hpp"
#include "core/engine/run.hpp"
#include "core/play/lint.hpp"
#include "core/play/static_render.hpp"
#include "core/play/visit.hpp"
#include "core/report/renderer.hpp"
#include "core/report/text.hpp"
#include "core/transport/held_connections.hpp"
#include "inventory/pattern.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

namespace gpustack::cli {

namespace fs = std::filesystem;

namespace {

/// Asks on the controlling terminal.
class TerminalPrompter final : public engine::Prompter {
 public:
  Result<std::string> ask(const std::string& prompt, bool is_private) override {
    if (is_private) return ask_secret(prompt);
    std::cerr << prompt << std::flush;
    std::string line;
    if (!std::getline(std::cin, line))
      return Error(ErrorCode::usage, "no answer to '" + prompt + "'");
    return line;
  }
  [[nodiscard]] bool is_interactive() const override { return ::isatty(STDIN_FILENO) != 0; }
};

Async<void> run_into(engine::Run& run,
                     const play::Site& site,
                     std::optional<Result<engine::RunSummary>>* out) {
  out->emplace(co_await run.run(site));
  co_return Result<void>();
}

/// Stops the run at the first Ctrl-C: running tasks are told to end.
Async<void> watch_signals(StopSignals& signals, async::TaskGroup& runs, bool& is_stopped) {
  auto waiting = signals.wait();
  const Result<int> number = co_await std::move(waiting);
  if (!number) co_return Result<void>();
  is_stopped = true;
  std::cerr << "\ngpustack: stopping; once more to leave at once\n";
  runs.stop();
  co_return Result<void>();
}

Async<void> supervise(engine::Run& run,
                      const play::Site& site,
                      std::optional<Result<engine::RunSummary>>* out,
                      bool* is_stopped) {
  const auto executor = co_await asio::this_coro::executor;
  StopSignals signals(executor);
  async::TaskGroup runs(executor, 1);
  async::TaskGroup watchers(executor, 1);
  auto watcher = watch_signals(signals, runs, *is_stopped);
  watchers.spawn_now(std::move(watcher));
  auto work = run_into(run, site, out);
  runs.spawn_now(std::move(work));
  static_cast<void>(co_await runs.join());
  signals.cancel();
  static_cast<void>(co_await watchers.join());
  co_return Result<void>();
}

/// The errors from `begin` on are of templates, whose tasks fail when they are reached.
void defer_errors(play::Findings& findings, std::size_t begin) {
  for (std::size_t at = begin; at < findings.errors.size(); ++at) {
    const Error& error = findings.errors[at];
    findings.warnings.push_back(
        yaml::Warning{error.message() + ": what uses it fails when it is reached", error.span()});
  }
  findings.errors.erase(findings.errors.begin() + static_cast<std::ptrdiff_t>(begin),
                        findings.errors.end());
}

void print_findings(const play::Findings& findings, Teller& teller) {
  for (const auto& warning : findings.warnings) teller.warn(warning.message, warning.span);
  for (const Error& error : findings.errors) print_error(error);
}

}  // namespace

Result<std::vector<std::string>> playbook_folders(const std::vector<std::string>& playbooks) {
  std::vector<std::string> folders;
  for (const std::string& playbook : playbooks) {
    std::error_code problem;
    if (!fs::exists(playbook, problem)) {
      std::vector<std::string> names;
      const fs::path folder = fs::absolute(playbook).parent_path();
      for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
           entry.increment(problem)) {
        names.push_back(entry->path().filename());
      }
      return Error(ErrorCode::file_not_found, "the playbook '" + playbook + "' could not be found")
          .hint(suggest(fs::path(playbook).filename().string(), names));
    }
    folders.push_back(fs::absolute(playbook).parent_path().lexically_normal().string());
  }
  return folders;
}

std::optional<LoadedSite> load_site(const std::vector<std::string>& playbooks, Session& session) {
  play::LoadOptions options;
  options.role_paths = session.run.role_paths;
  options.library_paths = session.run.library_paths;
  options.vault = session.vault.get();
  options.extra_vars = session.run.extra_vars;
  options.collection_paths = session.collection_paths;
  options.task_faults = session.task_faults;
  LoadedSite loaded;
  loaded.loader = std::make_unique<play::Loader>(std::move(options));
  loaded.site = loaded.loader->load(playbooks);
  play::Findings findings = loaded.loader->findings();
  if (loaded.site) {
    const std::size_t before = findings.errors.size();
    play::check_templates(*loaded.site, loaded.state->templates, findings);
    if (session.task_faults == play::TaskFaults::defer) defer_errors(findings, before);
  }
  print_findings(findings, *session.teller);
  if (!findings.errors.empty() || !loaded.site) return std::nullopt;
  return loaded;
}

bool check_includes(LoadedSite& site, Teller& teller) {
  const play::Findings before = site.loader->findings();
  const auto nodes = site.loader->follow_includes(*site.site);
  play::Findings findings = site.loader->findings();
  // Those of the site itself were printed when it was loaded.
  const auto drop = [](auto& list, std::size_t count) {
    list.erase(list.begin(),
               list.begin() + static_cast<std::ptrdiff_t>(std::min(count, list.size())));
  };
  drop(findings.errors, before.errors.size());
  drop(findings.warnings, before.warnings.size());
  for (const play::Node* node : nodes)
    play::check_templates(*node, site.state->templates, findings);
  print_findings(findings, teller);
  return findings.errors.empty();
}

Result<void> check_start_task(const play::Site& site, const engine::RunOptions& options) {
  const std::string& name = options.start_at_task;
  if (name.empty()) return {};
  play::TagChoice choice;
  choice.only = play::parse_tags(options.tags);
  choice.skip = play::parse_tags(options.skip_tags);
  std::vector<std::string> known;
  bool found = false;
  const play::Task* left_out = nullptr;
  for (const auto& play : site.plays) {
    play::visit_tasks(*play, [&](const play::Task& task) {
      const play::Role* role = task.role();
      for (const std::string& title :
           {task.name, role != nullptr ? role->fqcn + " : " + task.name : task.name}) {
        known.push_back(title);
        if (title != name && (title.empty() || !inventory::glob_matches(name, title))) continue;
        if (play::may_be_chosen(task, choice, options.extra_vars)) {
          found = true;
        } else if (left_out == nullptr) {
          left_out = &task;
        }
      }
    });
  }
  if (found) return {};
  if (left_out != nullptr) {
    const play::TagSet tags = play::tags_at_load(*left_out, options.extra_vars);
    return Error(ErrorCode::usage,
                 "--start-at-task: --tags and --skip-tags leave out the task '" + name + "'")
        .at(left_out->span)
        .hint(tags.empty() ? std::string("it has no tags")
                           : fmt::format("its tags: {}", fmt::join(tags, ", ")));
  }
  std::string hint = suggest(name, known);
  if (hint.empty())
    hint = "'--list-tasks' shows the names; tasks of dynamic includes have none yet";
  return Error(ErrorCode::usage, "--start-at-task: no task is named '" + name + "'").hint(hint);
}

namespace {

/// For an error that ended the run after tasks had begun.
int code_within_run(const Error& error, Manner manner) {
  const bool is_in_site = error.span().known() && error.code() != ErrorCode::engine;
  return manner == Manner::ansible && is_in_site ? kSiteDoesNotLoad : kOtherError;
}

int code_of(const engine::RunSummary& summary, const CommonOptions& options) {
  if (summary.exit_code != kOk || !options.detailed_exit_code) return summary.exit_code;
  const bool has_changes =
      std::ranges::any_of(summary.stats, [](const auto& host) { return host.second.changed > 0; });
  return has_changes ? kChanges : kOk;
}

/// @error host_pattern
Result<void> check_limited(const Session& session) {
  if (session.run.limit.empty() || session.inventory.hosts().empty()) return {};
  const auto limited = session.inventory.select({"all"}, {session.run.limit});
  if (!limited || !limited->hosts.empty()) return {};
  return Error(ErrorCode::host_pattern, "specified hosts and/or --limit does not match any hosts");
}

/// What ansible-playbook says at the end of a run that never came to the task to start at.
void tell_start_not_found(const play::Site& site, engine::Run& run) {
  if (!run.looks_for_start()) return;
  const std::string& name = run.state().options.start_at_task;
  // A blank comes before the bracket, and counts for the width.
  std::string text = report::wrapped("_[ERROR]: No matching task \"" + name +
                                         "\" found. Note: --start-at-task can only follow static "
                                         "includes.",
                                     report::terminal_options().columns);
  text.front() = ' ';
  std::cerr << text << "\n";
  const auto known = check_start_task(site, run.state().options);
  if (!known) std::cerr << "  = hint: " << known.error().hint() << "\n";
}

/// With `-vvv`, as Ansible shows what it executes.
void tell_become_commands(engine::LiveTargetPool& targets, engine::Run& run) {
  constexpr int kVerbosity = 3;
  if (run.state().options.verbosity < kVerbosity) return;
  targets.on_become([&run](const std::string& host, const std::string& command) {
    report::Event told(report::EventType::message);
    told.host = host;
    told.message = "<" + host + "> EXEC " + command;
    told.verbosity = kVerbosity;
    run.emit(std::move(told));
  });
}

void time_connections(engine::LiveTargetPool& targets, report::Timings* timings) {
  if (timings == nullptr) return;
  targets.on_open([timings](const std::string& host, const transport::OpenReport& report) {
    timings->connected(host, report.connect_time, report.runner_time);
  });
}

transport::ConnectorSettings connector_settings(const config::SiteConfig& settings,
                                                transport::RunnerStore runners) {
  transport::ConnectorSettings out;
  out.runners = std::move(runners);
  out.handshakes = static_cast<std::size_t>(settings.number("handshakes"));
  out.refused_pause = std::chrono::seconds(settings.number("refused_pause_seconds"));
  out.refused_tries = static_cast<int>(settings.number("refused_tries"));
  out.ping_interval = std::chrono::seconds(settings.number("keepalive_seconds"));
  out.ping_misses = static_cast<int>(settings.number("keepalive_misses"));
  out.hold_time = std::chrono::seconds(settings.number("persist"));
  return out;
}

}  // namespace

namespace {

/// Where connections are left for the next run, or nothing where they are not.
std::optional<transport::HoldFolder> hold_folder(const Session& session,
                                                 const CommonOptions& options) {
  if (session.left == nullptr || options.no_persist || session.settings.number("persist") == 0)
    return std::nullopt;
  const std::string path = transport::HoldFolder::default_path(config::process_sources().home);
  auto folder = transport::HoldFolder::open(path, transport::HoldFolder::Missing::make);
  if (folder) return std::move(*folder);
  // Somebody else's folder in our place is worth a word; one that cannot be made is not.
  if (folder.error().code() == ErrorCode::file_unwritable) {
    session.teller->warn(folder.error().message() + "; connections are not held (" +
                         folder.error().hint() + ")");
  }
  return std::nullopt;
}

int code_of_run(const std::optional<Result<engine::RunSummary>>& summary,
                const CommonOptions& options,
                bool has_begun) {
  if (!summary) return kOtherError;
  if (*summary) return code_of(**summary, options);
  if (has_begun) return code_within_run(summary->error(), options.manner);
  print_error(summary->error());  // later on the output has told it
  return options.manner == Manner::ansible ? ansible_code_before_run(summary->error())
                                           : code_before_run(summary->error());
}

/// The run itself; `kept` gets the logins that it leaves.
int run_in(asio::io_context& context,
           Session& session,
           LoadedSite& site,
           const CommonOptions& options,
           report::Sink& output,
           transport::ConnectorSettings settings,
           std::vector<transport::HeldConnection>& kept) {
  engine::LiveTargetPool targets(context.get_executor(), std::move(settings));
  const auto owned_state = std::exchange(site.state, std::make_unique<engine::RunState>());
  engine::RunState& state = *owned_state;
  state.options = session.run;
  state.options.pipelining = session.settings.boolean("pipelining");
  state.inventory = &session.inventory;
  state.vault = session.vault.get();
  state.observer = session.observer;
  if (!session.run.fact_cache_folder.empty())
    state.fact_cache.emplace(session.run.fact_cache_folder,
                             session.run.fact_cache_prefix,
                             std::chrono::seconds(session.run.fact_cache_seconds));
  state.options.timings = session.timings != nullptr;
  std::vector<report::Sink*> sinks{&output};
  if (session.timings != nullptr) sinks.push_back(session.timings);
  report::Tee tee(std::move(sinks));
  TerminalPrompter prompter;
  engine::Run run(state, *site.loader, targets, tee, &prompter);
  targets.serve(run.contents());
  tell_become_commands(targets, run);
  time_connections(targets, session.timings);
  std::optional<Result<engine::RunSummary>> summary;
  bool is_stopped = false;
  auto work = supervise(run, *site.site, &summary, &is_stopped);
  static_cast<void>(async::run_to_end(context, std::move(work)));
  output.flush();
  if (is_stopped) return kStopped;
  kept = targets.take_kept();
  if (options.manner == Manner::ansible && summary && *summary)
    tell_start_not_found(*site.site, run);
  return code_of_run(summary, options, run.has_begun());
}

/// A file; empty without a home.
std::string runner_notes_path(const std::string& home) {
  return home.empty() ? std::string() : home + "/.cache/gpustack-runners";
}

}  // namespace

int run_site(Session& session,
             LoadedSite& site,
             const CommonOptions& options,
             report::Sink& output) {
  auto runners = transport::RunnerStore::from_folder(
      session.places.runners, runner_notes_path(config::process_sources().home));
  if (!runners) {
    print_error(runners.error());
    return kOtherError;
  }
  if (const auto limited = check_limited(session); !limited) {
    print_error(limited.error());
    return kOtherError;
  }
  auto settings = connector_settings(session.settings, std::move(*runners));
  auto folder = hold_folder(session, options);
  if (folder) settings.hold_folder = folder->path();
  const std::chrono::milliseconds ping_interval = settings.ping_interval;
  auto context = std::make_unique<asio::io_context>(1);
  std::vector<transport::HeldConnection> kept;
  const int code = run_in(*context, session, site, options, output, std::move(settings), kept);
  if (folder && !kept.empty()) {
    auto left =
        std::make_unique<transport::HeldConnections>(std::move(context), std::move(*folder));
    left->connections = std::move(kept);
    left->ping_interval = ping_interval;
    *session.left = std::move(left);
  }
  return code;
}

}  // namespace gpustack::cli
