// include_tasks and include_role: what a task names is loaded when a host comes to it, and walked
// in its place.
#include "core/engine/actions/action.hpp"
#include "core/engine/mentions.hpp"
#include "core/engine/play_run.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::engine {

namespace {

/// The loop variables that the included tasks see.
Value loop_frame(const play::Task& task, const Value& instance) {
  Value frame{Map()};
  if (!task.loop) return frame;
  for (const auto& [key, value] : instance.as_map()) {
    const std::string& variable = key.as_string();
    const bool is_of_loop = variable == task.loop_control.loop_var ||
                            variable == task.loop_control.index_var || variable == "ansible_loop";
    if (is_of_loop) frame.set(variable, value);
  }
  return frame;
}

/// What is not there fails the task on its host; what is there and faulty ends the run, as in
/// Ansible.
bool is_absent(const Error& error) {
  return error.code() == ErrorCode::include_missing || error.code() == ErrorCode::unknown_role ||
         error.code() == ErrorCode::file_not_found || error.code() == ErrorCode::include_loop;
}

play::RoleFiles role_files(const Value& parts) {
  const auto part = [&parts](std::string_view which) {
    const Value* value = parts.find(which);
    return value == nullptr ? std::string() : to_text(*value);
  };
  play::RoleFiles files;
  files.tasks = part("tasks_from");
  files.vars = part("vars_from");
  files.defaults = part("defaults_from");
  files.handlers = part("handlers_from");
  return files;
}

}  // namespace

Result<PlayRun::IncludeStep> PlayRun::load_included(const play::Task& task,
                                                    const Position& at,
                                                    const Value& instance,
                                                    std::uint32_t item_number) {
  IncludeStep step;
  const bool is_role = task.kind == play::ActionKind::include_role;
  const std::string name = to_text(instance.get(is_role ? "include_role" : "include"));
  step.frame = loop_frame(task, instance);
  auto& number = include_numbers_[{at, std::to_string(item_number) + "\n" + name}];
  if (number == 0) number = static_cast<std::uint32_t>(include_numbers_.size());
  step.order = item_number * 100000U + number;
  step.shown = name;
  if (is_role) {
    const play::RoleFiles files = role_files(instance.get("include_args"));
    const std::string key = name + "\n" + files.tasks + "\n" + files.vars + "\n" + files.defaults +
                            "\n" + files.handlers;
    auto& role = included_roles_[{&task, key}];
    if (!role) {
      GS_TRY(role, run_.loader().include_role(task, name, files));
    }
    waits_for_slow_hosts_ = waits_for_slow_hosts_ || looks_at_other_hosts(*role);
    step.role = role.get();
    add_role(*role);
    if (role->body) add_imported(*role->body);
    return step;
  }
  auto& block = included_blocks_[{&task, name}];
  if (!block) {
    GS_TRY(block, run_.loader().include_tasks(task, name));
    add_imported(*block);
  }
  waits_for_slow_hosts_ = waits_for_slow_hosts_ || looks_at_other_hosts(*block);
  step.block = block.get();
  step.shown = std::filesystem::absolute(block->imported_from).lexically_normal().string();
  return step;
}

Flow PlayRun::fail_include(HostRun& host,
                           const play::Task& task,
                           const Position& at,
                           const Error& error) {
  report::Event event(report::EventType::host_result);
  event.host = host.state->name;
  event.play = play_.name;
  event.action = task.action;
  event.task_id = announced(at);
  event.outcome = report::Outcome::failed;
  event.result = error_result(error);
  emit(at, std::move(event));
  run_.stats(host.state->name).failed += 1;  // even when it is rescued, as in Ansible
  return finish_task(host, Flow::failed, false);
}

Async<Flow> PlayRun::run_included(HostRun& host,
                                  const play::Task& task,
                                  Position at,
                                  Value result) {
  const bool is_role = task.kind == play::ActionKind::include_role;
  List instances{result};
  if (task.loop) {
    instances = result.get("results").is_list() ? result.get("results").as_list() : List();
  }
  std::vector<IncludeStep> steps;
  std::uint32_t index = 0;
  for (const Value& instance : instances) {
    const std::uint32_t item_number = index++;
    if (instance.find(is_role ? "include_role" : "include") == nullptr) continue;
    auto step = load_included(task, at, instance, item_number);
    if (!step && !is_absent(step.error())) co_return stop_for(std::move(step).error());
    if (!step) co_return fail_include(host, task, at, step.error());
    if (!is_role && !step->block->tasks.empty()) {
      // Ansible counts the files that a host took in, but no empty ones, and says nothing of roles.
      run_.stats(host.state->name).ok += 1;
      order_.add_included(
          at, host.number, host.state->name, step->shown, instance.get("_ansible_item_label"));
    }
    steps.push_back(std::move(*step));
  }
  for (IncludeStep& step : steps) {
    host.include_frames.push_back(step.frame);
    Result<Flow> flow = Flow::go_on;
    if (step.role != nullptr) {
      flow = co_await run_role(host, *step.role, child_position(at, step.order));
    } else {
      flow = co_await run_block(host, *step.block, child_position(at, step.order));
    }
    host.include_frames.pop_back();
    if (!flow || *flow != Flow::go_on) co_return flow;
  }
  co_return Flow::go_on;
}

}  // namespace gpustack::engine
