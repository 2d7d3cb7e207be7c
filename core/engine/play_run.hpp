#pragma once
/// @file One play over one batch of hosts: each host is a coroutine that walks the tree of blocks
/// and tasks.

#include "core/async/task_group.hpp"
#include "core/engine/event_order.hpp"
#include "core/engine/run.hpp"

#include <deque>
#include <unordered_map>

namespace gpustack::engine {

enum class AfterBatch : std::uint8_t { next_batch, next_play, end_site };

/// What one task did on one host, before flow control looks at it.
struct TaskOutcome {
  Value result;
  bool skipped = false;
  bool failed = false;
  bool unreachable = false;
  bool ignored = false;
  bool dropped = false;  ///< a task before it ended the host's way: nothing was told or kept of it
  TaskOutcome() = default;
};

/// Thread: the run's executor.
class PlayRun {
 public:
  PlayRun(Run& run, PlayState& play, const asio::any_io_executor& executor);

  /// Walks every host of the batch through the play.
  /// @return where to go on. Ansible ends the whole site when a batch lost all its hosts, or too
  ///         many of them.
  Async<AfterBatch> run_batch();

  Run& run() { return run_; }
  PlayState& play() { return play_; }
  HostRun* host_run(const std::string& host);
  /// Makes the tasks of another role's handlers known (include_role).
  void add_role(const play::Role& role);
  /// The same for every role that import_role brought below a block.
  void add_imported(const play::Block& block);
  /// Resolves a notification to handlers; an unknown name is an error.
  Result<std::vector<const play::Task*>> handlers_named(const std::string& name, Scope& scope);
  void end_play() { ended_ = true; }
  void end_batch() { ended_batch_ = true; }
  void clear_host_errors();
  /// What a task brings when this condition does not hold.
  const Value& skipped_result(const play::Condition& condition);
  /// Where the checked arguments of a task are kept that are the same for every host, null before
  /// the first one; nullptr when they may differ.
  Value* fixed_arguments(const play::Task& task);
  /// A task that runs; the host has one place among `forks` for all of them.
  class Place {
   public:
    explicit Place(HostRun* host) : host_(host) { ++host_->running; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (--host_->running == 0) host_->pass.leave();
    }

   private:
    HostRun* host_;
  };
  /// Whether the items of its loop may be sent without waiting for the results between.
  [[nodiscard]] bool may_send_together(const play::Task& task) const;
  /// Tells what a host does now.
  void show_first(HostRun& host);
  /// Told when the hosts have come to `at`.
  void emit(const Position& at, report::Event&& event) { order_.emit(at, std::move(event)); }
  /// The number of the task that was announced there, 0 for none.
  [[nodiscard]] std::uint64_t announced(const Position& at) const;
  /// Waits until no host has a task in flight that stands before `at`.
  Async<void> settle_hosts(const Position& at);
  /// All facts of a host on which only those were gathered that the texts of the site name: another
  /// one is read. @error engine  they cannot be gathered; what reaching the host reports
  Async<void> gather_rest(HostRun& host);
  /// Ends the run for a fault of the site: the other hosts stop before their next task.
  Error stop_for(Error fault);
  /// To be called before its tasks in flight are waited for: what was sent leaves now.
  static void hurry(const HostRun& host);
  /// Counts the host's first tasks that have no coroutine, as far as they are done.
  void count_ready(HostRun& host);

 private:
  /// Tasks of one host that may be in flight, and of all: each holds a few KiB.
  static constexpr std::size_t kMostInFlight = 256;
  static constexpr std::size_t kFewInFlight = 16;
  static constexpr std::size_t kMostInFlightOfAll = 16'384;

  /// How a task of the play may overlap with those of the same host.
  struct Overlap {
    bool may_begin_early = false;  ///< before the results of those before it
    bool may_be_left = false;      ///< once it is sent
    bool brings_facts = false;     ///< which those behind it may read
    bool is_straight = false;      ///< evaluated, sent and judged, with nothing to wait for between
  };
  /// What a task in flight sees, though the host has gone on.
  struct Sight;

  /// After twice this time at most nobody waits for a host that is slow.
  static constexpr std::chrono::milliseconds kPatience{250};
  /// Events that may wait for slow hosts: some 100 MiB.
  static constexpr std::size_t kMostHeldEvents = 100'000;

