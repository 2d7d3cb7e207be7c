#include "core/engine/play_run.hpp"

#include "core/async/task_group.hpp"
#include "core/base/suggest.hpp"
#include "core/engine/mentions.hpp"
#include "core/play/tags.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

Position place(std::uint32_t section) { return Position(1, section); }

constexpr std::uint32_t kFacts = 0;
constexpr std::uint32_t kPreTasks = 1;
constexpr std::uint32_t kRoles = 3;
constexpr std::uint32_t kTasks = 4;
constexpr std::uint32_t kPostTasks = 6;
constexpr std::uint32_t kLastHandlers = 7;

/// What ends a role ends no section.
bool goes_on(Flow flow) { return flow == Flow::go_on || flow == Flow::end_role; }

}  // namespace

Position child_position(Position at, std::uint32_t number) {
  at.push_back(number);
  return at;
}

PlayRun::PlayRun(Run& run, PlayState& play, const asio::any_io_executor& executor)
    : run_(run),
      play_(play),
      executor_(executor),
      lockstep_(executor,
                play.batch.size(),
                play.is_free ? Lockstep::Mode::free : Lockstep::Mode::linear),
      order_(play.batch.size(),
             play.is_free ? EventOrder::Mode::as_they_come : EventOrder::Mode::by_position,
             [&run](report::Event&& event) { run.emit(std::move(event)); }),
      flights_(executor, play.batch.size() * kMostInFlight),
      settled_(executor) {
  play.order = &order_;
  for (const std::string& name : play.batch) {
    HostRun& host = hosts_.emplace_back(executor);
    host.state = &run.state().host(name);
    host.number = hosts_.size() - 1;
    host.has_started = !run.looks_for_start();
  }
  most_in_flight_ = std::clamp<std::size_t>(
      kMostInFlightOfAll / std::max<std::size_t>(hosts_.size(), 1), kFewInFlight, kMostInFlight);
  overlaps_ = may_overlap();
  waits_for_slow_hosts_ =
      !overlaps_ || play.is_free || play.play->strategy_written || looks_at_other_hosts(*play.play);
  // Ansible looks at the handlers of roles before those of the play.
  for (const auto& role : play.play->roles) add_role(*role);
  for (const auto& handler : play.play->handlers) handlers_.push_back(handler.get());
  // Those of imported roles come last, and so win where names are the same.
  for (const auto* tasks : {&play.play->pre_tasks, &play.play->post_tasks, &play.play->tasks}) {
    if (*tasks) add_imported(**tasks);
  }
  for (const auto& role : play.play->roles) {
    if (role->body) add_imported(*role->body);
  }
}

HostRun* PlayRun::host_run(const std::string& host) {
  for (HostRun& one : hosts_) {
    if (one.state->name == host) return &one;
  }
  return nullptr;
}

void PlayRun::clear_host_errors() {
  for (HostRun& host : hosts_) {
    host.state->failed = false;
    host.state->unreachable = false;
    host.is_cleared = true;
    play_.removed.erase(host.state->name);
  }
}

Async<AfterBatch> PlayRun::run_batch() {
  async::TaskGroup group(executor_, hosts_.size());
  for (HostRun& host : hosts_) {
    auto work = walk(host);
    group.spawn_now(std::move(work));
  }
  async::TaskGroup watch(executor_, 1);
  if (hosts_.size() > 1 && !waits_for_slow_hosts_) {
    auto watching = leave_slow_hosts_behind();
    watch.spawn_now(std::move(watching));
  }
  const auto walked = co_await group.join();
  watch.stop();
  static_cast<void>(co_await watch.join());
  const auto flown = co_await flights_.join();
  if (!walked || !flown) co_return Error((walked ? flown : walked).error());
  if (site_fault_) co_return std::move(*site_fault_);
  const bool any_left = std::any_of(hosts_.begin(), hosts_.end(), [](const HostRun& host) {
    return !host.state->failed && !host.state->unreachable;
  });
  if (std::any_of(hosts_.begin(), hosts_.end(), [](const HostRun& one) { return one.has_started; }))
    run_.reach_start();
  if (!any_left || aborted_) co_return AfterBatch::end_site;
  co_return ended_ ? AfterBatch::next_play : AfterBatch::next_batch;
}

