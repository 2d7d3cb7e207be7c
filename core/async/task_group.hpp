#pragma once
/// @file TaskGroup: children that run side by side, bounded in number, and end before their parent
/// goes on.

#include "core/async/event.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <optional>

namespace gpustack::async {

/// Owns the children it spawns. The first error of a child is what join() returns; the others run
/// on, unless the group was made to stop them. Thread: the strand of `executor`. Requires: joined
/// before its scope ends. A scope left without join (an exception, a context taken down) stops the
/// children but cannot wait for them.
class TaskGroup {
 public:
  enum class OnError { go_on, stop_all };

  TaskGroup(asio::any_io_executor executor, std::size_t limit, OnError on_error = OnError::go_on);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  /// Starts `work` as soon as fewer than `limit` children run.
  /// @error cancelled  the caller was stopped while it waited for a place; `work` has not begun
  Async<void> spawn(Async<void> work);
  /// Starts `work` now, whatever the limit.
  void spawn_now(Async<void> work);
  /// Asks every child to stop.
  void stop();
  [[nodiscard]] std::size_t running() const;
  /// Waits for all children. When the caller is stopped, the children are stopped and waited for.
  /// @error the first error of a child, in order of time
  Async<void> join();

 private:
  struct State;
  std::shared_ptr<State>
      state_;  // shared with the children's completion handlers, which may come after the scope
};

}  // namespace gpustack::async
