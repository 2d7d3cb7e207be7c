// One task of a play on one host: whether it runs, who runs it for whom, what its outcome means.
#include "core/engine/play_run.hpp"
#include "core/engine/task_run.hpp"
#include "core/play/tags.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <cstdlib>

namespace gpustack::engine {

namespace {

/// Actions that change what all hosts share run once for all of them (Ansible's BYPASS_HOST_LOOP).
bool runs_for_all(const play::Task& task) {
  return task.module != nullptr &&
         (task.module->name == "add_host" || task.module->name == "pause");
}

bool is_template(const Value& tag) {
  return tag.is_string() ? jinja::has_template(tag.as_string()) : tag.is_list();
}

/// Nothing to render at any depth, and nothing sealed.
bool is_fixed(const Value& value) {
  if (value.is_string()) return value.is_unsafe() || !jinja::has_template(value.as_string());
  if (value.is_list()) return std::ranges::all_of(value.as_list(), is_fixed);
  if (!value.is_map()) return !value.is_object();
  return std::ranges::all_of(value.as_map(),
                             [](const Map::Entry& entry) { return is_fixed(entry.value); });
}

}  // namespace

std::uint64_t PlayRun::announced(const Position& at) const {
  if (last_announced_.first == at) return last_announced_.second;
  const auto found = announced_.find(at);
  return found != announced_.end() ? found->second : 0;
}

void PlayRun::announce(const play::Task& task, const Position& at, const std::string& name) {
  if (last_announced_.first == at) return;
  auto [slot, is_new] = announced_.emplace(at, 0);
  if (is_new) slot->second = run_.next_task_id();
  last_announced_ = *slot;
  if (!is_new) return;
  report::Event event(report::EventType::task_started);
  event.play = play_.name;
  event.task = name;
  event.task_id = slot->second;
  event.action = task.action;
  event.is_handler = task.is_handler;
  event.check = run_.state().options.check;
  if (task.span.known()) event.path = task.span.file->path() + ":" + std::to_string(task.span.line);
  emit(at, std::move(event));
}

bool PlayRun::tags_chosen(HostRun& host, const play::Task& task) {
  if (const auto known = chosen_.find(&task); known != chosen_.end()) return known->second;
  const auto written = play::written_tags(task);
  play::TagSet tags;
  if (std::ranges::none_of(written, is_template)) {
    for (const Value& tag : written) play::add_tags(tags, tag);
    return chosen_.emplace(&task, play::should_run(tags, run_.tag_choice())).first->second;
  }
  Scope scope(run_.state(), &play_, *host.state, &task, &host.include_frames);
  for (const Value& tag : written) {
    auto rendered = scope.render(tag);
    play::add_tags(tags, rendered ? *rendered : tag);
  }
  return play::should_run(tags, run_.tag_choice());
}

bool PlayRun::should_run(HostRun& host, const play::Task& task) {
  if (task.is_handler) return true;
  const bool runs = tags_chosen(host, task);
  TaskObserver* observer = run_.state().observer;
  if (!runs && observer != nullptr) observer->left_out(*host.state, task);
  return runs;
}

Flow PlayRun::finish_task(HostRun& host, Flow flow, bool any_errors_fatal) {
  if (flow == Flow::unreachable) {
    host.state->unreachable = true;
    play_.removed.insert(host.state->name);
  } else if (flow == Flow::failed && host.rescue_depth == 0) {
    host.state->failed = true;
    play_.removed.insert(host.state->name);
  }
  const bool counts = flow == Flow::unreachable || (flow == Flow::failed && host.rescue_depth == 0);
  if (!counts) return flow;
  ++failed_count_;
  // As in Ansible, a host that still has an `always` before it is not lost yet and stops nobody.
  if (any_errors_fatal && host.always_depth == 0) stop_behind(host.position);
  const Value& limit = play_.play->max_fail_percentage;
  if (!limit.is_null() && !play_.batch.empty()) {
    const double percent =
        limit.is_number() ? limit.as_real() : std::strtod(to_text(limit).c_str(), nullptr);
    const double failed =
        100.0 * static_cast<double>(failed_count_) / static_cast<double>(play_.batch.size());
    if (failed > percent) stop_behind(host.position);
  }
  return flow;
}

Flow PlayRun::take_once_result(HostRun& host, const play::Task& task, const OnceSlot& slot) {
  if (!task.register_name.empty()) host.state->set_fact(task.register_name, slot.result);
  const Value* facts = slot.result.find("ansible_facts");
  if (facts != nullptr && facts->is_map()) host.state->set_facts_of(*facts, false);
  return slot.flow == Flow::failed ? finish_task(host, Flow::failed, false) : Flow::go_on;
}

Flow PlayRun::count_outcome(HostRun& host, const play::Task& task, const TaskOutcome& outcome) {
  report::HostStats& stats = run_.stats(host.state->name);
  if (outcome.unreachable && !outcome.ignored) {
    stats.unreachable += 1;
    return Flow::unreachable;
  }
  if (outcome.failed && !outcome.ignored) {
    host.is_cleared = false;
    if (host.rescue_depth > 0) {
      stats.rescued += 1;
      host.state->set_fact("ansible_failed_result", outcome.result);
      host.state->set_fact(
          "ansible_failed_task",
          Value::map({{"name", Value(task.name)}, {"action", Value(task.action)}}));
    } else {
      stats.failed += 1;
    }
    return Flow::failed;
  }
  if (outcome.ignored) stats.ignored += 1;
  if (outcome.skipped && !outcome.ignored) {
    stats.skipped += 1;
  } else if (outcome.ignored || !play::is_dynamic_include(task)) {
    stats.ok += 1;
    if (flag(outcome.result, "changed")) stats.changed += 1;
  }
  return Flow::go_on;
}

Async<async::Gate::Pass> PlayRun::enter_throttle(Scope& scope, const play::Task& task) {
  GS_CO_TRY(const std::int64_t most, throttle_of(scope, task));
  if (most <= 0) co_return async::Gate::Pass();
  auto& gate = throttles_[&task];
  if (!gate) gate = std::make_unique<async::Gate>(executor_, static_cast<std::size_t>(most));
  GS_CO_TRY(auto pass, co_await gate->enter());
  scope.forget();  // the hosts before may have changed what this one sees
  co_return pass;
}

const Value& PlayRun::skipped_result(const play::Condition& condition) {
  auto [slot, is_new] = skipped_results_.try_emplace(&condition);
  if (!is_new) return slot->second;
  const Value& written = condition.expression;
  return slot->second = Value::map({{"changed", false},
                                    {"skipped", true},
                                    {"skip_reason", "Conditional result was False"},
                                    {"false_condition", written.is_null() ? false : written}});
}

Value* PlayRun::fixed_arguments(const play::Task& task) {
  auto [slot, is_new] = fixed_arguments_.try_emplace(&task);
  if (is_new && task.arguments.is_map() && is_fixed(task.arguments) &&
      play::all_settings(task, play::Keyword::module_defaults).empty())
    slot->second.emplace();
  return slot->second ? &*slot->second : nullptr;
}

bool PlayRun::has_started(HostRun& host, const play::Task& task) {
  if (!host.has_started && !task.is_implicit) host.has_started = run_.is_start(task);
  return host.has_started || task.is_implicit;
}

void PlayRun::stop_behind(const Position& at) {
  if (!aborted_) abort_position_ = at;
  aborted_ = true;
}

Flow PlayRun::stopped_flow(HostRun& host) {
  if (ended_) return Flow::end_play;
  if (ended_batch_) return Flow::end_batch;
  if (!aborted_) return Flow::go_on;
  // Who failed first must not decide which of the others run the same task.
  const bool is_linear = !play_.is_free && abort_position_;
  if (is_linear && !(*abort_position_ < host.position)) return Flow::go_on;
  host.state->failed = true;
  return Flow::failed;
}

const play::Task& PlayRun::with_module(Scope& scope, const play::Task& task) {
  const bool is_open = task.kind == play::ActionKind::module && task.module == nullptr &&
                       task.library_path.empty() && jinja::has_template(task.action);
  if (!is_open) return task;
  const auto name = scope.render(Value(task.action));
  const play::Task* found = name ? run_.loader().with_module(task, to_text(*name)) : nullptr;
  return found != nullptr ? *found : task;
}

// @source ansible-core 2.14, StrategyBase._take_step
Async<bool> PlayRun::is_wanted(const play::Task& task, const Position& at) {
  auto& step = steps_[at];
  if (step) {
    GS_CO_TRY_VOID(co_await step->done.wait());
    co_return step->runs;
  }
  step = std::make_unique<Step>(executor_);
  if (run_.state().options.step) {
    auto answer = co_await run_.ask(
        "Perform task: TASK: " + play::display_name(task) + " (N)o/(y)es/(c)ontinue: ", false);
    if (!answer) {
      step->runs = false;
      step->done.set();
      co_return stop_for(std::move(answer).error());
    }
    const char first = answer->empty() ? 'n' : static_cast<char>(answer->front() | 0x20);
    step->runs = first == 'y' || first == 'c';
    if (first == 'c') run_.state().options.step = false;
  }
  step->done.set();
  co_return step->runs;
}

void PlayRun::come_to(HostRun& host, const Position& at) {
  host.position = at;
  if (host.pipeline.empty()) order_.reach(host.number, at);
  if (settled_.has_waiters()) settled_.notify_all();
}

Async<std::optional<Flow>> PlayRun::flow_without(HostRun& host,
                                                 const play::Task& task,
                                                 const Position& at,
                                                 Overlap overlap) {
  using Answer = std::optional<Flow>;
  if (!should_run(host, task) || !has_started(host, task)) co_return Answer(Flow::go_on);
  const bool is_alone = !overlap.may_begin_early;
  if ((is_alone && !host.pipeline.empty()) || host.pipeline.is_broken()) {
    GS_CO_TRY(const Flow before, co_await settle(host));
    if (before != Flow::go_on) co_return Answer(before);
  }
  come_to(host, at);
  const auto meeting = is_alone ? Lockstep::Meeting::all : Lockstep::Meeting::company;
  GS_CO_TRY_VOID(co_await lockstep_.arrive(host.number, at, meeting));
  if (is_alone && overlaps_) GS_CO_TRY_VOID(co_await settle_hosts(at));
  lockstep_.go_on(host.number);
  if (const Flow flow = stopped_flow(host); flow != Flow::go_on) co_return Answer(flow);
  if (!run_.state().options.step && (steps_.empty() || !steps_.contains(at))) co_return Answer();
  GS_CO_TRY(const bool wanted, co_await is_wanted(task, at));
  co_return wanted ? Answer() : Answer(Flow::go_on);
}

Async<Flow> PlayRun::run_task(HostRun& host, const play::Task& written, Position at) {
  const Overlap overlap = overlap_of(host, written);
  GS_CO_TRY(const auto without, co_await flow_without(host, written, at, overlap));
  if (without) co_return *without;
  if (written.kind == play::ActionKind::meta)
    co_return co_await run_meta(host, written, std::move(at));
  if (host.state->facts_gathered && play_.vars_files_waiting.contains(host.state->name)) {
    const play::Play& play = *play_.play;
    GS_CO_TRY_VOID(run_.load_vars_files(play, play.vars_files, play_, *host.state));
  }
  if (overlap.may_begin_early) co_return co_await run_ahead(host, written, std::move(at), overlap);
  co_return co_await run_alone(host, written, std::move(at));
}

Async<Flow> PlayRun::run_alone(HostRun& host, const play::Task& written, Position at) {
  Scope scope(run_.state(), &play_, *host.state, &written, &host.include_frames);
  const play::Task& task = with_module(scope, written);
  GS_CO_TRY(const bool asked_once, boolean_setting(scope, task, play::Keyword::run_once, false));
  GS_CO_TRY(
      const bool fatal,
      boolean_setting(
          scope, task, play::Keyword::any_errors_fatal, run_.state().options.any_errors_fatal));
  OnceSlot* slot = nullptr;
  if (asked_once || runs_for_all(task)) {
    auto& place = once_[at];
    if (!place) {
      place = std::make_unique<OnceSlot>(executor_);
      slot = place.get();
    } else {
      GS_CO_TRY_VOID(co_await place->done.wait());
      if (!asked_once) co_return Flow::go_on;  // the result is the first host's alone
      const Flow flow = take_once_result(host, task, *place);
      // What is included, each host runs itself.
      if (flow != Flow::go_on || !play::is_dynamic_include(task)) co_return flow;
      scope.forget();
    }
  }
  GS_CO_TRY(auto pass, co_await enter_throttle(scope, task));
  Pipeline::Flight& flight = host.pipeline.begin(task, at);
  auto answer = co_await execute_task(*this, host, task, scope, flight);
  if (!answer) {
    finish(host, flight, Flow::go_on);
    if (slot != nullptr) slot->done.set();
    co_return Error(std::move(answer).error());
  }
  pass.leave();
  TaskOutcome outcome = std::move(*answer);
  Flow flow = count_outcome(host, task, outcome);
  if (slot != nullptr) {
    slot->result = outcome.result;
    slot->flow = flow;
    slot->done.set();
  }
  flow = finish_task(host, flow, fatal);
  finish(host, flight, Flow::go_on);
  const bool has_target = play::is_dynamic_include(task) && !outcome.skipped && !outcome.failed;
  if (flow != Flow::go_on || !has_target) co_return flow;
  co_return co_await run_included(host, task, std::move(at), std::move(outcome.result));
}

}  // namespace gpustack::engine
