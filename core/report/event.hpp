#pragma once
/// @file What happens in a run, as records: the one stream that consoles, JSON lines and the store
/// read.

#include "core/base/value.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::report {

/// In the order a run usually brings them. Which fields of Event are filled stands behind each.
enum class EventType : std::uint8_t {
  run_started,       ///< playbook (path), hosts (all that may take part), check, message (run id)
  play_started,      ///< play, hosts, check
  no_hosts_matched,  ///< play
  no_hosts_left,     ///< play
  task_started,      ///< task, task_id, action, path, is_handler, hosts (when known)
  host_started,      ///< host, task_id: the host begins the task (for progress only)
  retry,  ///< host, task, result (`attempts`, `retries`): `until` does not hold yet. `retries` is
          ///< the task's + 1, as in Ansible
  async_poll,   ///< host, result (`ansible_job_id`, `started`, `finished`)
  item_result,  ///< as host_result, for one loop item: item is its label
  host_result,  ///< host, delegated_to, outcome, result, ignored, rescued, in_loop; the times when
                ///< they are asked for
  included,     ///< path (file or role), hosts, item
  notified,     ///< host, task (the handler's name)
  warning,      ///< message, span; host when it is about one
  deprecation,  ///< message
  message,      ///< message: text for the user that belongs to no task
  error,        ///< message is Error::render()'s text without colour; what ended the run or a host
  play_finished,  ///< play
  stats,          ///< stats, custom_stats
  run_finished,   ///< exit_code, elapsed, stats
};

enum class Outcome : std::uint8_t { ok, changed, skipped, failed, unreachable };

/// One host's line of the recap. `changed` results are counted in `ok` too, as in Ansible.
struct HostStats {
  int ok = 0;
  int changed = 0;
  int unreachable = 0;
  int failed = 0;
  int skipped = 0;
  int rescued = 0;
  int ignored = 0;
};

struct Event {
  Event() = default;
  explicit Event(EventType kind) : type(kind) {}

  EventType type = EventType::message;
  std::chrono::system_clock::time_point time{};
  /// Of the run; with `--timings` also of a task on its host, from its evaluation to its result.
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds evaluated{
      0};                               ///< of that on the controller, for conditions and arguments
  std::chrono::nanoseconds on_host{0};  ///< what the module took there

  std::string host;
  std::string delegated_to;       ///< empty when the task runs on `host`
  std::string delegated_address;  ///< its address when that differs from the name
  std::string play;
  std::string
      task;  ///< rendered name, or the action when the task has none; with `role : ` in front
  std::uint64_t task_id =
      0;               ///< same for all events of one task (a repeat of the task has a new one)
  std::string action;  ///< module name as written
  std::string path;    ///< `file:line` of the task; the included file
  bool is_handler = false;
  bool in_loop = false;           ///< the task has a loop, its items were reported one by one
  bool check = false;             ///< the task runs in check mode
  bool diff = false;              ///< `result.diff` is to be shown
  bool no_log = false;            ///< sinks show nothing of `result` and `item` (see censored())
  bool verbose_always = false;    ///< show the whole result at any verbosity (debug)
  bool verbose_override = false;  ///< never show it for a success (set_fact, setup)

  Outcome outcome = Outcome::ok;
  bool ignored = false;  ///< failed, and `ignore_errors` (or `ignore_unreachable`) let it pass
  bool rescued = false;  ///< failed, and a `rescue` takes over
  Value item;            ///< the item's label
  Value result;          ///< the task's result map; keys as Ansible's

  std::string message;
  int verbosity = 0;  ///< a message is for those who asked for as many `-v`
  SourceSpan span;
  std::vector<std::string> hosts;
  std::string playbook;
  std::map<std::string, HostStats> stats;
  Value custom_stats;  ///< set_stats: map host or `_run` -> map
  int exit_code = 0;
};

/// Receives every event, in order.
/// Thread: on() is called from one thread at a time; a sink that shares its output locks by itself.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void on(const Event& event) = 0;
  /// Nothing more comes for now: what is buffered goes out.
  virtual void flush() {}
};

/// Hands each event to several sinks (console, store, JSON lines). The sinks outlive it.
class Tee final : public Sink {
 public:
  explicit Tee(std::vector<Sink*> sinks) : sinks_(std::move(sinks)) {}
  void on(const Event& event) override;
  void flush() override;

 private:
  std::vector<Sink*> sinks_;
};

/// `task_started` and so on.
std::string_view event_name(EventType type);
std::string_view outcome_name(Outcome outcome);

/// The result as it may be shown: without `_ansible_*` keys, and, for `no_log`, with nothing but
/// Ansible's `censored` text and `attempts`, `changed`, `retries`. Secrets inside are left marked;
/// to_json() redacts them.
Value shown_result(const Event& event);

}  // namespace gpustack::report