Async<void> PlayRun::leave_slow_hosts_behind() {
  while (!waits_for_slow_hosts_) {
    GS_CO_TRY_VOID(co_await async::sleep_for(kPatience));
    if (order_.held() < kMostHeldEvents) lockstep_.leave_slow_behind();
  }
  co_return Result<void>();
}

Error PlayRun::stop_for(Error fault) {
  if (!site_fault_) site_fault_ = fault;
  aborted_ = true;
  abort_position_.reset();
  return fault;
}

Async<void> PlayRun::walk(HostRun& host) {
  auto flow = co_await run_sections(host);
  if (flow) {
    auto last = co_await settle(host);
    if (!last) flow = std::move(last);
  }
  if (!flow && flow.error().code() == ErrorCode::cancelled) {
    leave(host);
    co_return Error(std::move(flow).error());
  }
  if (!flow) {
    if (!site_fault_) {  // else it is told once, when the run ends
      report::Event event(report::EventType::error);
      event.host = host.state->name;
      event.message = flow.error().render();
      run_.emit(std::move(event));
    }
    host.state->failed = true;
    run_.stats(host.state->name).failed += 1;
  }
  leave(host);
  co_return Result<void>();
}

void PlayRun::leave(const HostRun& host) {
  order_.leave(host.number);
  if (settled_.has_waiters()) settled_.notify_all();
  lockstep_.leave(host.number);
}

Async<Flow> PlayRun::run_sections(HostRun& host) {
  const play::Play& play = *play_.play;
  GS_CO_TRY(Flow flow, co_await gather_facts(host, place(kFacts)));
  if (goes_on(flow) && play.pre_tasks) {
    GS_CO_TRY(flow, co_await run_with_handlers(host, play.pre_tasks.get(), kPreTasks));
  }
  std::uint32_t number = 0;
  for (const auto& role : play.roles) {
    if (!goes_on(flow)) break;
    GS_CO_TRY(flow, co_await run_role(host, *role, child_position(place(kRoles), number++)));
  }
  if (goes_on(flow)) {
    GS_CO_TRY(flow, co_await run_with_handlers(host, play.tasks.get(), kTasks));
  }
  if (goes_on(flow) && play.post_tasks) {
    GS_CO_TRY(flow, co_await run_block(host, *play.post_tasks, place(kPostTasks)));
  }
  if (goes_on(flow)) {
    GS_CO_TRY(flow, co_await settle(host));  // handlers may be forced by what fails still
  }
  if (goes_on(flow)) co_return co_await flush_handlers(host, place(kLastHandlers));
  const bool forced = play.force_handlers.value_or(run_.state().options.force_handlers);
  if (flow == Flow::failed && forced) {
    GS_CO_TRY_VOID(co_await flush_handlers(host, place(kLastHandlers)));
  }
  co_return flow;
}

Async<Flow> PlayRun::run_with_handlers(HostRun& host,
                                       const play::Block* tasks,
                                       std::uint32_t section) {
  Flow flow = Flow::go_on;
  if (tasks != nullptr) {
    GS_CO_TRY(flow, co_await run_block(host, *tasks, place(section)));
  }
  if (!goes_on(flow)) co_return flow;
  co_return co_await flush_handlers(host, place(section + 1));
}

