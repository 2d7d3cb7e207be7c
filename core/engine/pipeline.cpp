#include "core/engine/pipeline.hpp"

#include "core/engine/fact_names.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

bool is_fact(std::string_view name) {
  constexpr std::string_view kPrefix = "ansible_";
  return name.starts_with(kPrefix) && family_of_fact(name.substr(kPrefix.size()));
}

}  // namespace

Pipeline::Flight& Pipeline::begin(const play::Task& task, const Position& at) {
  Flight& flight = flights_.emplace_back(task, at);
  flight.number_ = ++begun_;
  if (!task.register_name.empty()) registers_.emplace_back(begun_, task.register_name);
  return flight;
}

Async<bool> Pipeline::turn(Flight& flight) {
  if (!is_first(flight)) {
    if (!flight.turn_) flight.turn_.emplace(executor_);
    GS_CO_TRY_VOID(co_await flight.turn_->wait());
  }
  co_return !is_broken();
}

void Pipeline::release(Flight& flight) {
  flight.is_released_ = true;
  walk_.set();
}

Async<void> Pipeline::released() {
  while (!is_released()) {
    walk_.reset();
    GS_CO_TRY_VOID(co_await walk_.wait());
  }
  co_return Result<void>();
}

Async<void> Pipeline::room_for_one(std::size_t most) {
  while (flights_.size() >= most) {
    walk_.reset();
    GS_CO_TRY_VOID(co_await walk_.wait());
  }
  co_return Result<void>();
}

void Pipeline::finish(Flight& flight, Result<Flow> flow) {
  GS_ASSERT(is_first(flight), "results count in the order of the tasks");
  if (!is_broken()) end_ = std::move(flow);
  std::erase_if(registers_, [&](const auto& one) { return one.first == flight.number_; });
  flights_.pop_front();
  if (!flights_.empty() && flights_.front().turn_) flights_.front().turn_->set();
  walk_.set();
}

Async<Flow> Pipeline::drain() {
  while (!flights_.empty()) {
    walk_.reset();
    GS_CO_TRY_VOID(co_await walk_.wait());
  }
  co_return std::exchange(end_, Flow::go_on);
}

bool Pipeline::may_notify() const {
  return std::ranges::any_of(flights_,
                             [](const Flight& one) { return !one.task_->notify.empty(); });
}

bool Pipeline::awaits(std::string_view name, const Flight& before) const {
  return std::ranges::any_of(registers_, [&](const auto& one) {
    if (one.first >= before.number_) return false;
    return one.second == name || (one.second == kAllFacts && is_fact(name));
  });
}

}  // namespace gpustack::engine
