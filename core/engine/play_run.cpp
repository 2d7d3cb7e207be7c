#include "core/engine/play_run.hpp"

#include "core/async/task_group.hpp"
#include "core/base/suggest.hpp"
#include "core/play/tags.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

Position place(std::uint32_t section) { return Position(1, section); }

Lockstep::Mode mode_of(const play::Play& play) {
  const bool free = play.strategy == "free" || play.strategy == "host_pinned" ||
                    play.strategy.ends_with(".free") || play.strategy.ends_with(".host_pinned");
  return free ? Lockstep::Mode::free : Lockstep::Mode::linear;
}

constexpr std::uint32_t kFacts = 0;
constexpr std::uint32_t kPreTasks = 1;
constexpr std::uint32_t kRoles = 3;
constexpr std::uint32_t kTasks = 4;
constexpr std::uint32_t kPostTasks = 6;
constexpr std::uint32_t kLastHandlers = 7;

}  // namespace

Position child_position(Position at, std::uint32_t number) {
  at.push_back(number);
  return at;
}

PlayRun::PlayRun(Run& run, PlayState& play, const asio::any_io_executor& executor)
    : run_(run),
      play_(play),
      executor_(executor),
      lockstep_(executor, play.batch.size(), mode_of(*play.play)) {
  for (const std::string& name : play.batch) {
    HostRun& host = hosts_.emplace_back();
    host.state = &run.state().host(name);
    host.number = hosts_.size() - 1;
    host.has_started = !run.looks_for_start();
  }
  lockstep_.on_passed([this](const Position& at) { on_passed(at); });
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
    play_.removed.erase(host.state->name);
  }
}

std::uint64_t PlayRun::announce(const play::Task& task,
                                const Position& at,
                                const std::string& name) {
  auto [slot, is_new] = announced_.emplace(at, 0);
  if (!is_new) return slot->second;
  slot->second = run_.next_task_id();
  report::Event event(report::EventType::task_started);
  event.play = play_.name;
  event.task = name;
  event.task_id = slot->second;
  event.action = task.action;
  event.is_handler = task.is_handler;
  event.check = run_.state().options.check;
  if (task.span.known()) event.path = task.span.file->path() + ":" + std::to_string(task.span.line);
  run_.emit(std::move(event));
  return slot->second;
}

void PlayRun::on_passed(const Position& at) {
  if (const auto found = included_.find(at); found != included_.end()) {
    for (Included& one : found->second) {
      report::Event event(report::EventType::included);
      event.path = one.path;
      event.item = one.item;
      event.hosts = one.hosts;
      run_.emit(std::move(event));
    }
    included_.erase(found);
  }
}

bool PlayRun::should_run(HostRun& host, const play::Task& task) {
  if (task.is_handler) return true;
  Scope scope(run_.state(), &play_, *host.state, &task, &host.include_frames);
  play::TagSet tags;
  for (const Value& tag : play::written_tags(task)) {
    auto rendered = scope.render(tag);
    play::add_tags(tags, rendered ? *rendered : tag);
  }
  return play::should_run(tags, run_.tag_choice());
}

Async<AfterBatch> PlayRun::run_batch() {
  async::TaskGroup group(executor_, hosts_.size());
  for (HostRun& host : hosts_) {
    auto work = walk(host);
    group.spawn_now(std::move(work));
  }
  GS_CO_TRY_VOID(co_await group.join());
  const bool any_left = std::any_of(hosts_.begin(), hosts_.end(), [](const HostRun& host) {
    return !host.state->failed && !host.state->unreachable;
  });
  if (std::any_of(hosts_.begin(), hosts_.end(), [](const HostRun& one) { return one.has_started; }))
    run_.reach_start();
  if (!any_left || aborted_) co_return AfterBatch::end_site;
  co_return ended_ ? AfterBatch::next_play : AfterBatch::next_batch;
}

Async<void> PlayRun::walk(HostRun& host) {
  auto flow = co_await run_sections(host);
  if (!flow && flow.error().code() == ErrorCode::cancelled) {
    lockstep_.leave(host.number);
    co_return Error(std::move(flow).error());
  }
  if (!flow) {
    report::Event event(report::EventType::error);
    event.host = host.state->name;
    event.message = flow.error().render();
    run_.emit(std::move(event));
    host.state->failed = true;
    run_.stats(host.state->name).failed += 1;
  }
  lockstep_.leave(host.number);
  co_return Result<void>();
}

