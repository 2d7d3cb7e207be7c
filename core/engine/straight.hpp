#pragma once
/// @file One task of one host that needs no coroutine: evaluated and sent on the walk, counted when
/// its result is there.

#include "core/engine/play_run.hpp"
#include "core/engine/target.hpp"
#include "core/engine/task_run.hpp"

#include <optional>

namespace gpustack::engine {

/// What a flight is made of whose task waits for nobody. It lives in its flight.
/// Thread: the run's executor.
class StraightTask final : public Pipeline::Work, public Target::Listener {
 public:
  /// @param flight  the last of the host's pipeline
  StraightTask(PlayRun& play, HostRun& host, const play::Task& task, Pipeline::Flight& flight);

  /// Evaluates the task and sends it.
  /// @return false when something must be waited for: then nothing was done that anyone can see
  bool begin();
  /// What comes behind it may begin before its result is there.
  [[nodiscard]] bool lets_go() const;
  [[nodiscard]] bool is_done() const override { return result_.has_value(); }
  /// What the task came to. @pre it is the host's first, and done
  /// @error a handler that is not there, where that ends the run
  Result<TaskOutcome> count();

  void on_result(Result<Value> result) override;

 private:
  bool send(Value arguments);

  PlayRun& play_;
  HostRun& host_;
  Pipeline::Flight& flight_;
  const std::vector<Value> include_frames_;  ///< as they were when the walk came by
  Scope scope_;
  TaskRun run_;
  std::optional<PlayRun::Place> place_;
  std::optional<Result<Value>> result_;
  bool is_beginning_ = true;
  bool was_sent_ = false;
};

}  // namespace gpustack::engine
