// The items of a loop: one after the other, or sent together where nothing between two of them can
// matter to the next.
#include "core/async/task_group.hpp"
#include "core/engine/actions/action.hpp"
#include "core/engine/task_run.hpp"
#include "core/report/failure_place.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>

namespace gpustack::engine {

/// What the results of a loop's items come to.
struct LoopSummary {
  void add(Value result, bool ignores_errors);
  [[nodiscard]] Value result() &&;

  List results;
  bool changed = false;
  bool failed = false;
  bool skipped = true;
  bool unreachable = false;
  bool ignored = true;  ///< every failure
};

void LoopSummary::add(Value result, bool ignores_errors) {
  changed = changed || flag(result, "changed");
  skipped = skipped && flag(result, "skipped");
  unreachable = unreachable || flag(result, "unreachable");
  if (flag(result, "failed")) {
    failed = true;
    ignored = ignored && ignores_errors;
  }
  results.push_back(std::move(result));
}

Value LoopSummary::result() && {
  Value combined{Map()};
  combined.set("changed", changed);
  if (results.empty()) {
    combined.set("skipped", true);
    combined.set("skipped_reason", "No items in the list");
  } else if (failed) {
    combined.set("failed", true);
    combined.set("msg", "One or more items failed");
  } else {
    combined.set("msg", skipped ? "All items skipped" : "All items completed");
    if (skipped) combined.set("skipped", true);
  }
  if (unreachable) combined.set("unreachable", true);
  combined.set("results", Value(std::move(results)));
  return combined;
}

namespace {

/// Items that are under way at once.
constexpr std::size_t kMostTogether = 200;

}  // namespace

/// One item that was sent.
struct TaskRun::SentItem {
  explicit SentItem(const asio::any_io_executor& executor) : sent(executor), done(executor) {}

  TaskSettings settings;
  Result<Value> result = Value();
  bool is_result = false;  ///< there was nothing to send
  async::Event sent;
  async::Event done;
};

Async<void> TaskRun::pause_before(std::size_t index) {
  if (index == 0 || task_.loop_control.pause.is_null()) co_return Result<void>();
  GS_CO_TRY(const auto pause, scope_.render(task_.loop_control.pause));
  double seconds = 0;
  if (pause.is_string()) seconds = std::strtod(pause.as_string().c_str(), nullptr);
  if (pause.is_number()) seconds = pause.as_real();
  GS_CO_TRY_VOID(co_await async::sleep_for(
      std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000))));
  co_return Result<void>();
}

Result<void> TaskRun::finish_item(Value& result, const Value& item, std::size_t index) {
  const play::LoopControl& control = task_.loop_control;
  Value label = item;
  if (!control.label.is_null()) {
    auto rendered = scope_.render(control.label);
    if (rendered) label = std::move(*rendered);
  }
  result.set(control.loop_var, item);
  result.set("ansible_loop_var", Value(control.loop_var));
  if (!control.index_var.empty()) {
    result.set(control.index_var, Value(static_cast<std::int64_t>(index)));
    result.set("ansible_index_var", Value(control.index_var));
  }
  if (is_extended()) {
    GS_TRY(auto extended, scope_.variable("ansible_loop"));
    result.set("ansible_loop", std::move(extended));
  }
  if (task_.kind == play::ActionKind::module || flag(result, "failed") || flag(result, "skipped"))
    report_result(report::EventType::item_result, result, label);
  drop_place(result);
  result.set("_ansible_item_label", label);
  return {};
}

/// Waits where the item looks at hosts that are not here yet, or at facts that nobody has gathered.
/// What was done for it had no effect.
Async<void> TaskRun::wait_for_what_it_reads() {
  if (scope_.waits_for() == Scope::Wait::facts) {
    GS_CO_TRY_VOID(co_await play_.gather_rest(host_));
  } else {
    GS_CO_TRY_VOID(co_await play_.settle_hosts(flight_.at));
  }
  scope_.forget();
  scope_.belong_to(host_.pipeline, flight_);
  co_return Result<void>();
}

Async<Value> TaskRun::run_item() {
  while (true) {
    GS_CO_TRY(Value result, co_await run_once(nullptr));
    if (scope_.waits_for() == Scope::Wait::none) co_return result;
    GS_CO_TRY_VOID(co_await wait_for_what_it_reads());
  }
}

