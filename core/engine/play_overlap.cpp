// Tasks of one host that overlap: which of them may, and their way from begin to end.
#include "core/engine/actions/action.hpp"
#include "core/engine/mentions.hpp"
#include "core/engine/play_run.hpp"
#include "core/engine/straight.hpp"
#include "core/engine/task_run.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>
#include <array>

namespace gpustack::engine {

namespace {

/// Keywords of tasks that other hosts take part in, or that change what a lost connection means.
constexpr std::array kAlone{play::Keyword::run_once,
                            play::Keyword::delegate_to,
                            play::Keyword::throttle,
                            play::Keyword::any_errors_fatal,
                            play::Keyword::ignore_unreachable,
                            play::Keyword::connection};

/// Actions that change what every host sees: the inventory, the play, files of the controller.
constexpr std::array<std::string_view, 4> kForAll{"add_host", "group_by", "pause", "fetch"};

/// Whether a module may bring variables, under names that nobody knows before.
bool tells_facts(const modules::ModuleSpec& module) {
  return std::ranges::any_of(module.results, [](const modules::ResultKey& key) {
    return std::string_view(key.name) == "ansible_facts";
  });
}

/// Whether it is the controller, as far as the text tells.
bool is_own_address(std::string_view address) {
  return address == "localhost" || address.starts_with("127.") || address == "::1";
}

/// Whether there is nothing between its evaluation and its sending, nor between its result and what
/// that means, that could be waited for.
bool goes_straight(const play::Task& task) {
  return task.module != nullptr && is_sent_only(task) &&
         find_action(task.module->name) == nullptr && task.module->name != "async_status" &&
         !task.loop && task.until.empty();
}

bool is_word(const Value& value) {
  return value.is_string() && !jinja::has_template(value.as_string());
}

/// Whether it holds is known beforehand, and cannot fail.
bool is_literal(const play::Condition& condition) { return condition.expression.is_bool(); }

}  // namespace

bool PlayRun::may_overlap() const {
  const RunOptions& options = run_.state().options;
  if (!options.pipelining || options.step || options.any_errors_fatal) return false;
  if (run_.state().observer != nullptr || !play_.play->max_fail_percentage.is_null()) return false;
  // Two names for one machine: what one of them does, the other sees. On the controller, lookups
  // and the sources of files see what tasks in flight have not done yet.
  std::set<std::string> addresses;
  return std::ranges::all_of(hosts_, [&](const HostRun& host) {
    const Value& variables = host.state->inventory_vars;
    const bool is_local = variables.get("ansible_connection") == Value("local");
    if (is_local || options.connection == "local") return false;
    const Value& given = variables.get("ansible_host");
    std::string address = given.is_null() ? host.state->name : to_text(given);
    return !is_own_address(address) && addresses.insert(std::move(address)).second;
  });
}

PlayRun::Overlap PlayRun::find_overlap(HostRun& host, const play::Task& task) {
  Overlap overlap;
  const bool is_include = play::is_dynamic_include(task);
  const bool is_known = is_include || task.module != nullptr || !task.library_path.empty();
  const auto is_set = [&](play::Keyword keyword) { return task.setting(keyword) != nullptr; };
  if (!overlaps_ || !is_known || std::ranges::any_of(kAlone, is_set)) return overlap;
  if (looks_at_other_hosts(task)) return overlap;
  if (task.module != nullptr && std::ranges::find(kForAll, task.module->name) != kForAll.end())
    return overlap;
  overlap.may_begin_early = true;
  overlap.is_straight = goes_straight(task);
  if (is_include || task.loop || task.has_failed_when || !is_sent_only(task)) return overlap;
  // What reads a fact waits for them; files of variables that are named after facts cannot.
  overlap.brings_facts = &task == setup_task_.get() && play_.vars_files_waiting.empty();
  if (tells_facts(*task.module) && !overlap.brings_facts) return overlap;
  if (!task.until.empty()) return overlap;
  if (task.is_handler && !task.notify.empty()) return overlap;
  if (!std::ranges::all_of(task.changed_when, is_literal)) return overlap;
  Scope scope(run_.state(), &play_, *host.state, &task);
  overlap.may_be_left = std::ranges::all_of(task.notify, [&](const Value& name) {
    return is_word(name) && handlers_named(name.as_string(), scope);
  });
  return overlap;
}

bool PlayRun::may_send_together(const play::Task& task) const {
  const auto known = overlap_.find(&task);
  return known != overlap_.end() && known->second.may_begin_early && task.module != nullptr &&
         !tells_facts(*task.module);
}

PlayRun::Overlap PlayRun::overlap_of(HostRun& host, const play::Task& task) {
  if (!overlaps_) return {};
  const auto known = overlap_.find(&task);
  if (known != overlap_.end()) return known->second;
  return overlap_.emplace(&task, find_overlap(host, task)).first->second;
}

void PlayRun::show_first(HostRun& host) {
  if (host.pipeline.empty() || host.pipeline.is_broken()) return;
  const Pipeline::Flight& first = host.pipeline.first();
  order_.reach(host.number, first.at);
  if (!first.title.empty()) announce(first.task(), first.at, first.title);
}

void PlayRun::hurry(const HostRun& host) {
  if (!host.pipeline.empty() && host.target != nullptr) host.target->hurry();
}

Async<Flow> PlayRun::settle(HostRun& host) {
  hurry(host);
  co_return co_await host.pipeline.drain();
}

Async<void> PlayRun::settle_hosts(const Position& at) {
  if (!overlaps_ || play_.is_free) co_return Result<void>();
  while (order_.has_before(at)) GS_CO_TRY_VOID(co_await settled_.wait());
  co_return Result<void>();
}

void PlayRun::finish(HostRun& host, Pipeline::Flight& flight, Result<Flow> flow) {
  end_flight(host, flight, std::move(flow));
  count_ready(host);
}

void PlayRun::count_ready(HostRun& host) {
  while (!host.pipeline.empty()) {
    Pipeline::Flight& first = host.pipeline.first();
    if (!first.work || !first.work->is_done()) return;
    count_straight(host, first);
  }
}

void PlayRun::count_straight(HostRun& host, Pipeline::Flight& flight) {
  const auto work = std::move(flight.work);
  if (host.pipeline.is_broken()) return end_flight(host, flight, Flow::go_on);
  auto outcome = static_cast<StraightTask&>(*work).count();
  if (!outcome) return end_flight(host, flight, Error(std::move(outcome).error()));
  end_flight(host, flight, finish_task(host, count_outcome(host, flight.task(), *outcome), false));
}

void PlayRun::end_flight(HostRun& host, Pipeline::Flight& flight, Result<Flow> flow) {
  host.pipeline.finish(flight, std::move(flow));
  if (host.pipeline.empty()) {
    order_.reach(host.number, host.position);
    // Nothing is under way any more that must not run: others may delegate to this host meanwhile.
    if (host.pipeline.is_broken() && host.target != nullptr) host.target->acknowledge_failures();
  } else {
    show_first(host);
  }
  if (settled_.has_waiters()) settled_.notify_all();
}

struct PlayRun::Sight {
  Sight(PlayRun& play, HostRun& host, const play::Task& task)
      : include_frames(host.include_frames),
        scope(play.run_.state(), &play.play_, *host.state, &task, &include_frames) {}

