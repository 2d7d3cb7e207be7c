#include "core/engine/event_order.hpp"

#include <algorithm>

namespace gpustack::engine {

EventOrder::EventOrder(std::size_t members, Mode mode, Emit emit)
    : mode_(mode), emit_(std::move(emit)), positions_(members) {
  if (members > 0) members_at_[Position()] = members;
}

void EventOrder::move(std::size_t member, const Position* to) {
  const auto from = members_at_.find(positions_[member]);
  const bool was_first = from == members_at_.begin();
  const bool empties = --from->second == 0;
  if (to != nullptr) {
    positions_[member] = *to;
    ++members_at_[*to];
  }
  if (!empties) return;
  members_at_.erase(from);
  if (was_first) tell_up_to_front();
}

void EventOrder::reach(std::size_t member, const Position& at) {
  if (positions_[member] != at) move(member, &at);
}

void EventOrder::leave(std::size_t member) { move(member, nullptr); }

void EventOrder::emit(const Position& at, report::Event&& event) {
  if (mode_ == Mode::as_they_come || !has_before(at)) return emit_(std::move(event));
  event.time = std::chrono::system_clock::now();
  held_[at].push_back(std::move(event));
  ++held_count_;
}

void EventOrder::add_included(
    const Position& at, std::size_t member, const std::string& host, std::string path, Value item) {
  auto& groups = included_[at];
  auto same = std::ranges::find_if(groups, [&](const Included& one) {
    return one.event.path == path && one.event.item == item;
  });
  if (same == groups.end()) {
    same = groups.emplace(groups.end());
    same->event.path = std::move(path);
    same->event.item = std::move(item);
  }
  same->hosts.emplace(member, host);
}

void EventOrder::tell(Included included) {
  for (auto& [member, host] : included.hosts) included.event.hosts.push_back(std::move(host));
  emit_(std::move(included.event));
}

const Position* EventOrder::first_due() const {
  const Position* front = members_at_.empty() ? nullptr : &members_at_.begin()->first;
  const Position* first = nullptr;
  // A host may still tell something of its own position, but includes nothing there any more once
  // it has passed.
  if (!included_.empty() && (front == nullptr || included_.begin()->first < *front))
    first = &included_.begin()->first;
  if (!held_.empty() && (front == nullptr || !(*front < held_.begin()->first)) &&
      (first == nullptr || !(*first < held_.begin()->first)))
    first = &held_.begin()->first;
  return first;
}

void EventOrder::tell_up_to_front() {
  while (const Position* first = first_due()) {
    if (held_.contains(*first)) {
      auto events = held_.extract(*first);
      held_count_ -= events.mapped().size();
      for (report::Event& event : events.mapped()) emit_(std::move(event));
    } else {
      auto groups = included_.extract(*first);
      for (Included& one : groups.mapped()) tell(std::move(one));
    }
  }
}

}  // namespace gpustack::engine
