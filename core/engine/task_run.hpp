#pragma once
/// @file One task on one host, from its loop to its events.

#include "core/engine/play_run.hpp"

#include <optional>

namespace gpustack::engine {

/// Whether a key of a result is there and true.
bool flag(const Value& result, std::string_view key);
/// Takes away what was for the renderers only.
void drop_place(Value& result);

/// Whether the controller only renders the task and sends it, doing nothing that anyone can see.
bool is_sent_only(const play::Task& task);

/// The first condition of `node`, outermost ancestor first, that does not hold; nullptr when all
/// do. @error what evaluating a condition reports, in Ansible's words
Result<const play::Condition*> false_condition(Scope& scope, const play::Node& node);

struct LoopSummary;

/// The work of execute_task for one host: keeps what loop items and attempts share.
class TaskRun {
 public:
  TaskRun(
      PlayRun& play, HostRun& host, const play::Task& task, Scope& scope, Pipeline::Flight& flight)
      : play_(play), host_(host), task_(task), scope_(scope), flight_(flight) {}

  Async<TaskOutcome> run();

  /// What a task on one item comes to before it is run: a result, or what its module is given.
  struct Prepared {
    std::optional<Value> result;
    Value arguments = {};
  };
  /// Evaluates a task without a loop. @return nothing when it reads what is still to come
  std::optional<Prepared> prepare_at_once();
  /// As prepared.
  [[nodiscard]] const TaskSettings& settings() const { return settings_; }
  /// Judges, keeps and tells what the host answered. @pre the task is the host's first
  /// @error a handler that is not there, where that ends the run
  Result<TaskOutcome> conclude_sent(Value result);
  /// Keeps and tells a result. @pre the task is the host's first
  TaskOutcome outcome_of(Value result);

 private:
  Result<std::optional<List>> loop_items();
  /// How often `until` lets a task run, and the seconds between two attempts.
  struct Attempts {
    std::int64_t most = 1;
    std::int64_t delay = 5;
  };

  /// Whether the task is the host's first; sets is_dropped_ then.
  bool has_turn();
  /// Waits until it is.
  Async<void> turn();
  /// The result; begins again where something was read that was still to come.
  Async<Value> run_with_all_known();
  Async<Value> run_items();
  Async<Value> run_loop(List items);
  Async<void> pause_before(std::size_t index);
  /// Adds what a loop adds to the result of one item, and reports it.
  Result<void> finish_item(Value& result, const Value& item, std::size_t index);
  /// Of a task whose module is not there, or whose name for it cannot be rendered.
  Error unknown_module();
  /// A fault before the module ran; ignored where `ignore_errors` says so.
  Value fault_result(const Error& error);
  /// Whether `loop_control.extended` holds here.
  bool is_extended();
  Prepared prepare(const Error* loop_error);
  Prepared evaluate(const Error* loop_error);
  Async<Value> run_once(const Error* loop_error);
  Async<Value> run_item();
  struct SentItem;
  /// Items of a loop, by number, without the end.
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// Whether the items may be sent without waiting for each other.
  [[nodiscard]] bool sends_together() const;
  /// @return the end of what was run: where an item reads what those before it register
  Async<std::size_t> run_together(const List& items, Span part, LoopSummary& summary);
  /// @return false when it reads what the items before it register
  Async<bool> send_item(SentItem& item, async::TaskGroup& group, bool is_first);
  Async<void> fly_item(SentItem& item, Value arguments);
  Async<void> wait_for_what_it_reads();
  /// Marks, judges and keeps the result of one attempt.
  Value conclude(const TaskSettings& settings, Value result, std::int64_t attempt);
  /// Of a change. @error a handler that is not there: it ends the run
  Result<void> tell_handlers(const Value& result);
  /// The result of an include: what is included is run by the walk; here only its name is found.
  Result<Value> include_result();
  Result<Attempts> allowed_attempts();
  Async<Value> run_attempts(const TaskSettings& settings, Value arguments);
  Async<Value> run_attempt(const TaskSettings& settings, Value arguments, std::int64_t attempt);
  Async<Value> run_action(const TaskSettings& settings,
                          Value arguments,
                          std::function<void()> on_sent = {});
  /// Rendered, without what is omitted, checked against the module's specification.
  Result<Value> task_arguments();
  Result<Value> checked_arguments();
  Result<Value> written_arguments();
  /// A template may supply arguments too; what is written out wins over it.
  Result<void> add_template_arguments(Value& arguments) const;
  /// module_defaults fill what the task leaves open; the innermost of a module replaces the others.
  Result<void> add_module_defaults(Value& arguments);
  [[nodiscard]] Error not_a_dictionary(const Value& found) const;
  /// Sets `failed` and `changed`, by changed_when and failed_when where they are there.
  void judge(Value& result);
  /// False when a condition could not be evaluated: the result says so.
  /// @param verdict  "changed" or "failed", the key of the result that is set
  bool judge_by(const std::vector<play::Condition>& conditions,
                const std::string& verdict,
                Value& result);
  Result<bool> all_hold(const std::vector<play::Condition>& conditions);
  void set_loop_variables(const List& items, std::size_t index);
  /// `register`.
  void store(const TaskOutcome& outcome);
  void store_facts(const Value& result);
  /// Takes over what a module told of a host; warns of what it may not tell.
  void learn(HostState& owner, const Map& facts);
  /// For later runs; a dry run leaves nothing behind.
  void cache_facts(const HostState& owner);
  Result<void> notify(const Value& result);
  [[nodiscard]] report::Event event(report::EventType type) const;
  void report_result(report::EventType type, const Value& result, const Value& item);

  PlayRun& play_;
  HostRun& host_;
  const play::Task& task_;
  Scope& scope_;
  Pipeline::Flight& flight_;
  bool is_dropped_ = false;  ///< a task before it ended the host's way
  TaskSettings settings_;
  bool any_ignored_ = false;
  bool in_loop_ = false;
};

}  // namespace gpustack::engine
