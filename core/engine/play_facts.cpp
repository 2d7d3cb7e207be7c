// Facts at the beginning of a play, and those that turn out to be read later.
#include "core/engine/actions/action.hpp"
#include "core/engine/facts.hpp"
#include "core/engine/play_run.hpp"
#include "modules/sdk/module.hpp"

#include <set>

namespace gpustack::engine {

bool PlayRun::gathers_as_read() const {
  const play::Play& play = *play_.play;
  const RunState& state = run_.state();
  return state.options.facts_as_read && state.options.gathering == "implicit" &&
         play.gather_facts.is_null() && play.gather_subset.is_null() &&
         play.gather_timeout.is_null() && play.fact_path.is_null() &&
         state.options.gather_subset.is_null() && !state.fact_cache && state.observer == nullptr;
}

// Later plays read the same facts of a host, so the whole site counts.
void PlayRun::look_for_read_facts() {
  RunState& state = run_.state();
  if (!state.read_facts) {
    state.read_facts.emplace(state.first_source);
    state.read_facts->read_value(state.options.extra_vars);
    state.read_facts->read(state.options.managed_text);
    for (const std::string& folder : state.play_folders) state.read_facts->read_folder(folder);
  }
  for (const HostRun& host : hosts_) state.read_facts->read_value(host.state->inventory_vars);
  state.read_facts->read_new_sources();
}

Value PlayRun::setup_arguments() {
  const play::Play& play = *play_.play;
  Value arguments{Map()};
  if (gathers_as_read()) {
    look_for_read_facts();
    const Value subset = run_.state().read_facts->subset();
    if (!subset.is_null()) arguments.set("gather_subset", subset);
    return arguments;
  }
  const Value& subset =
      play.gather_subset.is_null() ? run_.state().options.gather_subset : play.gather_subset;
  if (!subset.is_null()) arguments.set("gather_subset", subset);
  if (!play.gather_timeout.is_null()) arguments.set("gather_timeout", play.gather_timeout);
  if (!play.fact_path.is_null()) arguments.set("fact_path", play.fact_path);
  return arguments;
}

std::unique_ptr<play::Task> PlayRun::make_setup_task(Value arguments) const {
  auto task = std::make_unique<play::Task>();
  task->parent = play_.play;
  task->name = "Gathering Facts";
  task->action = "gather_facts";
  task->span = play_.play->span;
  task->is_implicit = true;
  task->tags.emplace_back("always");
  task->module = modules::find_module("setup");
  task->arguments = std::move(arguments);
  return task;
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
  if (!setup_task_) setup_task_ = make_setup_task(setup_arguments());
  // What a play before has gathered stays.
  const bool has_all = host.state->facts_gathered && !host.state->families_gathered;
  if (gathers_as_read() && !has_all && !run_.state().read_facts->all()) {
    auto& families = host.state->families_gathered;
    if (!families) families.emplace();
    families->insert(run_.state().read_facts->families().begin(),
                     run_.state().read_facts->families().end());
  } else if (play.gather_subset.is_null() && run_.state().options.gather_subset.is_null()) {
    host.state->families_gathered.reset();
  }
  co_return co_await run_task(host, *setup_task_, std::move(at));
}

Async<void> PlayRun::gather_rest(HostRun& host) {
  if (!host.state->families_gathered) co_return Result<void>();
  if (host.running == 0) {
    GS_CO_TRY(host.pass, co_await run_.gate().enter());
  }
  const PlayRun::Place place(&host);
  const auto task = make_setup_task(Value(Map()));
  Scope scope(run_.state(), &play_, *host.state, task.get());
  GS_CO_TRY(TaskSettings settings, resolve_settings(scope, *task));
  GS_CO_TRY(settings.become, resolve_become(scope, task.get()));
  GS_CO_TRY(ConnectionSettings connection, resolve_connection(scope, task.get()));
  GS_CO_TRY(Target * target, co_await run_.targets().get(host.state->name, std::move(connection)));
  GS_CO_TRY(const Value result, co_await target->run(make_call(settings, "setup", Value(Map()))));
  host.state->families_gathered.reset();
  const Value* facts = result.find("ansible_facts");
  if (facts == nullptr || !facts->is_map()) {
    co_return Error(
        ErrorCode::engine,
        "the facts that are read here cannot be gathered: " + to_text(result.get("msg")));
  }
  for (const std::string& name : keep_facts(*host.state, facts->as_map()))
    run_.warn("Removed restricted key from module data: " + name);
  co_return Result<void>();
}

}  // namespace gpustack::engine
