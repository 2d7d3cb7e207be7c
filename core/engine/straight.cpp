#include "core/engine/straight.hpp"

#include "core/engine/actions/action.hpp"
#include "modules/sdk/module.hpp"

#include <utility>

namespace gpustack::engine {

StraightTask::StraightTask(PlayRun& play,
                           HostRun& host,
                           const play::Task& task,
                           Pipeline::Flight& flight)
    : play_(play),
      host_(host),
      flight_(flight),
      include_frames_(host.include_frames),
      scope_(play.run().state(), &play.play(), *host.state, &task, &include_frames_),
      run_(play, host, task, scope_, flight) {}

bool StraightTask::begin() {
  auto prepared = run_.prepare_at_once();
  if (!prepared) return false;
  if (prepared->result) {
    result_ = std::move(*prepared->result);
  } else if (!send(std::move(prepared->arguments))) {
    return false;
  }
  is_beginning_ = false;
  return true;
}

bool StraightTask::send(Value arguments) {
  const play::Task& task = flight_.task();
  Target* target = host_.settings.target(scope_, task);
  if (target == nullptr || (host_.target != nullptr && host_.target != target)) return false;
  if (host_.running == 0) {
    auto pass = play_.run().gate().try_enter();
    if (!pass) return false;
    host_.pass = std::move(*pass);
  }
  place_.emplace(&host_);
  TaskCall call = make_call(run_.settings(), std::string(task.module->name), std::move(arguments));
  call.timed = play_.run().state().options.timings;
  call.may_wait = flight_.may_be_left;
  call.stops_others = flight_.may_be_left && !run_.settings().ignore_errors;
  was_sent_ = target->start(call, *this);
  if (!was_sent_) {
    place_.reset();
    return false;
  }
  host_.target = target;
  return true;
}

bool StraightTask::lets_go() const {
  if (was_sent_) return flight_.may_be_left;
  return result_ && *result_ && flag(**result_, "skipped");
}

void StraightTask::on_result(Result<Value> result) {
  place_.reset();
  result_ = std::move(result);
  // Else the walk counts it: what began the task still holds it.
  if (!is_beginning_) play_.count_ready(host_);
}

Result<TaskOutcome> StraightTask::count() {
  if (!was_sent_) return run_.outcome_of(std::move(**result_));
  Value result = *result_ ? std::move(**result_) : error_result(result_->error());
  return run_.conclude_sent(std::move(result));
}

}  // namespace gpustack::engine