  struct OnceSlot {
    explicit OnceSlot(const asio::any_io_executor& executor) : done(executor) {}
    async::Event done;
    Value result;
    Flow flow = Flow::go_on;
  };
  /// The answer to --step's question about a task; one host asks for all.
  struct Step {
    explicit Step(const asio::any_io_executor& executor) : done(executor) {}
    async::Event done;
    bool runs = true;
  };
  /// One included file or role, ready to be walked.
  struct IncludeStep {
    const play::Block* block = nullptr;
    const play::Role* role = nullptr;
    std::uint32_t order = 0;  ///< child number below the including task
    Value frame;              ///< loop variables
    std::string shown;        ///< path or name for the report
  };

  Async<void> walk(HostRun& host);
  Async<Flow> run_sections(HostRun& host);
  /// A section's tasks, then the handlers they notified.
  Async<Flow> run_with_handlers(HostRun& host, const play::Block* tasks, std::uint32_t section);
  Async<Flow> run_section(HostRun& host,
                          const std::vector<std::unique_ptr<play::Node>>& nodes,
                          Position at);
  Async<Flow> run_node(HostRun& host, const play::Node& node, Position at);
  Async<Flow> run_block(HostRun& host, const play::Block& block, Position at);
  Async<Flow> run_role(HostRun& host, const play::Role& role, Position at);
  Async<Flow> run_task(HostRun& host, const play::Task& task, Position at);
  /// Behind the results of all tasks before it, and before those behind it.
  Async<Flow> run_alone(HostRun& host, const play::Task& task, Position at);
  /// Behind what was sent before; what comes behind may be sent before its result is back.
  Async<Flow> run_ahead(HostRun& host, const play::Task& task, Position at, Overlap overlap);
  /// run_ahead() from there on where the task has its place in the pipeline.
  Async<Flow> go_ahead(HostRun& host,
                       const play::Task& task,
                       Pipeline::Flight& flight,
                       Position at);
  /// The task, where it runs and needs no coroutine of its own; else nullptr.
  const play::Task* straight_task(HostRun& host, const play::Node& node);
  /// Begins such a one, unless the host's way has ended meanwhile.
  /// @return its place in the pipeline when it needs a coroutine after all, else nullptr
  Pipeline::Flight* begin_straight(HostRun& host, const play::Task& task, const Position& at);
  void count_straight(HostRun& host, Pipeline::Flight& flight);
  /// The host's walk has come to a task.
  void come_to(HostRun& host, const Position& at);
  /// Begins it; returns when the next one may begin.
  Async<void> begin(HostRun& host,
                    const play::Task& task,
                    Pipeline::Flight& flight,
                    std::shared_ptr<Value> included);
  /// A task from its evaluation to the counting of its result. @param included  what run_included()
  /// takes, for an include that holds
  Async<void> fly(HostRun& host,
                  const play::Task& task,
                  Pipeline::Flight& flight,
                  std::unique_ptr<Sight> sight,
                  std::shared_ptr<Value> included);
  /// Waits for the tasks in flight. @return how the host goes on
  Async<Flow> settle(HostRun& host);
  void finish(HostRun& host, Pipeline::Flight& flight, Result<Flow> flow);
  void end_flight(HostRun& host, Pipeline::Flight& flight, Result<Flow> flow);
  Overlap overlap_of(HostRun& host, const play::Task& task);
  Overlap find_overlap(HostRun& host, const play::Task& task);
  /// Whether tasks of this play may overlap at all.
  [[nodiscard]] bool may_overlap() const;
  /// Sees to it that hosts are waited for a short time only; until it is stopped.
  Async<void> leave_slow_hosts_behind();
  /// settle(), where the host goes on as it is.
  Async<Flow> settle_after(HostRun& host, Result<Flow> flow);
  void leave(const HostRun& host);
  Async<Flow> run_included(HostRun& host, const play::Task& task, Position at, Value result);
  Result<IncludeStep> load_included(const play::Task& task,
                                    const Position& at,
                                    const Value& instance,
                                    std::uint32_t item_number);
  Flow fail_include(HostRun& host, const play::Task& task, const Position& at, const Error& error);
  Async<Flow> flush_handlers(HostRun& host, Position at);
  Async<Flow> gather_facts(HostRun& host, Position at);
  /// Whether the play leaves open what is gathered, and nobody else is to see it.
  [[nodiscard]] bool gathers_as_read() const;
  void look_for_read_facts();
  Value setup_arguments();
  std::unique_ptr<play::Task> make_setup_task(Value arguments) const;
  Async<Flow> run_meta(HostRun& host, const play::Task& task, Position at);
  Result<bool> meta_holds(Scope& scope, const play::Task& task, bool has_condition);
  void tell_meta(HostRun& host, const play::Task& task, const Position& at, bool holds);
  bool should_run(HostRun& host, const play::Task& task);
  [[nodiscard]] bool tags_chosen(HostRun& host, const play::Task& task);
  /// What became of the play meanwhile; go_on when nothing did.
  Flow stopped_flow(HostRun& host);
  /// How the host goes on without the task; nothing when it runs the task. Waits for its turn.
  Async<std::optional<Flow>> flow_without(HostRun& host,
                                          const play::Task& task,
                                          const Position& at,
                                          Overlap overlap);
  /// --step: whether the person at the terminal wants the task to run. @error usage  nobody answers
  Async<bool> is_wanted(const play::Task& task, const Position& at);
  /// False before the task of --start-at-task.
  bool has_started(HostRun& host, const play::Task& task);
  /// What a run_once task brought to the host that ran it counts for this one, too.
  Flow take_once_result(HostRun& host, const play::Task& task, const OnceSlot& slot);
  Flow count_outcome(HostRun& host, const play::Task& task, const TaskOutcome& outcome);
  Flow finish_task(HostRun& host, Flow flow, bool any_errors_fatal);
  void announce(const play::Task& task, const Position& at, const std::string& name);
  /// A place among the hosts that `throttle` lets run the task at once.
  Async<async::Gate::Pass> enter_throttle(Scope& scope, const play::Task& task);
  /// The task itself, or with the module that its template for a name stands for on this host.
  const play::Task& with_module(Scope& scope, const play::Task& task);
  /// Lets no host begin what stands behind `at`.
  void stop_behind(const Position& at);

