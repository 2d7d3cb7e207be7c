#include "core/engine/actions/action.hpp"
#include "core/engine/play_run.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <utility>

namespace gpustack::engine {

namespace {

bool flag(const Value& result, std::string_view key) {
  const Value* value = result.find(key);
  return value != nullptr && value->truthy();
}

Value skipped_result(const std::string& reason, const Value& condition) {
  Value result{Map()};
  result.set("changed", false);
  result.set("skipped", true);
  result.set("skip_reason", reason);
  result.set("false_condition", condition);
  return result;
}

/// Containers lose the items that are the omit value, at any depth.
Value without_omitted(const Value& value, const std::string& omit) {
  const auto omitted = [&](const Value& one) { return one.is_string() && one.as_string() == omit; };
  if (value.is_list()) {
    List kept;
    for (const Value& item : value.as_list()) {
      if (!omitted(item)) kept.push_back(without_omitted(item, omit));
    }
    return Value(std::move(kept)).mark(value.marks());
  }
  if (value.is_map()) {
    Map kept;
    for (const auto& [key, item] : value.as_map()) {
      if (!omitted(item)) kept.set(key, without_omitted(item, omit));
    }
    return Value(std::move(kept)).mark(value.marks());
  }
  return value;
}

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

report::Event TaskRun::event(report::EventType type) const {
  report::Event event(type);
  event.host = host_.state->name;
  event.task_id = task_id_;
  event.action = task_.action;
  event.play = play_.play().name;
  event.is_handler = task_.is_handler;
  event.in_loop = in_loop_;
  event.check = settings_.check;
  event.diff = settings_.diff;
  event.no_log = settings_.no_log;
  if (!settings_.delegate_to.empty() && settings_.delegate_to != host_.state->name)
    event.delegated_to = settings_.delegate_to;
  return event;
}

void TaskRun::report_result(report::EventType type, const Value& result, const Value& item) {
  report::Event out = event(type);
  out.result = result;
  out.item = item;
  out.ignored = settings_.ignore_errors && flag(result, "failed");
  if (flag(result, "unreachable")) {
    out.outcome = report::Outcome::unreachable;
    out.ignored = settings_.ignore_unreachable;
  } else if (flag(result, "failed")) {
    out.outcome = report::Outcome::failed;
    out.rescued = !out.ignored && host_.rescue_depth > 0;
  } else if (flag(result, "skipped")) {
    out.outcome = report::Outcome::skipped;
  } else {
    out.outcome = flag(result, "changed") ? report::Outcome::changed : report::Outcome::ok;
  }
  const std::string_view name = task_.module != nullptr ? task_.module->name : std::string_view();
  out.verbose_always = name == "debug" || flag(result, "_ansible_verbose_always");
  out.verbose_override =
      name == "setup" || name == "gather_facts" || flag(result, "_ansible_verbose_override");
  play_.run().emit(std::move(out));
}

Result<std::optional<List>> TaskRun::loop_items() {
  if (!task_.loop) return std::optional<List>();
  const play::Loop& loop = *task_.loop;
  const jinja::Context context = scope_.context();
  if (loop.lookup.empty()) {
    auto rendered = scope_.render(loop.expression);
    if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(loop.span);
    if (rendered->is_object()) {
      GS_TRY(auto items, rendered->as_object().iterate());
      return std::optional<List>(std::move(items));
    }
    if (!rendered->is_list()) {
      return Error(ErrorCode::yaml_type,
                   "'loop' needs a list, found " + std::string(type_name(*rendered)) + " " +
                       to_repr(*rendered).substr(0, 200))
          .at_if_unknown(loop.span)
          .hint("a lookup needs wantlist=True, or query() in place of lookup()");
    }
    return std::optional<List>(rendered->as_list());
  }
  auto rendered = scope_.render(loop.expression);
  if (!rendered) return Error(std::move(rendered).error()).at_if_unknown(loop.span);
  const List terms = rendered->is_list() ? rendered->as_list() : List{*rendered};
  auto items = jinja::run_lookup(loop.lookup, terms, Map(), context, play_.run().state().templates);
  if (!items) return Error(std::move(items).error()).at_if_unknown(loop.span);
  return std::optional<List>(std::move(*items));
}

void TaskRun::set_loop_variables(const List& items, std::size_t index) {
  const play::LoopControl& control = task_.loop_control;
  const auto number = static_cast<std::int64_t>(index);
  const auto total = static_cast<std::int64_t>(items.size());
  scope_.set_local("ansible_loop_var", Value(control.loop_var));
  scope_.set_local(control.loop_var, items[index]);
  if (!control.index_var.empty()) {
    scope_.set_local("ansible_index_var", Value(control.index_var));
    scope_.set_local(control.index_var, Value(number));
  }
  if (!control.extended) return;
  Value loop = Value::map({{"index", number + 1},
                           {"index0", number},
                           {"first", index == 0},
                           {"last", number + 1 == total},
                           {"length", total},
                           {"revindex", total - number},
                           {"revindex0", total - number - 1},
                           {"allitems", Value(items)}});
  if (index + 1 < items.size()) loop.set("nextitem", items[index + 1]);
  if (index > 0) loop.set("previtem", items[index - 1]);
  scope_.set_local("ansible_loop", std::move(loop));
}

Result<Value> TaskRun::false_condition() {
  for (const play::Condition* condition : play::all_conditions(task_)) {
    auto holds = scope_.condition(condition->expression);
    if (!holds) {
      return Error(std::move(holds).error())
          .at_if_unknown(condition->span)
          .while_doing("evaluating the condition '" + to_text(condition->expression) + "'");
    }
    if (!*holds) return condition->expression.is_null() ? Value(false) : condition->expression;
  }
  return Value();
}

Result<Value> TaskRun::task_arguments() {
  const std::string& omit = play_.run().state().omit;
  Value rendered{Map()};
  if (task_.arguments.is_map()) {
    for (const auto& [key, value] : task_.arguments.as_map()) {
      auto one = scope_.render(value);
      if (!one) {
        const auto span = task_.argument_spans.find(to_text(key));
        Error error = std::move(one).error();
        return span == task_.argument_spans.end()
                   ? std::move(error).at_if_unknown(task_.action_span)
                   : std::move(error).at_if_unknown(span->second);
      }
      rendered.set(to_text(key), std::move(*one));
    }
  } else if (!task_.arguments.is_null()) {
    auto whole = scope_.render(task_.arguments);
    if (!whole) return Error(std::move(whole).error()).at_if_unknown(task_.action_span);
    if (whole->is_string()) {
      GS_TRY(auto parsed,
             modules::parse_key_value(whole->as_string(),
                                      task_.module == nullptr || !task_.module->free_form.empty()));
      rendered = std::move(parsed);
    } else if (whole->is_map()) {
      rendered = std::move(*whole);
    } else if (!whole->is_null()) {
      return Error(ErrorCode::yaml_type,
                   "module arguments must be a dictionary, found " + std::string(type_name(*whole)))
          .at_if_unknown(task_.action_span);
    }
  }
  // A template may supply arguments too; what is written out wins over it.
  if (const Value* more = rendered.find("_variable_params"); more != nullptr) {
    const Value supplied = *more;
    rendered.mutable_map().erase(std::string_view("_variable_params"));
    if (!supplied.is_map() && !supplied.is_null()) {
      return Error(
                 ErrorCode::yaml_type,
                 "module arguments must be a dictionary, found " + std::string(type_name(supplied)))
          .at_if_unknown(task_.action_span);
    }
    for (const auto& [key, value] : supplied.is_map() ? supplied.as_map() : Map()) {
      if (rendered.find(to_text(key)) == nullptr) rendered.set(to_text(key), value);
    }
  }
  // module_defaults fill what the task leaves open; inner ones win.
  const auto all_defaults = play::all_settings(task_, play::Keyword::module_defaults);
  for (auto defaults = all_defaults.rbegin(); defaults != all_defaults.rend(); ++defaults) {
    GS_TRY(auto all, scope_.render((*defaults)->value));
    for (const auto& [module, values] : all.is_map() ? all.as_map() : Map()) {
      const modules::ModuleSpec* spec = modules::find_module(to_text(module));
      if (spec == nullptr || spec != task_.module || !values.is_map()) continue;
      for (const auto& [key, value] : values.as_map()) {
        if (rendered.find(to_text(key)) == nullptr) rendered.set(to_text(key), value);
      }
    }
  }
  Value kept{Map()};
  for (const auto& [key, value] : rendered.as_map()) {
    if (value.is_string() && value.as_string() == omit) continue;
    if (value.is_list() || value.is_map()) {
      kept.set(to_text(key), without_omitted(value, omit));
    } else {
      kept.set(to_text(key), value);
    }
  }
  if (task_.module == nullptr) {
    if (!task_.library_path.empty()) return kept;
    return Error(ErrorCode::unknown_module, "couldn't resolve module/action '" + task_.action + "'")
        .at(task_.action_span);
  }
  return modules::check_arguments(*task_.module, kept, task_.action_span);
}

void TaskRun::store_facts(const Value& result) {
  const Value* facts = result.find("ansible_facts");
  if (facts == nullptr || !facts->is_map()) return;
  constexpr std::string_view kPrefix = "ansible_";
  HostState* owner = host_.state;
  if (!settings_.delegate_to.empty() && settings_.delegate_facts)
    owner = &play_.run().state().host(settings_.delegate_to);
  const bool is_set_fact = task_.module != nullptr && (task_.module->name == "set_fact" ||
                                                       task_.module->name == "include_vars");
  if (is_set_fact) {
    Value& level = task_.module->name == "set_fact" ? owner->set_facts : owner->registered;
    merge_into(level,
               *facts,
               play_.run().state().options.merge_hashes && task_.module->name == "include_vars");
    if (flag(result, "_ansible_facts_cacheable")) merge_into(owner->facts, *facts, false);
  } else {
    for (const auto& [key, value] : facts->as_map()) {
      const std::string name = to_text(key);
      // What a host says of itself never becomes a template and never steers the connection.
      Value safe = mark_deep(value, Mark::unsafe);
      if (name.starts_with(kPrefix)) {
        owner->facts.set(name.substr(kPrefix.size()), safe);
        if (name == "ansible_local") owner->facts.set(name, safe);
      } else {
        owner->facts.set(name, safe);
      }
    }
    if (task_.module != nullptr &&
        (task_.module->name == "setup" || task_.module->name == "gather_facts")) {
      owner->facts_gathered = true;
      owner->facts.set("module_setup", true);
    }
  }
  scope_.forget();
}

Result<void> TaskRun::judge(Value& result) {
  if (result.find("failed") == nullptr) {
    const Value* rc = result.find("rc");
    result.set("failed", rc != nullptr && rc->is_integer() && rc->as_integer() != 0);
  }
  if (result.find("changed") == nullptr) result.set("changed", false);
  if (!task_.register_name.empty()) scope_.set_local(task_.register_name, result);
  if (flag(result, "skipped")) return {};
  if (task_.has_changed_when) {
    bool changed = true;
    for (const play::Condition& condition : task_.changed_when) {
      auto holds = scope_.condition(condition.expression);
      if (!holds) {
        const Error error = std::move(holds).error().at_if_unknown(condition.span);
        result.set("failed", true);
        result.set("changed_when_result", error.message());
        result.set("msg", "the changed_when condition cannot be evaluated: " + error.one_line());
        return {};
      }
      changed = changed && *holds;
    }
    result.set("changed", changed);
    if (!task_.register_name.empty()) scope_.set_local(task_.register_name, result);
  }
  if (task_.has_failed_when) {
    bool failed = true;
    for (const play::Condition& condition : task_.failed_when) {
      auto holds = scope_.condition(condition.expression);
      if (!holds) {
        const Error error = std::move(holds).error().at_if_unknown(condition.span);
        result.set("failed", true);
        result.set("failed_when_result", error.message());
        result.set("msg", "the failed_when condition cannot be evaluated: " + error.one_line());
        return {};
      }
      failed = failed && *holds;
    }
    result.set("failed", failed);
    result.set("failed_when_result", failed);
  }
  return {};
}

Async<Value> TaskRun::run_action(const TaskSettings& settings, Value arguments) {
  ActionCall call(play_, host_, scope_, task_, settings);
  call.module = task_.module != nullptr ? std::string(task_.module->name) : task_.action;
  call.arguments = std::move(arguments);
  const Action action = task_.library_path.empty() ? find_action(call.module) : &action_library;
  auto pass = co_await play_.run().gate().enter();
  if (!pass) co_return Error(std::move(pass).error());
  Result<Value> result = Value();
  if (action != nullptr) {
    result = co_await action(call);
  } else {
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
        co_return failed_result("the until condition cannot be evaluated: " + error.one_line());
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

Result<void> TaskRun::notify(const Value& result) {
  if (flag(result, "failed")) return {};
  for (const Value& entry : task_.notify) {
    GS_TRY(auto rendered, scope_.render(entry));
    const List names = rendered.is_list() ? rendered.as_list() : List{rendered};
    for (const Value& name : names) {
      GS_TRY(auto handlers, play_.handlers_named(to_text(name), scope_));
      for (const play::Task* handler : handlers) {
        if (std::find(host_.notified.begin(), host_.notified.end(), handler) ==
            host_.notified.end()) {
          host_.notified.push_back(handler);
        }
      }
      report::Event told = event(report::EventType::notified);
      told.task = to_text(name);
      play_.run().emit(std::move(told));
    }
  }
  return {};
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
    if (task_.kind == play::ActionKind::module || flag(result, "failed") ||
        flag(result, "skipped")) {
      report_result(report::EventType::item_result, result, label);
    }
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

void TaskRun::store(const Value& result) {
  if (!task_.register_name.empty()) host_.state->registered.set(task_.register_name, result);
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
  co_return outcome;
}

}  // namespace

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
