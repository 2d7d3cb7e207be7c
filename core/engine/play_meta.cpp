// `meta` tasks: what they do to the play, and what they say.
#include "core/engine/actions/action.hpp"
#include "core/engine/play_run.hpp"
#include "core/engine/task_run.hpp"

#include <algorithm>
#include <array>

namespace gpustack::engine {

namespace {

struct MetaAction {
  std::string_view name;
  std::string_view done;     ///< what is said; `%` stands for the host
  std::string_view skipped;  ///< what is said behind `NAME conditional evaluated to False`
  bool has_condition = true;
  bool is_once = false;  ///< said once for all hosts
};

/// @source ansible-core 2.14, StrategyBase._execute_meta and strategy/linear.py
constexpr std::array<MetaAction, 10> kMetaActions = {{
    {"clear_facts", "facts cleared", ", not clearing facts and fact cache for %", true, true},
    {"clear_host_errors",
     "cleared host errors",
     ", not clearing host error state for %",
     true,
     true},
    {"end_batch", "ending batch", ", continuing current batch", true, true},
    {"end_host", "ending play for %", ", continuing execution for %"},
    {"end_play", "ending play", ", continuing play", true, true},
    {"end_role", "ending role for %", ", continuing role for %"},
    {"flush_handlers", "triggered running handlers for %", ", not running handlers for %"},
    {"noop", "noop", "", false},
    {"refresh_inventory", "inventory successfully refreshed", "", false, true},
    {"reset_connection", "reset connection", "", false},
}};

const MetaAction& find_meta(const std::string& name) {
  static constexpr MetaAction kOther{"", "", ""};
  const auto found = std::ranges::find(kMetaActions, name, &MetaAction::name);
  return found == kMetaActions.end() ? kOther : *found;
}

std::string with_host(std::string_view text, const std::string& host) {
  std::string out(text);
  if (const std::size_t at = out.find('%'); at != std::string::npos) out.replace(at, 1, host);
  return out;
}

}  // namespace

Result<bool> PlayRun::meta_holds(Scope& scope, const play::Task& task, bool has_condition) {
  const auto conditions = play::all_conditions(task);
  if (!has_condition) {
    if (!task.when.empty())
      run_.warn(task.free_form + " task does not support when conditional", task.span);
    return true;
  }
  for (const play::Condition* condition : conditions) {
    GS_TRY(const bool holds, scope.condition(condition->expression));
    if (!holds) return false;
  }
  return true;
}

void PlayRun::tell_meta(HostRun& host, const play::Task& task, const Position& at, bool holds) {
  if (task.is_implicit) return;
  const MetaAction& action = find_meta(task.free_form);
  Scope scope(run_.state(), &play_, *host.state, &task, &host.include_frames);
  announce(task, at, task_title(scope, task));
  const std::string& name = host.state->name;
  const std::string reason = std::string(action.name) + " conditional evaluated to False" +
                             with_host(action.skipped, name);
  if (!action.is_once || said_meta_.insert(at).second) {
    report::Event said(report::EventType::message);
    said.message = "META: " + (holds ? with_host(action.done, name) : reason);
    said.verbosity = 2;
    said.host = name;
    emit(at, std::move(said));
  }
  if (holds) return;
  report::Event skipped(report::EventType::host_result);
  skipped.host = name;
  skipped.play = play_.name;
  skipped.task_id = announced(at);
  skipped.action = task.action;
  skipped.outcome = report::Outcome::skipped;
  // Only end_host's message says that it did not happen; the others keep their own name.
  const bool is_end_host = action.name == "end_host";
  skipped.result = Value::map({{"msg", is_end_host ? Value(reason) : Value(task.free_form)},
                               {"skip_reason", Value(reason)},
                               {"skipped", true}});
  emit(at, std::move(skipped));
}

Async<Flow> PlayRun::run_meta(HostRun& host, const play::Task& task, Position at) {
  Scope scope(run_.state(), &play_, *host.state, &task, &host.include_frames);
  const std::string& action = task.free_form;
  GS_CO_TRY(const bool holds, meta_holds(scope, task, find_meta(action).has_condition));
  tell_meta(host, task, at, holds);
  if (!holds) co_return Flow::go_on;
  if (action == "flush_handlers") co_return co_await flush_handlers(host, std::move(at));
  if (action == "end_host") {
    play_.removed.insert(host.state->name);
    co_return Flow::end_host;
  }
  if (action == "end_role") co_return Flow::end_role;
  if (action == "end_play") {
    end_play();
    co_return Flow::end_play;
  }
  if (action == "end_batch") {
    end_batch();
    co_return Flow::end_batch;
  }
  if (action == "refresh_inventory" && refreshed_.insert(at).second) {
    GS_CO_TRY_VOID(run_.state().reload_inventory());
  }
  if (action == "clear_facts") {
    host.state->facts = Value(Map());  // set_fact's own values stay
    host.state->bare_facts = Value(Map());
    host.state->facts_gathered = false;
    const RunState& state = run_.state();
    if (state.fact_cache && !state.options.check)
      GS_CO_TRY_VOID(state.fact_cache->forget(host.state->name));
    GS_CO_TRY_VOID(run_.load_vars_files(*play_.play, play_.play->vars_files, play_, *host.state));
  } else if (action == "clear_host_errors") {
    clear_host_errors();
  } else if (action == "reset_connection") {
    GS_CO_TRY(auto settings, resolve_connection(scope, &task));
    auto target = co_await run_.targets().get(host.state->name, settings);
    if (target) GS_CO_TRY_VOID(co_await (*target)->reset());
  }
  co_return Flow::go_on;
}

}  // namespace gpustack::engine
