#include "core/engine/lockstep.hpp"

namespace gpustack::engine {

Lockstep::Lockstep(const asio::any_io_executor& executor, std::size_t members, Mode mode)
    : mode_(mode), left_(members) {
  auto& first = at_[Position()];
  for (std::size_t i = 0; i < members; ++i) {
    members_.emplace_back(executor);
    first.insert(first.end(), i);
  }
}

void Lockstep::move(std::size_t member, const Position* to) {
  Member& self = members_[member];
  const auto old = at_.find(self.position);
  old->second.erase(member);
  if (old->second.empty()) at_.erase(old);
  if (to != nullptr) {
    self.position = *to;
    at_[*to].insert(member);
  } else {
    self.is_in = false;
    --left_;
  }
}

void Lockstep::grant_next() {
  if (at_.empty()) return;
  for (const std::size_t one : at_.begin()->second) {
    if (!members_[one].is_waiting) continue;
    members_[one].turn.set();
    return;
  }
}

Async<void> Lockstep::arrive(std::size_t member, Position position) {
  move(member, &position);
  if (mode_ == Mode::free) co_return Result<void>();
  // Hosts go in batch order, one starting the next, whoever came last: which host runs a task once,
  // or adds a host, must not depend on who was slow, nor on the order in which waiters wake.
  Member& self = members_[member];
  self.turn.reset();
  self.is_waiting = true;
  grant_next();
  co_return co_await self.turn.wait();
}

void Lockstep::go_on(std::size_t member) {
  if (mode_ == Mode::free) return;
  members_[member].is_waiting = false;
  grant_next();
}

void Lockstep::leave(std::size_t member) {
  if (!members_[member].is_in) return;
  move(member, nullptr);
  grant_next();
}

}  // namespace gpustack::engine
