#pragma once
/// @file Notifications between coroutines of one strand: Condition (edge) and Event (level), and a
/// counting Gate.

#include "core/async/async.hpp"

#include <cstddef>
#include <optional>
#include <utility>

namespace gpustack::async {

/// Wakes who waits at the moment of the notification. Waiters test their own predicate in a loop.
/// Thread: one strand.
/// Invariant: a waiter lives in its coroutine's frame and is linked here while it waits.
class Condition {
 public:
  explicit Condition(asio::any_io_executor executor);
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;
  ~Condition();

  void notify_all() noexcept;
  /// Wakes the one who waited longest.
  void notify_one() noexcept;
  [[nodiscard]] bool has_waiters() const { return first_ != nullptr; }

  /// @error cancelled
  Async<void> wait();
  /// Like wait(), but also ends at `deadline`.
  /// @return true when notified, false at the deadline
  /// @error cancelled
  Async<bool> wait_until(Clock::time_point deadline);
  /// For clean-up that must finish: waits even in a coroutine that was asked to stop.
  /// @return true when notified, false at the deadline or when a cancel arrived just now, so
  /// callers loop
  asio::awaitable<bool> wait_shielded(Clock::time_point deadline = Clock::time_point::max());

 private:
  /// Suspended coroutines of one execution context, which destroys them with itself.
  class Sleepers;
  /// Goes on with a suspended coroutine.
  using Resume = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

  struct Waiter {
    explicit Waiter(Condition& owner);
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();
    void unlink();
    void wake();

    Condition* owner;
    Sleepers& sleepers;
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
    std::optional<asio::steady_timer> timer;  ///< when there is a deadline
    std::optional<Resume> resume;             ///< when there is none, while it sleeps
    Waiter* previous_sleeper = nullptr;
    Waiter* next_sleeper = nullptr;
    bool is_notified = false;
  };

  static asio::awaitable<void> sleep(Waiter& waiter);

  asio::any_io_executor executor_;
  Sleepers& sleepers_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

/// Once set it stays set, until reset().
/// Thread: one strand
class Event {
 public:
  explicit Event(asio::any_io_executor executor) : condition_(std::move(executor)) {}

  void set();
  /// Who waits from now on waits for the next set().
  void reset() { is_set_ = false; }
  [[nodiscard]] bool is_set() const { return is_set_; }
  /// Returns at once when set already.
  /// @error cancelled
  Async<void> wait();
  /// Waits to the end even when the coroutine is asked to stop meanwhile.
  asio::awaitable<void> wait_shielded();
  /// Ends when set, at `deadline`, or when a cancel arrives; callers look at is_set().
  asio::awaitable<void> wait_shielded_until(Clock::time_point deadline);

 private:
  Condition condition_;
  bool is_set_ = false;
};

/// Lets at most `limit` holders in at a time, in the order of their coming.
/// Thread: one strand
class Gate {
 public:
  Gate(asio::any_io_executor executor, std::size_t limit)
      : condition_(std::move(executor)), free_(limit) {}

  /// A place inside the gate; leaving the scope gives it back. The gate outlives its passes.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept;
    ~Pass() { leave(); }
    void leave() noexcept;

   private:
    Gate* gate_ = nullptr;
  };

  /// @error cancelled
  Async<Pass> enter();
  /// A place, when one is free.
  std::optional<Pass> try_enter();

 private:
  Condition condition_;
  std::size_t free_;
};

}  // namespace gpustack::async
