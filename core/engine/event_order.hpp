#pragma once
/// @file Events in the order of the play's tasks, though hosts may be ahead of each other.

#include "core/engine/lockstep.hpp"
#include "core/report/event.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gpustack::engine {

/// What a host tells from a position waits until no host of the batch is before that position.
/// Thread: the run's executor.
class EventOrder {
 public:
  enum class Mode { by_position, as_they_come };
  using Emit = std::function<void(report::Event&& event)>;

  /// `members` hosts, known by number in batch order, all at the empty position.
  EventOrder(std::size_t members, Mode mode, Emit emit);

  /// What the member tells from now on belongs to `at`, or to what comes behind it.
  void reach(std::size_t member, const Position& at);
  /// The member has no more to tell.
  void leave(std::size_t member);
  void emit(const Position& at, report::Event&& event);
  /// Whether a host has still to do or to tell something before `at`.
  [[nodiscard]] bool has_before(const Position& at) const {
    return !members_at_.empty() && members_at_.begin()->first < at;
  }
  /// Events that wait.
  [[nodiscard]] std::size_t held() const { return held_count_; }
  /// Told once for all hosts that included the same, in batch order, when every host has passed the
  /// including task.
  void add_included(const Position& at,
                    std::size_t member,
                    const std::string& host,
                    std::string path,
                    Value item);

 private:
  struct Included {
    report::Event event{report::EventType::included};  ///< without its hosts
    std::map<std::size_t, std::string> hosts;          ///< by member
  };

  void tell(Included included);
  void move(std::size_t member, const Position* to);
  /// Tells what is no longer ahead of every host.
  void tell_up_to_front();
  /// The first position with something held, where no host is before it.
  [[nodiscard]] const Position* first_due() const;

  Mode mode_;
  Emit emit_;
  std::vector<Position> positions_;  ///< by member
  std::map<Position, std::size_t> members_at_;
  std::map<Position, std::vector<report::Event>> held_;
  std::size_t held_count_ = 0;
  std::map<Position, std::vector<Included>> included_;
};

}  // namespace gpustack::engine
