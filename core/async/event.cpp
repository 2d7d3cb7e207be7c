#include "core/async/event.hpp"

#include <exception>
#include <mutex>

namespace gpustack::async {

/// A waiter is part of the coroutine that its own `resume` keeps alive: a context that ends before
/// the wait does has to break that ring.
class Condition::Sleepers final : public asio::execution_context::service {
 public:
  static inline asio::execution_context::id id;  // NOLINT(readability-identifier-naming): Asio's

  explicit Sleepers(asio::execution_context& context) : service(context) {}

  void add(Waiter& waiter) {
    const std::scoped_lock lock(mutex_);
    waiter.next_sleeper = first_;
    if (first_ != nullptr) first_->previous_sleeper = &waiter;
    first_ = &waiter;
  }

  /// What goes on with the waiter; nothing when somebody else took it.
  std::optional<Resume> take(Waiter& waiter) {
    const std::scoped_lock lock(mutex_);
    if (!waiter.resume) return std::nullopt;
    (waiter.previous_sleeper == nullptr ? first_ : waiter.previous_sleeper->next_sleeper) =
        waiter.next_sleeper;
    if (waiter.next_sleeper != nullptr)
      waiter.next_sleeper->previous_sleeper = waiter.previous_sleeper;
    return std::exchange(waiter.resume, std::nullopt);
  }

 private:
  void shutdown() override {
    while (first_ != nullptr) take(*first_).reset();
  }

  std::mutex mutex_;
  Waiter* first_ = nullptr;
};

Condition::Condition(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      sleepers_(asio::use_service<Sleepers>(asio::query(executor_, asio::execution::context))) {}

Condition::Waiter::Waiter(Condition& condition)
    : owner(&condition), sleepers(condition.sleepers_), previous(condition.last_) {
  (previous == nullptr ? condition.first_ : previous->next) = this;
  condition.last_ = this;
}

Condition::Waiter::~Waiter() { unlink(); }

void Condition::Waiter::unlink() {
  if (owner == nullptr) return;
  (previous == nullptr ? owner->first_ : previous->next) = next;
  (next == nullptr ? owner->last_ : next->previous) = previous;
  owner = nullptr;
}

void Condition::Waiter::wake() {
  if (timer) {
    timer->cancel();
  } else if (auto taken = sleepers.take(*this)) {
    asio::defer(std::move(*taken));
  }
}

Condition::~Condition() {
  while (first_ != nullptr) first_->unlink();
}

void Condition::notify_one() noexcept {
  if (first_ == nullptr) return;
  Waiter& waiter = *first_;
  waiter.unlink();
  waiter.is_notified = true;
  try {
    waiter.wake();
  } catch (const std::exception& problem) {
    // The waiter would sleep for ever.
    assertion_failed("waiter.wake()", problem.what(), __FILE__, __LINE__);
  }
}

void Condition::notify_all() noexcept {
  while (first_ != nullptr) notify_one();
}

Async<void> Condition::wait() {
  if (co_await is_cancelled()) co_return cancelled_error();
  Waiter waiter(*this);
  co_await sleep(waiter);
  if (co_await is_cancelled()) co_return cancelled_error();
  co_return Result<void>();
}

Async<bool> Condition::wait_until(Clock::time_point deadline) {
  if (co_await is_cancelled()) co_return cancelled_error();
  const bool was_notified = co_await wait_shielded(deadline);
  if (co_await is_cancelled()) co_return cancelled_error();
  co_return was_notified;
}

// Timers cost a place in a heap and locks; those who wait without a deadline need none.
asio::awaitable<void> Condition::sleep(Waiter& waiter) {
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&waiter](Resume resume) {
        asio::cancellation_slot slot = asio::get_associated_cancellation_slot(resume);
        if (slot.is_connected())
          slot.assign([&waiter](asio::cancellation_type /*how*/) { waiter.wake(); });
        waiter.resume.emplace(std::move(resume));
        waiter.sleepers.add(waiter);
      },
      asio::use_awaitable);
}

asio::awaitable<bool> Condition::wait_shielded(Clock::time_point deadline) {
  Waiter waiter(*this);
  if (deadline == Clock::time_point::max()) {
    co_await sleep(waiter);
  } else {
    waiter.timer.emplace(executor_, deadline);
    co_await waiter.timer->async_wait(kAsResult);
  }
  co_return waiter.is_notified;
}

void Event::set() {
  is_set_ = true;
  condition_.notify_all();
}

Async<void> Event::wait() {
  while (!is_set_) GS_CO_TRY_VOID(co_await condition_.wait());
  co_return Result<void>();
}

asio::awaitable<void> Event::wait_shielded() {
  while (!is_set_) co_await condition_.wait_shielded();
}

asio::awaitable<void> Event::wait_shielded_until(Clock::time_point deadline) {
  if (!is_set_) co_await condition_.wait_shielded(deadline);
}

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    leave();
    gate_ = std::exchange(other.gate_, nullptr);
  }
  return *this;
}

void Gate::Pass::leave() noexcept {
  if (gate_ == nullptr) return;
  ++gate_->free_;
  gate_->condition_.notify_one();
  gate_ = nullptr;
}

Async<Gate::Pass> Gate::enter() {
  while (free_ == 0) {
    const Result<void> woken = co_await condition_.wait();
    if (!woken) {
      if (free_ > 0) condition_.notify_one();  // the wake may have been meant for the next one
      co_return woken.error();
    }
  }
  --free_;
  co_return Pass(this);
}

std::optional<Gate::Pass> Gate::try_enter() {
  if (free_ == 0) return std::nullopt;
  --free_;
  return Pass(this);
}

}  // namespace gpustack::async