Async<Flow> PlayRun::run_sections(HostRun& host) {
  const play::Play& play = *play_.play;
  Flow flow = Flow::go_on;
  GS_CO_TRY(flow, co_await gather_facts(host, place(kFacts)));
  const auto after = [&](Flow now) { return now == Flow::go_on || now == Flow::end_role; };
  if (after(flow) && play.pre_tasks) {
    GS_CO_TRY(flow, co_await run_block(host, *play.pre_tasks, place(kPreTasks)));
    if (after(flow)) {
      GS_CO_TRY(flow, co_await flush_handlers(host, place(kPreTasks + 1)));
    }
  }
  std::uint32_t number = 0;
  for (const auto& role : play.roles) {
    if (!after(flow)) break;
    GS_CO_TRY(flow, co_await run_role(host, *role, child_position(place(kRoles), number++)));
  }
  if (after(flow) && play.tasks) {
    GS_CO_TRY(flow, co_await run_block(host, *play.tasks, place(kTasks)));
  }
  if (after(flow)) {
    GS_CO_TRY(flow, co_await flush_handlers(host, place(kTasks + 1)));
  }
  if (after(flow) && play.post_tasks) {
    GS_CO_TRY(flow, co_await run_block(host, *play.post_tasks, place(kPostTasks)));
  }
  const bool forced = play.force_handlers || run_.state().options.force_handlers;
  if (after(flow) || (flow == Flow::failed && forced)) {
    const bool was_failed = flow == Flow::failed;
    GS_CO_TRY(const Flow last, co_await flush_handlers(host, place(kLastHandlers)));
    if (!was_failed) flow = last;
  }
  co_return flow;
}

