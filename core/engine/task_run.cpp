#include "core/engine/task_run.hpp"

#include "core/engine/actions/action.hpp"
#include "core/engine/background.hpp"
#include "core/report/failure_place.hpp"
#include "core/wire/session.hpp"
#include "modules/sdk/module.hpp"

#include <cstdlib>
#include <utility>

namespace gpustack::engine {

namespace {

/// A number as `retries` and `delay` take it.
std::int64_t whole_number(const Value& value, std::int64_t otherwise) {
  if (value.is_integer()) return value.as_integer();
  if (value.is_real()) return static_cast<std::int64_t>(value.as_real());
  if (value.is_string()) return std::strtoll(value.as_string().c_str(), nullptr, 10);
  return otherwise;
}

}  // namespace

bool is_sent_only(const play::Task& task) {
  if (task.module == nullptr || !task.library_path.empty() || !task.async_seconds.is_null())
    return false;
  const std::string_view name = task.module->name;
  return find_action(name) == nullptr || name == "copy" || name == "template" ||
         name == "assemble" || name == "script";
}

Async<Value> TaskRun::run_action(const TaskSettings& settings,
                                 Value arguments,
                                 std::function<void()> on_sent) {
  ActionCall call(play_, host_, scope_, task_, settings, flight_);
  call.on_sent = std::move(on_sent);
  call.module = task_.module != nullptr ? std::string(task_.module->name) : task_.action;
  call.arguments = std::move(arguments);
  const Action action = task_.library_path.empty() ? find_action(call.module) : &action_library;
  if (!is_sent_only(task_)) {
    if (!has_turn()) GS_CO_TRY_VOID(co_await turn());
    if (is_dropped_) co_return Value();
  }
  // A dry run looks at once at what the job would do.
  const bool in_background = settings.async_seconds > 0 && !settings.check;
  Result<Value> result = Value();
  if (in_background && action == nullptr) {
    result = co_await run_in_background(call, play_.run().gate());
  } else if (in_background && call.module != "reboot") {
    co_return failed_result("async is not supported for this task.");
  } else if (action != nullptr) {
    if (host_.running == 0) {
      GS_CO_TRY(host_.pass, co_await play_.run().gate().enter());
    }
    const PlayRun::Place place(&host_);
    result = co_await action(call);
  } else {
    if (host_.running == 0) {
      GS_CO_TRY(host_.pass, co_await play_.run().gate().enter());
    }
    const PlayRun::Place place(&host_);
    Value sent = call.arguments;
    std::string module = call.module;
    result = co_await run_on_target(call, std::move(module), std::move(sent));
  }
  if (!result) {
    if (result.error().code() == ErrorCode::cancelled) co_return Error(std::move(result).error());
    co_return error_result(result.error());
  }
  co_return std::move(*result);
}

Result<TaskRun::Attempts> TaskRun::allowed_attempts() {
  Attempts attempts;
  if (task_.until.empty()) return attempts;
  GS_TRY(const auto retries, scope_.render(task_.retries));
  GS_TRY(const auto delay, scope_.render(task_.delay));
  const std::int64_t wanted = whole_number(retries, 3);
  attempts.most = wanted <= 0 ? 1 : wanted + 1;
  attempts.delay = whole_number(delay, 5);
  if (attempts.delay < 0) attempts.delay = 1;
  return attempts;
}

Value TaskRun::conclude(const TaskSettings& settings, Value result, std::int64_t attempt) {
  scope_.take_facts_as_they_are();
  if (result.find(wire::kSkippedEpoch) != nullptr)
    result = failed_result("the runner left this task out, though no task before it failed");
  if (const Value* took = result.find(wire::kTook)) {
    if (took->is_integer()) flight_.on_host += std::chrono::microseconds(took->as_integer());
    result.mutable_map().erase(wire::kTook);
  }
  const bool from_host =
      task_.module == nullptr || task_.module->place != modules::Place::controller;
  if (from_host) result = mark_deep(std::move(result), Mark::unsafe);
  if (settings.no_log) result.set("_ansible_no_log", true);
  if (flag(result, "unreachable")) return result;
  if (!flag(result, "failed") || result.find("ansible_facts") != nullptr) store_facts(result);
  if (!task_.until.empty()) result.set("attempts", attempt);
  judge(result);
  return result;
}

Async<Value> TaskRun::run_attempt(const TaskSettings& settings,
                                  Value arguments,
                                  std::int64_t attempt) {
  GS_CO_TRY(Value result, co_await run_action(settings, std::move(arguments)));
  if (scope_.waits_for() != Scope::Wait::none) co_return Value();
  if (!has_turn()) GS_CO_TRY_VOID(co_await turn());
  if (is_dropped_) co_return Value();
  co_return conclude(settings, std::move(result), attempt);
}

Async<Value> TaskRun::run_attempts(const TaskSettings& settings, Value arguments) {
  GS_CO_TRY(const Attempts attempts, allowed_attempts());
  for (std::int64_t attempt = 1;; ++attempt) {
    Value sent = arguments;
    GS_CO_TRY(Value result, co_await run_attempt(settings, std::move(sent), attempt));
    if (task_.until.empty() || is_dropped_ || flag(result, "unreachable")) co_return result;
    if (scope_.waits_for() != Scope::Wait::none) co_return result;
    if (!task_.register_name.empty()) scope_.set_local(task_.register_name, result);
    auto holds = all_hold(task_.until);
    if (!holds) {
      const Error error = std::move(holds).error();
      result = failed_result("the until condition cannot be evaluated: " + message_of(error));
      show_place(result, error);
      co_return result;
    }
    if (*holds) co_return result;
    result.set("retries", attempts.most);
    if (attempt >= attempts.most) {
      result.set("attempts", attempts.most - 1);
      // As in Ansible, `failed_when` has the last word.
      if (!task_.has_failed_when) result.set("failed", true);
      co_return result;
    }
    report::Event retry = event(report::EventType::retry);
    retry.result = result;
    play_.emit(flight_.at, std::move(retry));
    GS_CO_TRY_VOID(co_await async::sleep_for(std::chrono::seconds(attempts.delay)));
  }
}

Result<Value> TaskRun::include_result() {
  GS_TRY(auto target, scope_.render(task_.include_target));
  const bool is_file = task_.kind == play::ActionKind::include_tasks;
  Value result{Map()};
  result.set(is_file ? "include" : "include_role", std::move(target));
  Value files{Map()};
  const std::pair<const char*, const Value*> parts[] = {{"tasks_from", &task_.tasks_from},
                                                        {"vars_from", &task_.vars_from},
                                                        {"defaults_from", &task_.defaults_from},
                                                        {"handlers_from", &task_.handlers_from}};
  for (const auto& [name, part] : parts) {
    if (part->is_null()) continue;
    GS_TRY(const auto rendered, scope_.render(*part));
    files.set(name, to_text(rendered));
  }
  result.set("include_args", std::move(files));
  return result;
}

Value TaskRun::fault_result(const Error& error) {
  const auto ignores = boolean_setting(scope_, task_, play::Keyword::ignore_errors, false);
  settings_.ignore_errors = ignores && *ignores;
  return error_result(error);
}

bool TaskRun::is_extended() {
  const play::LoopControl& control = task_.loop_control;
  if (control.extended_setting.is_null()) return control.extended;
  const auto rendered = scope_.render(control.extended_setting);
  return rendered && parse_bool(*rendered).value_or(rendered->truthy());
}

TaskRun::Prepared TaskRun::prepare(const Error* loop_error) {
  scope_.ask_for_facts();
  if (!play_.run().state().options.timings) return evaluate(loop_error);
  const auto begin = std::chrono::steady_clock::now();
  if (flight_.begun == decltype(begin)()) flight_.begun = begin;
  Prepared prepared = evaluate(loop_error);
  flight_.evaluated += std::chrono::steady_clock::now() - begin;
  return prepared;
}

TaskRun::Prepared TaskRun::evaluate(const Error* loop_error) {
  if (TaskObserver* observer = play_.run().state().observer) observer->decides(scope_, task_);
  const auto excluded = flight_.is_judged ? Result<const play::Condition*>(flight_.excluded_by)
                                          : false_condition(scope_, task_);
  if (!excluded) return {fault_result(loop_error != nullptr ? *loop_error : excluded.error())};
  if (*excluded != nullptr) return {play_.skipped_result(**excluded)};
  if (loop_error != nullptr) return {fault_result(as_option_error(*loop_error))};
  auto settings = resolve_settings(scope_, task_);
  if (!settings) return {fault_result(settings.error())};
  auto become = host_.settings.become(scope_, task_);
  if (!become) return {fault_result(become.error())};
  settings_ = std::move(*settings);
  settings_.become = std::move(*become);
  const bool is_include = play::is_dynamic_include(task_);
  auto given = is_include ? include_result() : task_arguments();
  if (!given) return {error_result(as_option_error(given.error()))};
  if (is_include) return {std::move(*given)};
  return {std::nullopt, std::move(*given)};
}

Result<void> TaskRun::tell_handlers(const Value& result) {
  if (!flag(result, "changed")) return {};
  auto told = notify(result);
  if (!told) return play_.stop_for(std::move(told).error());
  return {};
}

Async<Value> TaskRun::run_once(const Error* loop_error) {
  Prepared prepared = prepare(loop_error);
  if (prepared.result) co_return std::move(*prepared.result);
  if (scope_.waits_for() != Scope::Wait::none) co_return Value();
  const TaskSettings resolved = settings_;
  GS_CO_TRY(Value result, co_await run_attempts(resolved, std::move(prepared.arguments)));
  GS_CO_TRY_VOID(tell_handlers(result));
  co_return result;
}

Async<Value> TaskRun::run_items() {
  auto items = loop_items();
  if (!items) {
    const Error problem = items.error();
    co_return co_await run_once(&problem);
  }
  if (!*items) co_return co_await run_once(nullptr);
  List all = std::move(**items);
  co_return co_await run_loop(std::move(all));
}

bool TaskRun::has_turn() {
  if (!host_.pipeline.is_first(flight_)) return false;
  is_dropped_ = host_.pipeline.is_broken();
  return true;
}

Async<void> TaskRun::turn() {
  PlayRun::hurry(host_);
  GS_CO_TRY(const bool counts, co_await host_.pipeline.turn(flight_));
  is_dropped_ = !counts;
  co_return Result<void>();
}

Async<Value> TaskRun::run_with_all_known() {
  while (true) {
    scope_.belong_to(host_.pipeline, flight_);
    flight_.title = task_title(scope_, task_);
    if (scope_.waits_for() == Scope::Wait::none) {
      play_.show_first(host_);
      auto result = co_await run_items();
      if (!result || scope_.waits_for() == Scope::Wait::none) co_return result;
    }
    const Scope::Wait wait = scope_.waits_for();
    if (!has_turn()) GS_CO_TRY_VOID(co_await turn());
    if (is_dropped_) co_return Value();
    if (wait == Scope::Wait::hosts) GS_CO_TRY_VOID(co_await play_.settle_hosts(flight_.at));
    if (wait == Scope::Wait::facts) GS_CO_TRY_VOID(co_await play_.gather_rest(host_));
    scope_.forget();
    settings_ = TaskSettings();
    flight_.is_judged = false;
  }
}

Async<TaskOutcome> TaskRun::run() {
  TaskOutcome outcome;
  GS_CO_TRY(Value result, co_await run_with_all_known());
  if (flag(result, "skipped")) host_.pipeline.release(flight_);
  if (!has_turn()) GS_CO_TRY_VOID(co_await turn());
  outcome.dropped = is_dropped_;
  if (is_dropped_) co_return outcome;
  co_return outcome_of(std::move(result));
}

std::optional<TaskRun::Prepared> TaskRun::prepare_at_once() {
  scope_.belong_to(host_.pipeline, flight_);
  flight_.title = task_title(scope_, task_);
  if (scope_.waits_for() != Scope::Wait::none) return std::nullopt;
  play_.show_first(host_);
  Prepared prepared = prepare(nullptr);
  if (scope_.waits_for() != Scope::Wait::none) return std::nullopt;
  return prepared;
}

Result<TaskOutcome> TaskRun::conclude_sent(Value result) {
  result = conclude(settings_, std::move(result), 1);
  GS_TRY_VOID(tell_handlers(result));
  return outcome_of(std::move(result));
}

TaskOutcome TaskRun::outcome_of(Value result) {
  TaskOutcome outcome;
  outcome.result = std::move(result);
  if (outcome.result.find("changed") == nullptr) outcome.result.set("changed", false);
  outcome.unreachable = flag(outcome.result, "unreachable");
  outcome.failed = flag(outcome.result, "failed") && !outcome.unreachable;
  outcome.skipped = flag(outcome.result, "skipped");
  outcome.ignored = (outcome.failed && settings_.ignore_errors) ||
                    (outcome.unreachable && settings_.ignore_unreachable);
  const bool is_include = play::is_dynamic_include(task_);
  if (!is_include || outcome.failed) store(outcome);
  if (!is_include || outcome.failed || outcome.skipped || outcome.unreachable)
    report_result(report::EventType::host_result, outcome.result, Value());
  drop_place(outcome.result);
  return outcome;
}

Async<TaskOutcome> execute_task(
    PlayRun& play, HostRun& host, const play::Task& task, Scope& scope, Pipeline::Flight& flight) {
  TaskRun run(play, host, task, scope, flight);
  co_return co_await run.run();
}

std::string task_title(Scope& scope, const play::Task& task) {
  std::string name = play::display_name(task);
  if (!jinja::has_template(name)) return name;
  auto rendered = scope.render(Value(name));
  return rendered ? to_text(*rendered) : name;
}

}  // namespace gpustack::engine
