// What becomes of a result: judged, stored as facts and variables, told to handlers and reported.
#include "core/engine/actions/action.hpp"
#include "core/engine/facts.hpp"
#include "core/engine/task_run.hpp"
#include "core/report/failure_place.hpp"
#include "core/wire/session.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>

namespace gpustack::engine {

bool flag(const Value& result, std::string_view key) {
  const Value* value = result.find(key);
  return value != nullptr && value->truthy();
}

void drop_place(Value& result) {
  if (result.find(report::kPlaceKey) != nullptr) result.mutable_map().erase(report::kPlaceKey);
}

namespace {

void notify_once(HostRun& host, const std::vector<const play::Task*>& handlers) {
  for (const play::Task* handler : handlers) {
    if (std::ranges::find(host.notified, handler) == host.notified.end())
      host.notified.push_back(handler);
  }
}

}  // namespace

report::Event TaskRun::event(report::EventType type) const {
  report::Event event(type);
  event.host = host_.state->name;
  event.task = flight_.title;
  event.task_id = play_.announced(flight_.at);
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
  const bool has_run =
      out.outcome == report::Outcome::ok || out.outcome == report::Outcome::changed;
  out.verbose_always = (name == "debug" && has_run) || flag(result, "_ansible_verbose_always");
  out.verbose_override =
      name == "setup" || name == "gather_facts" || flag(result, "_ansible_verbose_override");
  if (play_.run().state().options.timings && type == report::EventType::host_result) {
    out.elapsed = std::chrono::steady_clock::now() - flight_.begun;
    out.evaluated = flight_.evaluated;
    out.on_host = flight_.on_host;
  }
  play_.emit(flight_.at, std::move(out));
}

Result<bool> TaskRun::all_hold(const std::vector<play::Condition>& conditions) {
  bool all = true;
  for (const play::Condition& condition : conditions) {
    auto holds = scope_.condition(condition.expression);
    if (!holds) return Error(std::move(holds).error()).at_if_unknown(condition.span);
    all = all && *holds;
  }
  return all;
}

bool TaskRun::judge_by(const std::vector<play::Condition>& conditions,
                       const std::string& verdict,
                       Value& result) {
  auto holds = all_hold(conditions);
  if (holds) {
    result.set(verdict, *holds);
    return true;
  }
  const Error error = std::move(holds).error();
  const std::string keyword = verdict + "_when";
  result.set("failed", true);
  result.set(keyword + "_result", error.message());
  result.set("msg", "the " + keyword + " condition cannot be evaluated: " + message_of(error));
  show_place(result, error);
  return false;
}

void TaskRun::judge(Value& result) {
  if (result.find("failed") == nullptr) result.set("failed", wire::means_failure(result));
  if (result.find("changed") == nullptr) result.set("changed", false);
  if (!task_.register_name.empty()) scope_.set_local(task_.register_name, result);
  if (flag(result, "skipped")) return;
  if (task_.has_changed_when) {
    if (!judge_by(task_.changed_when, "changed", result)) return;
    if (!task_.register_name.empty()) scope_.set_local(task_.register_name, result);
  }
  if (task_.has_failed_when && judge_by(task_.failed_when, "failed", result))
    result.set("failed_when_result", flag(result, "failed"));
}

void TaskRun::store_facts(const Value& result) {
  const Value* facts = result.find("ansible_facts");
  if (facts == nullptr || !facts->is_map()) return;
  const bool is_delegated = !settings_.delegate_to.empty() && settings_.delegate_facts;
  HostState& owner = is_delegated ? play_.run().state().host(settings_.delegate_to) : *host_.state;
  const std::string_view module = task_.module != nullptr ? task_.module->name : "";
  if (module == "set_fact" || module == "include_vars") {
    const bool merges = play_.run().state().options.merge_hashes && module == "include_vars";
    if (module == "set_fact") {
      owner.set_facts_of(*facts, merges);
    } else {
      owner.include_vars(*facts, merges);
    }
    if (flag(result, "_ansible_facts_cacheable")) {
      learn(owner, facts->as_map());
      cache_facts(owner);
    }
  } else {
    learn(owner, facts->as_map());
    if (module == "setup" || module == "gather_facts") {
      owner.facts_gathered = true;
      keep_facts(owner, Map{{"module_setup", true}});
    }
    cache_facts(owner);
  }
  scope_.forget();
}

void TaskRun::learn(HostState& owner, const Map& facts) {
  for (const std::string& name : keep_facts(owner, facts))
    play_.run().warn("Removed restricted key from module data: " + name);
}

void TaskRun::cache_facts(const HostState& owner) {
  const RunState& state = play_.run().state();
  if (!state.fact_cache || state.options.check) return;
  const auto done = state.fact_cache->store(owner.name, owner.facts.as_map());
  if (!done) play_.run().warn(done.error().one_line());
}

void TaskRun::store(const TaskOutcome& outcome) {
  if (task_.register_name.empty()) return;
  Value kept = outcome.result;
  drop_place(kept);
  if (kept.find("failed") == nullptr) kept.set("failed", outcome.failed);
  host_.state->set_fact(task_.register_name, std::move(kept));
}

Result<void> TaskRun::notify(const Value& result) {
  if (flag(result, "failed")) return {};
  for (const Value& entry : task_.notify) {
    GS_TRY(auto rendered, scope_.render(entry));
    const List names = rendered.is_list() ? rendered.as_list() : List{rendered};
    for (const Value& name : names) {
      auto found = play_.handlers_named(to_text(name), scope_);
      if (!found && !play_.run().state().options.error_on_missing_handler) {
        play_.run().warn(found.error().message());
        continue;
      }
      if (!found) {
        const Origin* origin = entry.origin();
        return Error(std::move(found).error())
            .at_if_unknown(origin != nullptr ? origin->span : task_.span);
      }
      notify_once(host_, *found);
      report::Event told = event(report::EventType::notified);
      told.task = to_text(name);
      play_.emit(flight_.at, std::move(told));
    }
  }
  return {};
}

}  // namespace gpustack::engine