  const std::vector<Value> include_frames;
  Scope scope;
};

Async<void> PlayRun::fly(HostRun& host,
                         const play::Task& task,
                         Pipeline::Flight& flight,
                         std::unique_ptr<Sight> sight,
                         std::shared_ptr<Value> included) {
  auto answer = co_await execute_task(*this, host, task, sight->scope, flight);
  if (!answer) {
    if (answer.error().code() == ErrorCode::cancelled) co_return Error(std::move(answer).error());
    GS_CO_TRY_VOID(co_await host.pipeline.turn(flight));
    finish(host, flight, Error(std::move(answer).error()));
    co_return Result<void>();
  }
  Flow flow = Flow::go_on;
  if (!answer->dropped) {
    flow = finish_task(host, count_outcome(host, task, *answer), false);
    const bool holds = flow == Flow::go_on && !answer->skipped && !answer->failed;
    if (included && holds) *included = std::move(answer->result);
  }
  finish(host, flight, flow);
  co_return Result<void>();
}

Async<void> PlayRun::begin(HostRun& host,
                           const play::Task& task,
                           Pipeline::Flight& flight,
                           std::shared_ptr<Value> included) {
  auto sight = std::make_unique<Sight>(*this, host, task);
  bool stays = !flight.may_be_left;
  if (flight.may_be_left && !task.when.empty()) {
    sight->scope.belong_to(host.pipeline, flight);
    const auto excluded = false_condition(sight->scope, task);
    flight.is_judged = excluded && sight->scope.waits_for() == Scope::Wait::none;
    if (flight.is_judged) flight.excluded_by = *excluded;
    stays = flight.excluded_by != nullptr;
  }
  auto work = fly(host, task, flight, std::move(sight), std::move(included));
  // Nobody gains by a coroutine of its own for what has no task before it and is not left behind.
  if (stays && host.pipeline.is_first(flight)) co_return co_await std::move(work);
  flights_.spawn_now(std::move(work));
  if (!host.pipeline.empty()) GS_CO_TRY_VOID(co_await host.pipeline.released());
  co_return Result<void>();
}

const play::Task* PlayRun::straight_task(HostRun& host, const play::Node& node) {
  if (node.type != play::NodeType::task || !overlaps_ || !play_.vars_files_waiting.empty())
    return nullptr;
  const auto& task = static_cast<const play::Task&>(node);
  const bool has_room = !host.pipeline.is_broken() && host.pipeline.size() < most_in_flight_;
  const bool is_straight = has_room && overlap_of(host, task).is_straight;
  return is_straight && should_run(host, task) && has_started(host, task) ? &task : nullptr;
}

Pipeline::Flight* PlayRun::begin_straight(HostRun& host,
                                          const play::Task& task,
                                          const Position& at) {
  if (host.pipeline.is_broken()) return nullptr;
  Pipeline::Flight& flight = host.pipeline.begin(task, at);
  const Overlap overlap = overlap_of(host, task);
  flight.may_be_left = overlap.may_be_left;
  if (overlap.brings_facts) host.pipeline.brings_facts(flight);
  auto work = std::make_unique<StraightTask>(*this, host, task, flight);
  StraightTask& begun = *work;
  flight.work = std::move(work);
  if (!begun.begin()) {
    flight.work.reset();
    return &flight;
  }
  if (begun.lets_go()) host.pipeline.release(flight);
  if (host.pipeline.is_first(flight)) count_ready(host);
  return nullptr;
}

Async<Flow> PlayRun::run_ahead(HostRun& host,
                               const play::Task& task,
                               Position at,
                               Overlap overlap) {
  if (host.pipeline.size() >= most_in_flight_) {
    hurry(host);
    GS_CO_TRY_VOID(co_await host.pipeline.room_for_one(most_in_flight_));
  }
  if (host.pipeline.is_broken()) co_return co_await settle(host);
  Pipeline::Flight& flight = host.pipeline.begin(task, at);
  flight.may_be_left = overlap.may_be_left;
  if (overlap.brings_facts) host.pipeline.brings_facts(flight);
  co_return co_await go_ahead(host, task, flight, std::move(at));
}

Async<Flow> PlayRun::go_ahead(HostRun& host,
                              const play::Task& task,
                              Pipeline::Flight& flight,
                              Position at) {
  std::shared_ptr<Value> included;
  if (play::is_dynamic_include(task)) included = std::make_shared<Value>();
  GS_CO_TRY_VOID(co_await begin(host, task, flight, included));
  if (host.pipeline.is_broken()) co_return co_await settle(host);
  if (!included || included->is_null()) co_return Flow::go_on;
  co_return co_await run_included(host, task, std::move(at), std::move(*included));
}

}  // namespace gpustack::engine
