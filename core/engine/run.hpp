#pragma once
/// @file One run of a site: plays over batches of hosts, tasks over hosts, results as events.

#include "core/async/async.hpp"
#include "core/async/event.hpp"
#include "core/async/pool.hpp"
#include "core/engine/pipeline.hpp"
#include "core/engine/scope.hpp"
#include "core/engine/settings_cache.hpp"
#include "core/engine/state.hpp"
#include "core/engine/target.hpp"
#include "core/engine/task_settings.hpp"
#include "core/play/loader.hpp"
#include "core/play/tags.hpp"
#include "core/report/event.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gpustack::engine {

/// Opens and keeps connections. Replaced by a fake in tests.
class TargetPool {
 public:
  virtual ~TargetPool() = default;
  /// The connection for these settings, opened on first use.
  /// @error unreachable and the other transport errors
  virtual Async<Target*> get(std::string host, ConnectionSettings settings) = 0;
  virtual Async<void> close_all() = 0;
};

/// Asks the person at the terminal (vars_prompt, pause). Answers may be unavailable.
class Prompter {
 public:
  virtual ~Prompter() = default;
  virtual Result<std::string> ask(const std::string& prompt, bool is_private) = 0;
  [[nodiscard]] virtual bool is_interactive() const = 0;
};

/// One host going through one play.
struct HostRun {
  explicit HostRun(const asio::any_io_executor& executor) : pipeline(executor) {}

  HostState* state = nullptr;
  std::size_t number = 0;                   ///< in the batch
  std::vector<const play::Task*> notified;  ///< handlers to run at the next flush
  std::set<std::string> roles_done;         ///< signatures of roles that ran
  std::vector<Value> include_frames;  ///< loop variables of the includes we are in, outermost first
  SettingsCache settings;
  Position position;         ///< of the task it has come to
  Target* target = nullptr;  ///< to which the last task went
  async::Gate::Pass pass;    ///< one of `forks`, while `running` is above 0
  std::size_t running = 0;   ///< tasks that were sent and have no result yet
  bool is_cleared = false;   ///< `clear_host_errors` came after the last failure
  int rescue_depth = 0;      ///< blocks with `rescue` around the running task
  int always_depth = 0;      ///< blocks around the running task whose `always` is still to come
  bool has_started = true;   ///< false while it looks for the task of --start-at-task
  Pipeline pipeline;         ///< goes first: its tasks give back what they hold
};

/// The exit codes of ssh-style tools: see docs/exit-codes.md.
struct RunSummary {
  std::map<std::string, report::HostStats> stats;
  int exit_code = 0;
};

class PlayRun;

/// Thread: the executor given to run().
class Run {
 public:
  Run(RunState& state,
      play::Loader& loader,
      TargetPool& targets,
      report::Sink& sink,
      Prompter* prompter);

  /// Runs all plays of the site. Errors of hosts are in the summary; an Error means the run could
  /// not go on.
  /// @cancel  running tasks are stopped, later ones not started
  Async<RunSummary> run(const play::Site& site);

  RunState& state() { return state_; }
  play::Loader& loader() { return loader_; }
  TargetPool& targets() { return targets_; }
  ContentStore& contents() { return contents_; }
  /// Null = nobody to ask.
  [[nodiscard]] const Prompter* prompter() const { return prompter_; }
  /// Asks the prompter, away from the event loop: connections want their pings meanwhile.
  /// @cancel  the question stays on the screen, its answer is dropped
  Async<std::string> ask(std::string prompt, bool is_private);
  async::Gate& gate() { return *gate_; }
  report::HostStats& stats(const std::string& host) { return stats_[host]; }
  Value& custom_stats() { return custom_stats_; }
  [[nodiscard]] const play::TagChoice& tag_choice() const { return tag_choice_; }
  std::uint64_t next_task_id() { return ++task_ids_; }
  void emit(report::Event&& event);
  void warn(std::string message, SourceSpan span = {});
  /// Whether any task was begun on any host.
  [[nodiscard]] bool has_begun() const { return task_ids_ > 0; }
  /// --start-at-task: is this the task? Each host of the first batch that holds it looks for
  /// itself; later batches and plays run whole.
  [[nodiscard]] bool is_start(const play::Task& task) const;
  [[nodiscard]] bool looks_for_start() const {
    return !state_.options.start_at_task.empty() && !reached_start_;
  }
  void reach_start() { reached_start_ = true; }
  /// Whether a task to start at is looked for and the play has none: nothing of it runs then, not
  /// even the gathering of facts.
  [[nodiscard]] bool is_before_start(const play::Play& play) const;

  /// Loads a play's `vars_files` for one host. An entry that cannot be named before facts are
  /// gathered is noted in `play_state.vars_files_waiting`; afterwards it is an error.
  /// @error file_not_found, undefined_variable, yaml_type, and those of YAML and vault
  Result<void> load_vars_files(const play::Play& play,
                               const std::vector<Value>& entries,
                               PlayState& play_state,
                               HostState& host);

 private:
  Async<bool> run_play(const play::Play& play);
  Async<bool> run_batches(PlayState& play_state, std::vector<std::vector<std::string>> batches);
  void announce_play(PlayState& play_state, Scope& scope, std::vector<std::string> hosts);
  void tell_no_hosts(const PlayState& play_state, report::EventType what);
  /// Failed or unreachable in an earlier play or batch.
  bool is_lost(const std::string& host);
  Result<void> check_before(const play::Site& site);
  void warn_of_waiting_files(const PlayState& play_state);
  Result<void> check_play(const play::Play& play, bool is_first);
  /// Of the playbook that begins with this play, if one does.
  void announce_playbook(const play::Site& site, std::size_t play);
  Result<std::string> order_of(const play::Play& play, Scope& scope) const;
  Result<bool> is_free(const play::Play& play, Scope& scope) const;
  [[nodiscard]] bool is_omitted(const Value& value) const;
  Result<inventory::Selection> selected(const play::Play& play,
                                        Scope& scope,
                                        const std::string& wanted_order);
  Result<std::vector<std::string>> play_hosts(const play::Play& play,
                                              Scope& scope,
                                              const std::string& wanted_order);
  Result<std::vector<std::vector<std::string>>> batches(const play::Play& play,
                                                        Scope& scope,
                                                        std::vector<std::string> hosts);
  Async<std::string> ask_prompt(const play::VarsPrompt& prompt);
  Async<void> ask_prompts(const play::Play& play, Value& answers);

  RunState& state_;
  play::Loader& loader_;
  TargetPool& targets_;
  report::Sink& sink_;
  Prompter* prompter_;
  async::Pool prompts_{"prompts", 1};
  ContentStore contents_;
  play::TagChoice tag_choice_;
  std::optional<async::Gate> gate_;
  std::map<std::string, report::HostStats> stats_;
  Value custom_stats_;
  std::set<std::string> warned_patterns_;
  std::set<std::string> warned_files_;  ///< places of vars_files
  std::uint64_t task_ids_ = 0;
  bool reached_start_ = false;
};

}  // namespace gpustack::engine