bool TaskRun::sends_together() const {
  if (!play_.may_send_together(task_) || !task_.loop_control.pause.is_null()) return false;
  return task_.until.empty() && !task_.has_failed_when && is_sent_only(task_) &&
         (task_.register_name.empty() || find_action(task_.module->name) == nullptr) &&
         std::ranges::all_of(task_.changed_when, [](const play::Condition& condition) {
           return condition.expression.is_bool();
         });
}

Async<void> TaskRun::fly_item(SentItem& item, Value arguments) {
  item.result =
      co_await run_action(item.settings, std::move(arguments), [&item] { item.sent.set(); });
  item.sent.set();
  item.done.set();
  co_return Result<void>();
}

Async<bool> TaskRun::send_item(SentItem& item, async::TaskGroup& group, bool is_first) {
  while (true) {
    static_cast<void>(scope_.was_watched_read());
    Prepared prepared = prepare(nullptr);
    if (scope_.was_watched_read() && !is_first) co_return false;
    if (scope_.waits_for() != Scope::Wait::none) {
      GS_CO_TRY_VOID(co_await wait_for_what_it_reads());
      continue;
    }
    item.settings = settings_;
    item.is_result = prepared.result.has_value();
    if (item.is_result) {
      item.result = std::move(*prepared.result);
      co_return true;
    }
    auto work = fly_item(item, std::move(prepared.arguments));
    group.spawn_now(std::move(work));
    GS_CO_TRY_VOID(co_await item.sent.wait());
    if (scope_.waits_for() == Scope::Wait::none) co_return true;
    GS_CO_TRY_VOID(co_await item.done.wait());  // its action came upon it, and has sent nothing
    GS_CO_TRY_VOID(co_await wait_for_what_it_reads());
    item.sent.reset();
    item.done.reset();
  }
}

Async<std::size_t> TaskRun::run_together(const List& items, Span part, LoopSummary& summary) {
  const auto executor = co_await asio::this_coro::executor;
  std::deque<SentItem> all;
  async::TaskGroup group(executor, kMostTogether);
  Result<bool> sent = true;
  for (std::size_t index = part.begin; index < part.end && sent && *sent; ++index) {
    set_loop_variables(items, index);
    auto sending = send_item(all.emplace_back(executor), group, index == part.begin);
    sent = co_await std::move(sending);
    if (sent && !*sent) part.end = index;
  }
  if (!sent) group.stop();
  const auto joined = co_await group.join();
  if (!sent) co_return Error(std::move(sent).error());
  if (!joined) co_return Error(joined.error());
  for (std::size_t index = part.begin; index < part.end && !summary.unreachable; ++index) {
    SentItem& item = all[index - part.begin];
    set_loop_variables(items, index);
    settings_ = item.settings;
    GS_CO_TRY(Value result, std::move(item.result));
    if (!item.is_result) {
      result = conclude(item.settings, std::move(result), 1);
      GS_CO_TRY_VOID(tell_handlers(result));
    }
    GS_CO_TRY_VOID(finish_item(result, items[index], index));
    summary.add(std::move(result), settings_.ignore_errors);
  }
  co_return part.end;
}

Async<Value> TaskRun::run_loop(List items) {
  if (scope_.waits_for() != Scope::Wait::none) co_return Value();
  if (!has_turn()) GS_CO_TRY_VOID(co_await turn());
  if (is_dropped_) co_return Value();
  in_loop_ = true;
  LoopSummary summary;
  if (sends_together()) {
    scope_.watch(task_.register_name);
    for (std::size_t begin = 0; begin < items.size() && !summary.unreachable;) {
      const Span part{begin, std::min(items.size(), begin + kMostTogether)};
      GS_CO_TRY(begin, co_await run_together(items, part, summary));
    }
  } else {
    for (std::size_t index = 0; index < items.size() && !summary.unreachable; ++index) {
      set_loop_variables(items, index);
      GS_CO_TRY_VOID(co_await pause_before(index));
      GS_CO_TRY(Value result, co_await run_item());
      GS_CO_TRY_VOID(finish_item(result, items[index], index));
      summary.add(std::move(result), settings_.ignore_errors);
    }
  }
  if (summary.failed) settings_.ignore_errors = summary.ignored;
  co_return std::move(summary).result();
}

}  // namespace gpustack::engine