Async<Flow> PlayRun::run_section(HostRun& host,
                                 const std::vector<std::unique_ptr<play::Node>>& nodes,
                                 Position at) {
  std::uint32_t number = 0;
  for (const auto& node : nodes) {
    auto flow = co_await run_node(host, *node, child_position(at, number++));
    if (!flow || *flow != Flow::go_on) co_return flow;
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
  if (has_rescue) ++host.rescue_depth;
  if (has_always) ++host.always_depth;
  auto flow = co_await run_section(host, block.tasks, child_position(at, 0));
  if (has_rescue) --host.rescue_depth;
  if (flow && *flow == Flow::failed && has_rescue && !aborted_) {
    flow = co_await run_section(host, block.rescue, child_position(at, 1));
  }
  if (has_always) --host.always_depth;
  if (!flow) co_return flow;
  const bool runs_always = *flow == Flow::go_on || *flow == Flow::failed;
  if (has_always && runs_always) {
    auto last = co_await run_section(host, block.always, child_position(at, 2));
    if (!last) co_return last;
    if (*last != Flow::go_on) co_return last;
  }
  co_return flow;
}

Async<Flow> PlayRun::run_role(HostRun& host, const play::Role& role, Position at) {
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

Async<Flow> PlayRun::gather_facts(HostRun& host, Position at) {
  const play::Play& play = *play_.play;
  Scope scope(run_.state(), &play_, *host.state, &play);
  GS_CO_TRY(auto wanted, scope.render(play.gather_facts));
  bool gather = run_.state().options.gathering != "explicit";
  if (!wanted.is_null()) {
    GS_CO_TRY(gather, parse_bool(wanted));
  } else if (run_.state().options.gathering == "smart" && host.state->facts_gathered) {
    gather = false;
  }
  if (!gather) co_return Flow::go_on;
  if (!setup_task_) {
    setup_task_ = std::make_unique<play::Task>();
    setup_task_->parent = &play;
    setup_task_->name = "Gathering Facts";
    setup_task_->action = "gather_facts";
    setup_task_->span = play.span;
    setup_task_->is_implicit = true;
    setup_task_->tags.emplace_back("always");
    setup_task_->module = modules::find_module("setup");
    Value arguments{Map()};
    if (!play.gather_subset.is_null()) arguments.set("gather_subset", play.gather_subset);
    if (!play.gather_timeout.is_null()) arguments.set("gather_timeout", play.gather_timeout);
    if (!play.fact_path.is_null()) arguments.set("fact_path", play.fact_path);
    setup_task_->arguments = std::move(arguments);
  }
  co_return co_await run_task(host, *setup_task_, std::move(at));
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
  if (any_errors_fatal && host.always_depth == 0) aborted_ = true;
  const Value& limit = play_.play->max_fail_percentage;
  if (!limit.is_null() && !play_.batch.empty()) {
    const double percent =
        limit.is_number() ? limit.as_real() : std::strtod(to_text(limit).c_str(), nullptr);
    const double failed =
        100.0 * static_cast<double>(failed_count_) / static_cast<double>(play_.batch.size());
    if (failed > percent) aborted_ = true;
  }
  return flow;
}

Async<Flow> PlayRun::run_task(HostRun& host, const play::Task& task, Position at) {
  if (!should_run(host, task)) co_return Flow::go_on;
  if (!host.has_started && !task.is_implicit) host.has_started = run_.is_start(task);
  if (!host.has_started && !task.is_implicit) co_return Flow::go_on;
  GS_CO_TRY_VOID(co_await lockstep_.arrive(host.number, at));
  if (ended_) co_return Flow::end_play;
  if (ended_batch_) co_return Flow::end_batch;
  if (aborted_) {
    host.state->failed = true;
    co_return Flow::failed;
  }
  if (task.kind == play::ActionKind::meta) co_return co_await run_meta(host, task, std::move(at));
  if (host.state->facts_gathered && play_.vars_files_waiting.contains(host.state->name)) {
    const play::Play& play = *play_.play;
    GS_CO_TRY_VOID(run_.load_vars_files(play, play.vars_files, play_, *host.state));
  }
  Scope scope(run_.state(), &play_, *host.state, &task, &host.include_frames);
  // Actions that change what all hosts share run once for all of them (Ansible's BYPASS_HOST_LOOP).
  const bool for_all =
      task.module != nullptr && (task.module->name == "add_host" || task.module->name == "pause");
  GS_CO_TRY(const bool asked_once, boolean_setting(scope, task, play::Keyword::run_once, false));
  GS_CO_TRY(const bool fatal, boolean_setting(scope, task, play::Keyword::any_errors_fatal, false));
  OnceSlot* slot = nullptr;
  if (asked_once || for_all) {
    auto& place = once_[at];
    if (place) {
      slot = place.get();
      GS_CO_TRY_VOID(co_await slot->done.wait());
      if (!asked_once) co_return Flow::go_on;  // the result is the first host's alone
      if (!task.register_name.empty()) host.state->registered.set(task.register_name, slot->result);
      if (const Value* facts = slot->result.find("ansible_facts");
          facts != nullptr && facts->is_map()) {
        merge_into(host.state->set_facts, *facts, false);
      }
      if (slot->flow == Flow::failed) co_return finish_task(host, Flow::failed, false);
      if (task.kind == play::ActionKind::module) co_return Flow::go_on;
    } else {
      place = std::make_unique<OnceSlot>(executor_);
      slot = place.get();
    }
  }
  const std::uint64_t id = announce(task, at, task_title(scope, task));
  auto answer = co_await execute_task(*this, host, task, id);
  if (!answer) {
    if (slot != nullptr && !slot->done.is_set()) slot->done.set();
    co_return Error(std::move(answer).error());
  }
  TaskOutcome outcome = std::move(*answer);
  report::HostStats& stats = run_.stats(host.state->name);
  Flow flow = Flow::go_on;
  const bool is_include =
      task.kind == play::ActionKind::include_tasks || task.kind == play::ActionKind::include_role;
  if (outcome.unreachable) {
    if (outcome.ignored) {
      stats.ok += 1;
      stats.ignored += 1;
    } else {
      stats.unreachable += 1;
      flow = Flow::unreachable;
    }
  } else if (outcome.failed && outcome.ignored) {
    stats.ok += 1;
    stats.ignored += 1;
    if (const Value* changed = outcome.result.find("changed");
        changed != nullptr && changed->truthy())
      stats.changed += 1;
  } else if (outcome.failed) {
    if (host.rescue_depth > 0) {
      stats.rescued += 1;
      host.state->registered.set("ansible_failed_result", outcome.result);
      host.state->registered.set(
          "ansible_failed_task",
          Value::map({{"name", Value(task.name)}, {"action", Value(task.action)}}));
    } else {
      stats.failed += 1;
    }
    flow = Flow::failed;
  } else if (outcome.skipped) {
    stats.skipped += 1;
  } else if (!is_include) {
    stats.ok += 1;
    if (const Value* changed = outcome.result.find("changed");
        changed != nullptr && changed->truthy())
      stats.changed += 1;
  }
  if (slot != nullptr && !slot->done.is_set()) {
    slot->result = outcome.result;
    slot->flow = flow;
    slot->done.set();
  }
  flow = finish_task(host, flow, fatal);
  if (flow != Flow::go_on || !is_include || outcome.skipped || outcome.failed) co_return flow;
  co_return co_await run_included(host, task, std::move(at), std::move(outcome.result));
}

Async<Flow> PlayRun::run_meta(HostRun& host, const play::Task& task, Position at) {
  Scope scope(run_.state(), &play_, *host.state, &task, &host.include_frames);
  for (const play::Condition* condition : play::all_conditions(task)) {
    GS_CO_TRY(const bool holds, scope.condition(condition->expression));
    if (!holds) co_return Flow::go_on;
  }
  const std::string& action = task.free_form;
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
  if (action == "clear_facts") {
    host.state->facts = Value(Map());  // set_fact's own values stay
    host.state->facts_gathered = false;
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
