#pragma once
/// @file The tasks of one host that were begun and are not finished: they may be sent before the
/// results of those ahead of them are back. See core/docs/adr/0007.

#include "core/async/event.hpp"
#include "core/engine/lockstep.hpp"
#include "core/play/model.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::engine {

/// How a host goes on after a task.
enum class Flow : std::uint8_t {
  go_on,
  failed,
  unreachable,
  end_role,
  end_host,
  end_batch,
  end_play
};

/// The variable that holds all facts.
inline constexpr std::string_view kAllFacts = "ansible_facts";

/// Results count in the order of the tasks. What was begun behind a task that ended the host's way
/// does not count at all: the runner has not run it (core/docs/wire.md, Epochs).
/// Thread: the run's executor.
class Pipeline {
 public:
  /// What a flight is made of that has no coroutine.
  class Work {
   public:
    Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    virtual ~Work() = default;
    /// There is a result to count.
    [[nodiscard]] virtual bool is_done() const = 0;
  };
  /// One task from the evaluation of its conditions to the counting of its result.
  class Flight {
   public:
    Flight(const play::Task& task, const Position& position) : at(position), task_(&task) {}
    const Position at;
    std::string title;         ///< as shown; empty before it was rendered
    bool may_be_left = false;  ///< what comes behind it may begin once it is sent
    bool is_judged = false;    ///< its conditions were evaluated:
    const play::Condition* excluded_by = nullptr;   ///< the one that does not hold
    std::chrono::steady_clock::time_point begun{};  ///< when times are asked for; so the next two
    std::chrono::nanoseconds evaluated{0};
    std::chrono::nanoseconds on_host{0};
    std::unique_ptr<Work> work;  ///< null when a coroutine does it

    [[nodiscard]] const play::Task& task() const { return *task_; }

   private:
    friend class Pipeline;
    const play::Task* task_;
    std::uint64_t number_ = 0;
    std::optional<async::Event> turn_;  ///< when a coroutine waits for it
    bool is_released_ = false;
  };

  explicit Pipeline(const asio::any_io_executor& executor) : executor_(executor), walk_(executor) {}

  /// The next task. It lives until finish().
  Flight& begin(const play::Task& task, const Position& at);
  /// All tasks before it have counted.
  [[nodiscard]] bool is_first(const Flight& flight) const {
    return !flights_.empty() && &flights_.front() == &flight;
  }
  /// Waits until it is the first. @return false when a task before it ended the host's way
  /// @error cancelled
  Async<bool> turn(Flight& flight);
  /// Waits until fewer than `most` are in flight. @error cancelled
  Async<void> room_for_one(std::size_t most);
  /// What comes behind the task may begin.
  void release(Flight& flight);
  /// Whether what comes behind the last task may begin.
  [[nodiscard]] bool is_released() const {
    return flights_.empty() || flights_.back().is_released_;
  }
  /// Waits until the last task was released or has finished.
  /// @error cancelled
  Async<void> released();
  /// The first task has counted. @param flow  how the host goes on
  void finish(Flight& flight, Result<Flow> flow);
  /// Waits until no task is left. @return how the host goes on; told once
  /// @error cancelled, and what finish() was given
  Async<Flow> drain();

  [[nodiscard]] bool empty() const { return flights_.empty(); }
  [[nodiscard]] std::size_t size() const { return flights_.size(); }
  /// Whether a task ended the host's way and drain() has not told yet.
  [[nodiscard]] bool is_broken() const { return !end_ || *end_ != Flow::go_on; }
  /// The first task. @pre not empty
  [[nodiscard]] const Flight& first() const { return flights_.front(); }
  [[nodiscard]] Flight& first() { return flights_.front(); }
  /// Whether a task may still notify handlers.
  [[nodiscard]] bool may_notify() const;
  /// The task gathers facts: their names are there once it has finished.
  void brings_facts(const Flight& flight) { registers_.emplace_back(flight.number_, kAllFacts); }
  /// Whether a task before this one will still register this name, or gather it.
  [[nodiscard]] bool awaits(std::string_view name, const Flight& before) const;

 private:
  asio::any_io_executor executor_;
  std::deque<Flight> flights_;
  std::vector<std::pair<std::uint64_t, std::string_view>> registers_;  ///< by task, names to come
  std::uint64_t begun_ = 0;
  async::Event walk_;  ///< set when what the walk waits for may have come
  Result<Flow> end_ = Flow::go_on;
};

}  // namespace gpustack::engine
