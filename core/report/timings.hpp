#pragma once
/// @file Where a run's time went: its steps, its connections and its tasks (`--timings`).

#include "core/report/event.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace gpustack::report {

/// Collects while a run goes on. Tasks of a host overlap, so the times of tasks add up to more than
/// the run took.
/// Thread: that of the events.
class Timings final : public Sink {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param begin  when the program began
  explicit Timings(Clock::time_point begin) : last_(begin), begin_(begin) {}

  /// A step of the controller ended now; it began when the one before it ended.
  void step(std::string name);
  /// A connection stands.
  /// @param login   TCP, handshake, authentication
  /// @param runner  from then to the runner's first answer
  void connected(const std::string& host,
                 std::chrono::microseconds login,
                 std::chrono::microseconds runner);
  void on(const Event& event) override;
  /// The run is over. @param cpu  of this program
  void finish(std::chrono::microseconds cpu);

  /// For people: the steps, then the tasks that took longest.
  [[nodiscard]] std::string table() const;
  /// For programs: all of it, in seconds.
  [[nodiscard]] Value record() const;

 private:
  struct Step {
    std::string name;
    std::chrono::nanoseconds took;
  };
  struct Task {
    std::string name;
    std::string path;
    std::size_t hosts = 0;
    std::chrono::nanoseconds evaluated{0};  ///< all hosts together; so the next one
    std::chrono::nanoseconds on_hosts{0};
    std::chrono::nanoseconds longest_on_host{0};
    std::chrono::nanoseconds longest{0};  ///< from its evaluation to its result
    std::string slowest_host;             ///< whose result took that long
  };
  struct Opened {
    std::size_t count = 0;
    std::chrono::microseconds longest_login{0};
    std::chrono::microseconds longest_runner{0};
    std::chrono::microseconds longest{0};
    std::string slowest_host;
  };

  [[nodiscard]] std::string steps_text() const;
  [[nodiscard]] std::string tasks_text() const;

  Clock::time_point last_;
  Clock::time_point begin_;
  std::vector<Step> steps_;
  Opened opened_;
  std::map<std::uint64_t, Task> tasks_;  ///< by task_id, which rises in the order of the play
  std::chrono::nanoseconds total_{0};
  std::chrono::microseconds cpu_{0};
};

}  // namespace gpustack::report
