#include "core/async/event.hpp"

namespace gpustack::async {

Condition::Waiter::Waiter(Condition& condition, Clock::time_point deadline)
    : timer(condition.executor_), owner(&condition), previous(condition.last_) {
  timer.expires_at(deadline);
  (previous == nullptr ? condition.first_ : previous->next) = this;
  condition.last_ = this;
}

void Condition::Waiter::unlink() {
  if (owner == nullptr) return;
  (previous == nullptr ? owner->first_ : previous->next) = next;
  (next == nullptr ? owner->last_ : next->previous) = previous;
  owner = nullptr;
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
    waiter.timer.cancel();
  } catch (const boost::system::system_error& problem) {
    // The waiter would sleep for ever.
    assertion_failed("timer.cancel()", problem.what(), __FILE__, __LINE__);
  }
}

void Condition::notify_all() noexcept {
  while (first_ != nullptr) notify_one();
}

Async<void> Condition::wait() {
  auto work = wait_until(Clock::time_point::max());
  const Result<bool> outcome = co_await std::move(work);
  if (!outcome) co_return outcome.error();
  co_return Result<void>();
}

Async<bool> Condition::wait_until(Clock::time_point deadline) {
  if (co_await is_cancelled()) co_return cancelled_error();
  const bool was_notified = co_await wait_shielded(deadline);
  if (co_await is_cancelled()) co_return cancelled_error();
  co_return was_notified;
}

asio::awaitable<bool> Condition::wait_shielded(Clock::time_point deadline) {
  Waiter waiter(*this, deadline);
  co_await waiter.timer.async_wait(kAsResult);
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

}  // namespace gpustack::async
