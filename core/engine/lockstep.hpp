#pragma once
/// @file The order in which the hosts of a play go through its tasks.

#include "core/async/async.hpp"
#include "core/async/event.hpp"

#include <boost/container/flat_set.hpp>
#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <deque>
#include <map>

namespace gpustack::engine {

/// Where in the play a host is: child numbers from the root, dynamic includes included. Earlier is
/// smaller.
using Position = boost::container::small_vector<std::uint32_t, 8>;

/// Keeps the hosts of a batch together: a host starts the task at a position once no host is before
/// it (Ansible's linear strategy). With `free` nobody waits. Thread: the run's executor.
class Lockstep {
 public:
  enum class Mode { linear, free };

  /// `members` hosts, known by number in batch order, all at the empty position.
  Lockstep(const asio::any_io_executor& executor, std::size_t members, Mode mode);

  /// Host `member` reached `position`; returns when it may run there. The host behind it in the
  /// batch follows once go_on() was called.
  /// @error cancelled
  Async<void> arrive(std::size_t member, Position position);
  void go_on(std::size_t member);
  /// The host is through, or out.
  void leave(std::size_t member);

  /// Numbers of the hosts that have not left.
  [[nodiscard]] std::size_t members_left() const { return left_; }

 private:
  struct Member {
    explicit Member(const asio::any_io_executor& executor) : turn(executor) {}

    Position position;
    bool is_in = true;
    bool is_waiting = false;
    async::Event turn;
  };

  void move(std::size_t member, const Position* to);
  /// Lets the lowest of those that wait at the first position go; it lets the next one go.
  void grant_next();

  Mode mode_;
  std::deque<Member> members_;
  std::map<Position, boost::container::flat_set<std::size_t>> at_;
  std::size_t left_;
};

}  // namespace gpustack::engine
