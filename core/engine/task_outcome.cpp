// What becomes of a result: judged, stored as facts and variables, told to handlers and reported.
#include "core/engine/actions/action.hpp"
#include "core/engine/task_run.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>

namespace gpustack::engine {

bool flag(const Value& result, std::string_view key) {
  const Value* value = result.find(key);
  return value != nullptr && value->truthy();
}

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
        show_place(result, error);
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
        show_place(result, error);
        return {};
      }
      failed = failed && *holds;
    }
    result.set("failed", failed);
    result.set("failed_when_result", failed);
  }
  return {};
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

void TaskRun::store(const Value& result) {
  if (!task_.register_name.empty()) host_.state->registered.set(task_.register_name, result);
}

Result<void> TaskRun::notify(const Value& result) {
  if (flag(result, "failed")) return {};
  for (const Value& entry : task_.notify) {
    GS_TRY(auto rendered, scope_.render(entry));
    const List names = rendered.is_list() ? rendered.as_list() : List{rendered};
    for (const Value& name : names) {
      auto found = play_.handlers_named(to_text(name), scope_);
      if (!found) {
        const Origin* origin = entry.origin();
        return Error(std::move(found).error())
            .at_if_unknown(origin != nullptr ? origin->span : task_.span);
      }
      const auto& handlers = *found;
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

}  // namespace gpustack::engine
