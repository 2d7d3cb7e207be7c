#include "core/async/task_group.hpp"

#include <utility>
#include <vector>

namespace gpustack::async {

struct TaskGroup::State {
  struct Child {
    asio::cancellation_signal signal;
    std::optional<Result<void>> result;
    std::list<std::shared_ptr<Child>>::iterator place;  ///< in `children`
  };

  State(asio::any_io_executor group_executor, std::size_t group_limit, OnError group_on_error)
      : executor(std::move(group_executor)),
        changed(executor),
        limit(group_limit),
        on_error(group_on_error) {}

  void stop_all() {
    // A signal runs its target's handlers, which may end children; the list must not change under
    // the loop.
    std::vector<std::shared_ptr<Child>> targets(children.begin(), children.end());
    for (const auto& child : targets) child->signal.emit(asio::cancellation_type::terminal);
  }

  void ended(const std::shared_ptr<Child>& child) {
    children.erase(child->place);
    if (child->result && !child->result->has_value()) {
      if (!first_error) first_error = child->result->error();
      if (on_error == OnError::stop_all) stop_all();
    }
    changed.notify_all();
  }

  asio::any_io_executor executor;
  Condition changed;
  std::size_t limit;
  OnError on_error;
  std::list<std::shared_ptr<Child>> children;
  std::optional<Error> first_error;
};

TaskGroup::TaskGroup(asio::any_io_executor executor, std::size_t limit, OnError on_error)
    : state_(std::make_shared<State>(std::move(executor), limit, on_error)) {}

TaskGroup::~TaskGroup() { stop(); }

void TaskGroup::stop() { state_->stop_all(); }

std::size_t TaskGroup::running() const { return state_->children.size(); }

Async<void> TaskGroup::spawn(Async<void> work) {
  const std::shared_ptr<State> state = state_;
  while (state->children.size() >= state->limit) GS_CO_TRY_VOID(co_await state->changed.wait());
  if (co_await is_cancelled()) co_return cancelled_error();
  spawn_now(std::move(work));
  co_return Result<void>();
}

void TaskGroup::spawn_now(Async<void> work) {
  auto child = std::make_shared<State::Child>();
  child->place = state_->children.insert(state_->children.end(), child);
  auto wrapped = detail::run_into(std::move(work), &child->result);
  auto on_end = [state = state_, child](const std::exception_ptr& failure) {
    if (!child->result) child->result.emplace(cancelled_error());  // stopped before its first step
    state->ended(child);
    detail::rethrow_unless_stopped(failure);
  };
  asio::co_spawn(state_->executor,
                 std::move(wrapped),
                 asio::bind_cancellation_slot(child->signal.slot(), std::move(on_end)));
}

Async<void> TaskGroup::join() {
  const std::shared_ptr<State> state = state_;
  bool was_stopped = false;
  while (!state->children.empty()) {
    if (!was_stopped && co_await is_cancelled()) {
      was_stopped = true;
      state->stop_all();
      continue;
    }
    co_await state->changed.wait_shielded();
  }
  if (state->first_error) co_return *state->first_error;
  if (co_await is_cancelled()) co_return cancelled_error();
  co_return Result<void>();
}

}  // namespace gpustack::async
