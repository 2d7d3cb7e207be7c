#pragma once
/// @file The order in which the hosts of a play go through its tasks.

#include "core/async/async.hpp"
#include "core/async/event.hpp"

#include <boost/container/flat_set.hpp>
#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <set>

namespace gpustack::engine {

/// Where in the play a host is: child numbers from the root, dynamic includes included. Earlier is
/// smaller.
using Position = boost::container::small_vector<std::uint32_t, 8>;

/// Keeps the hosts of a batch together: a host starts the task at a position once no host is before
/// it (Ansible's linear strategy). Hosts that keep the others waiting can be left behind; those
/// catch up, and where all hosts meet they are waited for. With `free` nobody waits.
/// Thread: the run's executor.
class Lockstep {
 public:
  enum class Mode { linear, free };
  /// For whom a host waits at a task.
  enum class Meeting : std::uint8_t {
    company,  ///< for those that were not left behind
    all,
  };

  /// `members` hosts, known by number in batch order, all at the empty position.
  Lockstep(const asio::any_io_executor& executor, std::size_t members, Mode mode);

  /// Host `member` reached `position`; returns when it may run there. The host behind it in the
  /// batch follows once go_on() was called.
  /// @error cancelled
  Async<void> arrive(std::size_t member, Position position, Meeting meeting = Meeting::company);
  /// The same without waiting. @return false when it must wait for its turn()
  bool try_arrive(std::size_t member, const Position& position, Meeting meeting);
  /// When the host may run there. @error cancelled
  Async<void> turn(std::size_t member) { return members_[member].turn.wait(); }
  void go_on(std::size_t member);
  /// The host is through, or out.
  void leave(std::size_t member);

  /// Leaves those behind that others wait for, and that have not moved since the call before.
  void leave_slow_behind();
  /// Numbers of the hosts that have not left.
  [[nodiscard]] std::size_t members_left() const { return left_; }

 private:
  struct Member {
    explicit Member(const asio::any_io_executor& executor) : turn(executor) {}

    Position position;
    Meeting meeting = Meeting::company;
    bool is_in = true;
    bool is_waiting = false;
    bool is_behind = false;
    std::uint64_t moved = 0;  ///< in which round of leave_slow_behind()
    async::Event turn;
  };

  void move(std::size_t member, const Position* to);
  void forget_position(std::size_t member);
  /// Lets the lowest of those that wait at the first position go; it lets the next one go.
  void grant_next();

  Mode mode_;
  std::deque<Member> members_;
  std::map<Position, boost::container::flat_set<std::size_t>> at_;  ///< without those behind
  std::multiset<Position> behind_;
  std::size_t left_;
  std::uint64_t round_ = 0;
};

}  // namespace gpustack::engine
