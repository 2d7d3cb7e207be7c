#pragma once
/// @file What the engine itself does for a task, before or instead of a module on the host.

#include "core/engine/play_run.hpp"
#include "core/engine/task_settings.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::engine {

/// One execution of one task (one item, one attempt) on one host.
struct ActionCall {
  PlayRun& play;
  HostRun& host;
  Scope& scope;
  const play::Task& task;
  const TaskSettings& settings;
  Pipeline::Flight& flight;
  std::string module;                   ///< canonical short name
  Value arguments;                      ///< rendered, and checked against the module's spec
  std::function<void()> on_sent;        ///< what comes behind it may be sent
  std::int64_t background_seconds = 0;  ///< above 0: the module is only started

  ActionCall(PlayRun& play_run,
             HostRun& host_run,
             Scope& variables,
             const play::Task& from,
             const TaskSettings& resolved,
             Pipeline::Flight& in_flight)
      : play(play_run),
        host(host_run),
        scope(variables),
        task(from),
        settings(resolved),
        flight(in_flight) {}
};

/// @return the result map; an Error becomes a failed (or unreachable) result with its message
using Action = Async<Value> (*)(ActionCall& call);  // call outlived by: execute_task

/// One row per action: the short module name and what runs it.
struct ActionRow {
  std::string_view name;
  Action run;
};

/// The engine's action for a module; nullptr when the module runs on the host as it is.
Action find_action(std::string_view module);

/// A module as it is sent, with the settings of its task.
TaskCall make_call(const TaskSettings& settings, std::string module, Value arguments);
/// Runs a module on the task's host (or where it is delegated to).
Async<Value> run_on_target(ActionCall& call, std::string module, Value arguments);
/// The connection of the task's host (or where it is delegated to).
Async<Target*> target_of(ActionCall& call);

/// Whether the tasks of a host run where gpustack does.
bool connects_locally(ActionCall& call, const std::string& host);
/// A failed result.
Value failed_result(std::string message);
/// What `msg` says of an error: its place, where it is known, is shown beside.
std::string message_of(const Error& error);
/// The same error in other words.
Error reworded(const Error& error, std::string message);
/// What Ansible says when a task's options or its loop name a variable that is not there; other
/// errors stay as they are.
Error as_option_error(const Error& error);
/// Makes renderers show the source line of `error` below the result; see
/// core/report/failure_place.hpp.
void show_place(Value& result, const Error& error);
/// A result of an Error: `unreachable` for transport errors, else `failed`.
Value error_result(const Error& error);

/// Where the task writes an argument; the place of the action for one that is not written out.
SourceSpan place_of(const ActionCall& call, const std::string& argument);

/// Finds a file the task names (`files`, `templates`, `vars`) by Ansible's search path.
Result<std::string> find_task_file(ActionCall& call,
                                   std::string_view kind,
                                   const std::string& name);

// Implemented one per file; listed in actions.cpp.
Async<Value> action_add_host(ActionCall& call);
Async<Value> action_assemble(ActionCall& call);
Async<Value> action_assert(ActionCall& call);
Async<Value> action_copy(ActionCall& call);
Async<Value> action_debug(ActionCall& call);
Async<Value> action_fail(ActionCall& call);
Async<Value> action_fetch(ActionCall& call);
Async<Value> action_gather_facts(ActionCall& call);
Async<Value> action_group_by(ActionCall& call);
Async<Value> action_include_vars(ActionCall& call);
Async<Value> action_library(ActionCall& call);
Async<Value> action_pause(ActionCall& call);
Async<Value> action_raw(ActionCall& call);
Async<Value> action_reboot(ActionCall& call);
Async<Value> action_script(ActionCall& call);
Async<Value> action_set_fact(ActionCall& call);
Async<Value> action_set_stats(ActionCall& call);
Async<Value> action_synchronize(ActionCall& call);
Async<Value> action_template(ActionCall& call);
Async<Value> action_unarchive(ActionCall& call);
Async<Value> action_uri(ActionCall& call);
Async<Value> action_validate_argument_spec(ActionCall& call);
Async<Value> action_wait_for_connection(ActionCall& call);

}  // namespace gpustack::engine
