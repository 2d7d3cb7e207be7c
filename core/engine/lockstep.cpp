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

void Lockstep::forget_position(std::size_t member) {
  Member& self = members_[member];
  if (self.is_behind) {
    behind_.erase(behind_.find(self.position));
    return;
  }
  const auto old = at_.find(self.position);
  old->second.erase(member);
  if (old->second.empty()) at_.erase(old);
}

void Lockstep::move(std::size_t member, const Position* to) {
  Member& self = members_[member];
  forget_position(member);
  if (to == nullptr) {
    self.is_in = false;
    --left_;
    return;
  }
  self.position = *to;
  self.moved = round_;
  self.is_behind = self.is_behind && !at_.empty() && *to < at_.begin()->first;
  if (self.is_behind) {
    behind_.insert(*to);
  } else {
    at_[*to].insert(member);
  }
}

void Lockstep::grant_next() {
  if (at_.empty()) return;
  const auto& [first, members] = *at_.begin();
  const bool all_are_here = behind_.empty() || !(*behind_.begin() < first);
  for (const std::size_t one : members) {
    Member& member = members_[one];
    if (!member.is_waiting) continue;
    if (member.meeting == Meeting::company || all_are_here) member.turn.set();
    return;
  }
}

bool Lockstep::try_arrive(std::size_t member, const Position& position, Meeting meeting) {
  move(member, &position);
  if (mode_ == Mode::free) return true;
  // Hosts go in batch order, one starting the next, whoever came last: which host runs a task once,
  // or adds a host, must not depend on who was slow, nor on the order in which waiters wake.
  Member& self = members_[member];
  self.meeting = meeting;
  self.turn.reset();
  self.is_waiting = true;
  grant_next();
  return self.is_behind || self.turn.is_set();  // whom one behind would wait for is ahead
}

Async<void> Lockstep::arrive(std::size_t member, Position position, Meeting meeting) {
  if (try_arrive(member, position, meeting)) co_return Result<void>();
  co_return co_await turn(member);
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

void Lockstep::leave_slow_behind() {
  ++round_;
  // Those before the first one that waits are who is waited for.
  for (auto group = at_.begin(); group != at_.end();) {
    boost::container::small_vector<std::size_t, 8> slow;
    bool has_waiter = false;
    for (const std::size_t one : group->second) {
      has_waiter = has_waiter || members_[one].is_waiting;
      if (!members_[one].is_waiting && members_[one].moved + 1 < round_) slow.push_back(one);
    }
    const bool is_last = std::next(group) == at_.end();
    if (has_waiter || is_last || slow.size() < group->second.size()) break;
    for (const std::size_t one : slow) {
      members_[one].is_behind = true;
      behind_.insert(group->first);
    }
    group = at_.erase(group);
  }
  grant_next();
}

}  // namespace gpustack::engine