Async<Flow> PlayRun::run_section(HostRun& host,
                                 const std::vector<std::unique_ptr<play::Node>>& nodes,
                                 Position at) {
  std::uint32_t number = 0;
  for (const auto& node : nodes) {
    Position here = child_position(at, number++);
    // Most tasks are straight: what they need of run_task() is here, without its frames.
    const play::Task* task = straight_task(host, *node);
    if (task == nullptr) {
      auto flow = co_await run_node(host, *node, std::move(here));
      if (!flow || *flow != Flow::go_on) co_return flow;
      continue;
    }
    come_to(host, here);
    if (!lockstep_.try_arrive(host.number, here, Lockstep::Meeting::company))
      GS_CO_TRY_VOID(co_await lockstep_.turn(host.number));
    lockstep_.go_on(host.number);
    if (const Flow flow = stopped_flow(host); flow != Flow::go_on) co_return flow;
    if (Pipeline::Flight* waiting = begin_straight(host, *task, here)) {
      auto flow = co_await go_ahead(host, *task, *waiting, std::move(here));
      if (!flow || *flow != Flow::go_on) co_return flow;
    }
    if (!host.pipeline.is_released()) GS_CO_TRY_VOID(co_await host.pipeline.released());
    if (host.pipeline.is_broken()) co_return co_await settle(host);
  }
  co_return Flow::go_on;
}

Async<Flow> PlayRun::run_node(HostRun& host, const play::Node& node, Position at) {
  if (node.type == play::NodeType::task) {
    co_return co_await run_task(host, static_cast<const play::Task&>(node), std::move(at));
  }
  co_return co_await run_block(host, static_cast<const play::Block&>(node), std::move(at));
}

Async<Flow> PlayRun::run_block(HostRun& host, const play::Block& block, Position at) {
  if (block.imported_role) co_return co_await run_role(host, *block.imported_role, std::move(at));
  const bool has_rescue = !block.rescue.empty();
  const bool has_always = !block.always.empty();
  if (has_rescue || has_always) {  // what a failure means changes here
    GS_CO_TRY(const Flow before, co_await settle(host));
    if (before != Flow::go_on) co_return before;
  }
  if (has_rescue) ++host.rescue_depth;
  if (has_always) ++host.always_depth;
  auto flow = co_await run_section(host, block.tasks, child_position(at, 0));
  if (has_rescue || has_always) flow = co_await settle_after(host, std::move(flow));
  if (has_rescue) --host.rescue_depth;
  if (flow && *flow == Flow::failed && has_rescue && !aborted_) {
    flow = co_await run_section(host, block.rescue, child_position(at, 1));
    if (has_always) flow = co_await settle_after(host, std::move(flow));
  }
  if (has_always) --host.always_depth;
  if (!flow) co_return flow;
  const bool runs_always = *flow == Flow::go_on || *flow == Flow::failed;
  if (has_always && runs_always) {
    auto last = co_await run_section(host, block.always, child_position(at, 2));
    last = co_await settle_after(host, std::move(last));
    if (!last) co_return last;
    if (*last != Flow::go_on) co_return last;
    if (host.is_cleared) co_return Flow::go_on;  // `meta: clear_host_errors` forgave the failure
  }
  co_return flow;
}

Async<Flow> PlayRun::settle_after(HostRun& host, Result<Flow> flow) {
  if (!flow || *flow != Flow::go_on) co_return flow;
  co_return co_await settle(host);
}

Async<Flow> PlayRun::run_role(HostRun& host, const play::Role& role, Position at) {
  if (host.rescue_depth > 0 && !role.allow_duplicates) {
    GS_CO_TRY(const Flow before, co_await settle(host));
    if (before != Flow::go_on) co_return before;
  }
  if (!role.allow_duplicates && !host.roles_done.insert(role.signature).second)
    co_return Flow::go_on;
  std::uint32_t number = 0;
  for (const auto& dependency : role.dependencies) {
    auto flow =
        co_await run_role(host, *dependency, child_position(child_position(at, 0), number++));
    if (!flow || *flow != Flow::go_on) co_return flow;
  }
  if (!role.body) co_return Flow::go_on;
  auto flow = co_await run_block(host, *role.body, child_position(at, 1));
  if (flow && *flow == Flow::end_role) co_return Flow::go_on;
  co_return flow;
}

}  // namespace gpustack::engine
