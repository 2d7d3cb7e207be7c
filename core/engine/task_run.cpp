#include "core/engine/task_run.hpp"

#include "core/engine/actions/action.hpp"
#include "core/engine/background.hpp"
#include "core/report/failure_place.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <utility>

namespace gpustack::engine {

namespace {

Value skipped_result(const std::string& reason, const Value& condition) {
  Value result{Map()};
  result.set("changed", false);
  result.set("skipped", true);
  result.set("skip_reason", reason);
  result.set("false_condition", condition);
  return result;
}

}  // namespace

Async<Value> TaskRun::run_action(const TaskSettings& settings, Value arguments) {
  ActionCall call(play_, host_, scope_, task_, settings);
  call.module = task_.module != nullptr ? std::string(task_.module->name) : task_.action;
  call.arguments = std::move(arguments);
  const Action action = task_.library_path.empty() ? find_action(call.module) : &action_library;
  // A dry run looks at once at what the job would do.
  const bool in_background = settings.async_seconds > 0 && !settings.check;
  Result<Value> result = Value();
  if (in_background && action == nullptr) {
    result = co_await run_in_background(call, play_.run().gate());
  } else if (in_background && call.module != "reboot") {
    co_return failed_result("async is not supported for this task.");
  } else if (action != nullptr) {
    GS_CO_TRY(auto pass, co_await play_.run().gate().enter());
    result = co_await action(call);
  } else {
    GS_CO_TRY(auto pass, co_await play_.run().gate().enter());
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

Async<Value> TaskRun::run_attempts(const TaskSettings& settings, Value arguments) {
  std::int64_t attempts = 1;
  std::int64_t delay = 5;
  if (!task_.until.empty()) {
    GS_CO_TRY(auto retries, scope_.render(task_.retries));
    GS_CO_TRY(auto pause, scope_.render(task_.delay));
    const auto number = [](const Value& value, std::int64_t otherwise) {
      if (value.is_integer()) return value.as_integer();
      if (value.is_real()) return static_cast<std::int64_t>(value.as_real());
      if (value.is_string())
        return static_cast<std::int64_t>(std::strtoll(value.as_string().c_str(), nullptr, 10));
      return otherwise;
    };
    const std::int64_t wanted = number(retries, 3);
    attempts = wanted <= 0 ? 1 : wanted + 1;
    delay = number(pause, 5);
    if (delay < 0) delay = 1;
  }
  Value result;
  for (std::int64_t attempt = 1; attempt <= attempts; ++attempt) {
    Value sent = arguments;
    auto answer = co_await run_action(settings, std::move(sent));
    if (!answer) co_return Error(std::move(answer).error());
    result = std::move(*answer);
    const bool from_host =
        task_.module == nullptr || task_.module->place != modules::Place::controller;
    if (from_host) result = mark_deep(std::move(result), Mark::unsafe);
    if (settings.no_log) result.set("_ansible_no_log", true);
    if (flag(result, "unreachable")) co_return result;
    if (!flag(result, "failed") || result.find("ansible_facts") != nullptr) store_facts(result);
    if (!task_.until.empty()) result.set("attempts", attempt);
    GS_CO_TRY_VOID(judge(result));
    if (task_.until.empty()) break;
    if (!task_.register_name.empty()) scope_.set_local(task_.register_name, result);
    bool holds = true;
    for (const play::Condition& condition : task_.until) {
      auto one = scope_.condition(condition.expression);
      if (!one) {
        const Error error = std::move(one).error().at_if_unknown(condition.span);
        result = failed_result("the until condition cannot be evaluated: " + error.one_line());
        show_place(result, error);
        co_return result;
      }
      holds = holds && *one;
    }
    if (holds) break;
    result.set("retries", attempts);
    if (attempt < attempts) {
      report::Event retry = event(report::EventType::retry);
      retry.result = result;
      play_.run().emit(std::move(retry));
      GS_CO_TRY_VOID(co_await async::sleep_for(std::chrono::seconds(delay)));
    } else {
      result.set("attempts", attempts - 1);
      result.set("failed", true);
    }
  }
  co_return result;
}

Async<Value> TaskRun::run_once(const Error* loop_error) {
  auto excluded = false_condition();
  if (!excluded) {
    if (loop_error != nullptr) co_return error_result(*loop_error);
    co_return error_result(excluded.error());
  }
  if (!excluded->is_null()) co_return skipped_result("Conditional result was False", *excluded);
  if (loop_error != nullptr) co_return error_result(*loop_error);
  auto settings = resolve_settings(scope_, task_);
  if (!settings) co_return error_result(settings.error());
  settings_ = *settings;
  if (task_.kind != play::ActionKind::module) {
    // An include: what is included is run by the walk; here only its name is found.
    auto target = scope_.render(task_.include_target);
    if (!target) co_return error_result(target.error());
    Value result{Map()};
    result.set(task_.kind == play::ActionKind::include_tasks ? "include" : "include_role", *target);
    Value files{Map()};
    const std::pair<const char*, const Value*> parts[] = {{"tasks_from", &task_.tasks_from},
                                                          {"vars_from", &task_.vars_from},
                                                          {"defaults_from", &task_.defaults_from},
                                                          {"handlers_from", &task_.handlers_from}};
    for (const auto& [name, part] : parts) {
      if (part->is_null()) continue;
      auto rendered = scope_.render(*part);
      if (!rendered) co_return error_result(rendered.error());
      files.set(name, to_text(*rendered));
    }
    result.set("include_args", std::move(files));
    co_return result;
  }
  auto arguments = task_arguments();
  if (!arguments) co_return error_result(arguments.error());
  Value checked = std::move(*arguments);
  const TaskSettings resolved = settings_;
  auto result = co_await run_attempts(resolved, std::move(checked));
  if (!result) co_return Error(std::move(result).error());
  if (flag(*result, "changed")) {
    auto told = notify(*result);
    if (!told) co_return error_result(told.error());
  }
  co_return std::move(*result);
}

Async<Value> TaskRun::run_loop(List items) {
  List results;
  in_loop_ = true;
  bool changed = false;
  bool failed = false;
  bool skipped = true;
  bool unreachable = false;
  bool ignored = true;
  for (std::size_t index = 0; index < items.size(); ++index) {
    set_loop_variables(items, index);
    if (index > 0 && !task_.loop_control.pause.is_null()) {
      GS_CO_TRY(auto pause, scope_.render(task_.loop_control.pause));
      const double seconds = pause.is_string() ? std::strtod(pause.as_string().c_str(), nullptr)
                                               : (pause.is_number() ? pause.as_real() : 0.0);
      GS_CO_TRY_VOID(co_await async::sleep_for(
          std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000))));
    }
    auto answer = co_await run_once(nullptr);
    if (!answer) co_return Error(std::move(answer).error());
    Value result = std::move(*answer);
    Value label = items[index];
    if (!task_.loop_control.label.is_null()) {
      auto rendered = scope_.render(task_.loop_control.label);
      if (rendered) label = std::move(*rendered);
    }
    result.set(task_.loop_control.loop_var, items[index]);
    result.set("ansible_loop_var", Value(task_.loop_control.loop_var));
    if (!task_.loop_control.index_var.empty()) {
      result.set(task_.loop_control.index_var, Value(static_cast<std::int64_t>(index)));
      result.set("ansible_index_var", Value(task_.loop_control.index_var));
    }
    if (task_.loop_control.extended) {
      GS_CO_TRY(auto extended, scope_.variable("ansible_loop"));
      result.set("ansible_loop", std::move(extended));
    }
    if (task_.kind == play::ActionKind::module || flag(result, "failed") ||
        flag(result, "skipped")) {
      report_result(report::EventType::item_result, result, label);
    }
    result.mutable_map().erase(report::kPlaceKey);
    result.set("_ansible_item_label", label);
    changed = changed || flag(result, "changed");
    skipped = skipped && flag(result, "skipped");
    if (flag(result, "failed")) {
      failed = true;
      ignored = ignored && settings_.ignore_errors;
    }
    unreachable = unreachable || flag(result, "unreachable");
    results.push_back(std::move(result));
    if (unreachable) break;
  }
  Value combined{Map()};
  combined.set("changed", changed);
  if (items.empty()) {
    combined.set("skipped", true);
    combined.set("skipped_reason", "No items in the list");
  } else if (failed) {
    combined.set("failed", true);
    combined.set("msg", "One or more items failed");
    settings_.ignore_errors = ignored;
  } else {
    combined.set("msg", skipped ? "All items skipped" : "All items completed");
    if (skipped) combined.set("skipped", true);
  }
  if (unreachable) combined.set("unreachable", true);
  combined.set("results", Value(std::move(results)));
  co_return combined;
}

Async<TaskOutcome> TaskRun::run() {
  auto items = loop_items();
  Result<Value> answer = Value();
  if (items && *items) {
    List all = std::move(**items);
    answer = co_await run_loop(std::move(all));
  } else if (!items) {
    const Error problem = items.error();
    answer = co_await run_once(&problem);
  } else {
    answer = co_await run_once(nullptr);
  }
  if (!answer) co_return Error(std::move(answer).error());
  TaskOutcome outcome;
  outcome.result = std::move(*answer);
  if (outcome.result.find("changed") == nullptr) outcome.result.set("changed", false);
  outcome.failed = flag(outcome.result, "failed");
  outcome.unreachable = flag(outcome.result, "unreachable");
  outcome.skipped = flag(outcome.result, "skipped");
  if (outcome.unreachable) outcome.failed = false;
  outcome.ignored = (outcome.failed && settings_.ignore_errors) ||
                    (outcome.unreachable && settings_.ignore_unreachable);
  Value kept = outcome.result;
  kept.mutable_map().erase(report::kPlaceKey);
  if (task_.kind == play::ActionKind::module || outcome.failed) {
    if (kept.find("failed") == nullptr) kept.set("failed", outcome.failed);
    store(kept);
  }
  const bool is_include =
      task_.kind == play::ActionKind::include_tasks || task_.kind == play::ActionKind::include_role;
  if (!is_include || outcome.failed || (outcome.skipped && !in_loop_) || outcome.unreachable ||
      (in_loop_ && outcome.skipped)) {
    report_result(report::EventType::host_result, outcome.result, Value());
  }
  outcome.result.mutable_map().erase(report::kPlaceKey);
  co_return outcome;
}

Async<TaskOutcome> execute_task(PlayRun& play,
                                HostRun& host,
                                const play::Task& task,
                                std::uint64_t task_id) {
  TaskRun run(play, host, task, task_id);
  co_return co_await run.run();
}

std::string task_title(Scope& scope, const play::Task& task) {
  std::string name = play::display_name(task);
  if (!jinja::has_template(name)) return name;
  auto rendered = scope.render(Value(name));
  return rendered ? to_text(*rendered) : name;
}

}  // namespace gpustack::engine