  Run& run_;
  PlayState& play_;
  asio::any_io_executor executor_;
  std::deque<HostRun> hosts_;
  Lockstep lockstep_;
  EventOrder order_;
  async::TaskGroup flights_;
  async::Condition settled_;  ///< notified when a task has counted
  bool overlaps_ = false;     ///< tasks of a host may
  bool waits_for_slow_hosts_ = true;
  std::size_t most_in_flight_ = kFewInFlight;
  std::unordered_map<const play::Task*, Overlap> overlap_;
  std::map<Position, std::uint64_t> announced_;
  /// The last of them: hosts come to a task one after another.
  std::pair<Position, std::uint64_t> last_announced_;
  std::map<Position, std::unique_ptr<OnceSlot>> once_;
  std::map<Position, std::unique_ptr<Step>> steps_;
  std::set<Position> refreshed_;  ///< `meta: refresh_inventory`: once for all hosts
  std::set<Position> said_meta_;  ///< meta tasks that speak once for all hosts
  std::map<std::pair<Position, std::string>, std::uint32_t> include_numbers_;
  std::map<std::pair<const play::Task*, std::string>, std::unique_ptr<play::Block>>
      included_blocks_;
  std::map<std::pair<const play::Task*, std::string>, std::unique_ptr<play::Role>> included_roles_;
  std::map<const play::Task*, std::unique_ptr<async::Gate>> throttles_;
  std::set<const play::Task*> warned_handlers_;
  std::unordered_map<const play::Task*, bool> chosen_;  ///< by its tags, where all are literal
  std::unordered_map<const play::Condition*, Value> skipped_results_;
  std::unordered_map<const play::Task*, std::optional<Value>> fixed_arguments_;
  std::vector<const play::Task*> handlers_;  ///< in the order they run
  std::unique_ptr<play::Task> setup_task_;
  std::size_t failed_count_ = 0;
  bool ended_ = false;
  bool ended_batch_ = false;
  bool aborted_ = false;                    ///< any_errors_fatal or max_fail_percentage
  std::optional<Position> abort_position_;  ///< of the task that led to it
  std::optional<Error> site_fault_;         ///< a fault of the site and of no host: it ends the run
};

/// The place of the `number`-th child of what stands at a position.
Position child_position(Position at, std::uint32_t number);

/// Runs one task on one host: loop, conditions, arguments, attempts, registration, events.
/// @param scope   of the task on this host
/// @param flight  the last of the host's pipeline
Async<TaskOutcome> execute_task(
    PlayRun& play, HostRun& host, const play::Task& task, Scope& scope, Pipeline::Flight& flight);

/// The task's name as shown: rendered, with its role in front; the action when it has none.
std::string task_title(Scope& scope, const play::Task& task);

}  // namespace gpustack::engine
