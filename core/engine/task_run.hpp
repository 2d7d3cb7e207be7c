#pragma once
/// @file One task on one host, from its loop to its events.

#include "core/engine/play_run.hpp"

#include <optional>

namespace gpustack::engine {

/// Whether a key of a result is there and true.
bool flag(const Value& result, std::string_view key);

/// The work of execute_task for one host: keeps what loop items and attempts share.
class TaskRun {
 public:
  TaskRun(PlayRun& play, HostRun& host, const play::Task& task, std::uint64_t task_id)
      : play_(play),
        host_(host),
        task_(task),
        task_id_(task_id),
        scope_(play.run().state(), &play.play(), *host.state, &task, &host.include_frames) {}

  Async<TaskOutcome> run();

 private:
  Result<std::optional<List>> loop_items();
  Async<Value> run_loop(List items);
  Async<Value> run_once(const Error* loop_error);
  Async<Value> run_attempts(const TaskSettings& settings, Value arguments);
  Async<Value> run_action(const TaskSettings& settings, Value arguments);
  Result<Value> false_condition();
  Result<Value> task_arguments();
  Result<void> judge(Value& result);
  void set_loop_variables(const List& items, std::size_t index);
  void store(const Value& result);
  void store_facts(const Value& result);
  Result<void> notify(const Value& result);
  report::Event event(report::EventType type) const;
  void report_result(report::EventType type, const Value& result, const Value& item);

  PlayRun& play_;
  HostRun& host_;
  const play::Task& task_;
  std::uint64_t task_id_;
  Scope scope_;
  TaskSettings settings_;
  bool any_ignored_ = false;
  bool in_loop_ = false;
};

}  // namespace gpustack::engine
