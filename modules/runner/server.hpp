#pragma once
/// @file The runner's main loop: frames in and out, the order of tasks, epochs, lanes, the end.

#include "core/wire/session.hpp"
#include "modules/runner/channel.hpp"
#include "modules/runner/child_link.hpp"
#include "modules/runner/host_lock.hpp"
#include "modules/runner/temporary_folder.hpp"
#include "modules/runner/worker.hpp"

#include <poll.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace gpustack::runner {

struct ServerOptions {
  bool is_child = false;  ///< started by another runner: epochs and order are its business
  std::string mark;       ///< printed before the first frame
  std::string hash;       ///< of this program, for hello_reply
};

inline constexpr int kExitProtocol = 3;

/// See core/docs/wire.md. Thread: main.
class Server {
 public:
  Server(ServerOptions options, modules::Descriptor input, modules::Descriptor output);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Serves until the end. @return the exit status
  int run();
  /// For signal handlers: a descriptor to write a byte to, so that the server ends.
  [[nodiscard]] int end_descriptor() const { return end_request_.write_end.get(); }

 private:
  /// How long output and children may still take once the runner ends.
  static constexpr std::chrono::seconds kFlushAtEnd{5};

  using Clock = std::chrono::steady_clock;
  enum class State { start, ready, draining, ending };
  enum class Stop { none, cancelled, timed_out };

  struct Running {
    std::uint16_t lane = 0;
    std::uint32_t id = 0;
    bool barrier = false;
    bool gathers_facts = false;
    std::chrono::milliseconds timeout{0};
    std::optional<Clock::time_point> deadline;
    Stop stop = Stop::none;
  };
  struct Waiting {
    wire::Frame frame;  ///< with its payload where a child is to have it
    wire::Task task;
    std::size_t bytes = 0;
  };

  [[nodiscard]] bool is_done() const;
  void turn();
  [[nodiscard]] int patience() const;
  void read_client();
  void on_client_frame(const wire::Frame& frame);
  Result<void> handle(const wire::Frame& frame);
  Result<void> on_hello(const wire::Frame& frame);
  Result<void> on_task(const wire::Frame& frame);
  Result<void> on_open_become(const wire::Frame& frame);
  Result<void> on_content(const wire::Frame& frame);
  Result<void> on_cancel(const wire::Frame& frame);
  Result<void> on_data_ack(const wire::Frame& frame);
  void protocol_error(const Error& error);

  void dispatch();
  bool dispatch_to_child(Waiting& waiting);
  /// Gives the worker the next tasks, behind those it has.
  void hand_over();
  /// Whether a task has the worker for itself: something is to be done before or after it, or it
  /// may be stopped by the clock.
  [[nodiscard]] bool runs_alone(const Waiting& waiting) const;
  /// Puts what the worker has not begun back to the tasks that wait, and takes its results.
  void withdraw();
  void take_back();
  void begin(const Waiting& waiting);
  void finish(wire::Frame result);
  static wire::Frame explain_stop(const Running& done, const wire::Frame& result);
  void answer(const wire::Frame& task, const Value& result);
  void stop_running(Stop why);
  void check_deadlines();
  void forward(const wire::Frame& frame);
  /// Whether what is to be sent waits for the results of the tasks behind it.
  [[nodiscard]] bool gathers_results() const;
  void send_to_client();

  void take_worker_frames();
  void turn_children();
  void announce(ChildLink& child);
  void on_child_frame(ChildLink& child, wire::Frame frame);
  ChildLink* child_of(std::uint16_t lane);
  /// Ends the idle runners of a user whom this task removes.
  void end_children_of(const wire::Task& task);

  void begin_ending();
  void wait_for_children();

  ServerOptions options_;
  Channel client_;
  std::optional<Clock::time_point> gather_until_;  ///< set while results alone are to be sent
  wire::Assembler assembler_;
  modules::Pipe end_request_;
  modules::Descriptor wake_;
  State state_ = State::start;
  int exit_status_ = 0;
  wire::Hello hello_;
  HostLock lock_;
  TemporaryFolder temporary_folder_;
  std::int64_t epoch_ = 0;
  std::deque<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  std::optional<Running> running_;
  std::deque<Waiting> handed_;  ///< to the worker; running_ is the first one of them
  std::map<std::uint16_t, std::unique_ptr<ChildLink>> children_;
  std::map<std::uint16_t, bool> announced_;
  Value facts_;
  std::uint64_t facts_version_ = 0;
  std::map<std::uint16_t, std::uint64_t> facts_known_;  ///< which facts a child has been given
  Clock::time_point last_frame_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace gpustack::runner
