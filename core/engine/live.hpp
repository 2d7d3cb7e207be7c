#pragma once
/// @file The connection behind a live target, with the tasks that are under way on it.

#include "core/async/task_group.hpp"
#include "core/engine/content_sender.hpp"
#include "core/engine/live_target.hpp"
#include "core/wire/session.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace gpustack::engine {

/// One host's connection with its pending tasks.
/// Invariant: every pending task is woken exactly once, by its result or by the connection's end.
class LiveTargetPool::Live final : public Target {
 public:
  Live(LiveTargetPool& pool, transport::Target target)
      : pool_(pool),
        description_(std::move(target)),
        opening_(pool.executor_, 1),
        contents_(pool.executor_,
                  *pool.packing_,
                  [this](wire::Frame frame) { return send(std::move(frame)); }),
        answered_(pool.executor_),
        background_(pool.executor_, kMostInBackground) {}

  Async<Value> run(TaskCall call) override;
  bool start(TaskCall& call, Listener& listener) override;
  [[nodiscard]] bool knows(const Become& become) const override {
    return !become.active || lanes_.contains(become.key());
  }
  void acknowledge_failures() override { epoch_ = failures_; }
  void hurry() override {
    if (connection_) connection_->hurry();
  }
  Async<RawOutput> raw(std::string command) override;
  Async<void> reset() override;
  void limit_connecting(std::optional<std::chrono::milliseconds> limit) override {
    transport::Timeouts& times = description_.timeouts = own_timeouts_;
    if (!limit) return;
    times.connect = *limit;
    times.connect_is_for_all = true;  // a host on its way down may accept and then say nothing
  }
  /// Leaves the connection, and waits for what still runs on it.
  Async<void> finish();

 private:
  static constexpr std::size_t kMostInBackground = 1024;

  struct Pending {
    Pending() = default;
    explicit Pending(const asio::any_io_executor& executor) : done(executor) {}
    /// @pre it is in no map any more: who hears it may begin or stop others
    void answer(Result<Value> found);

    std::optional<async::Event> done;  ///< what a coroutine waits for
    Listener* listener = nullptr;      ///< when none does
    std::optional<Result<Value>> result;
    const TaskCall* call = nullptr;
    std::string module;
    std::chrono::seconds timeout{0};
    std::uint16_t lane = 0;
    bool stops_others = false;
    std::size_t size = 0;        ///< of the task as it was sent
    std::uint64_t received = 0;  ///< payload bytes of `data`
    bool refused_data = false;
  };
  using PendingTasks = std::map<std::uint32_t, std::shared_ptr<Pending>>;

  Async<void> connect_if_needed();
  Async<void> read_frames(std::uint64_t generation);
  Async<std::uint16_t> lane_for(const Become& become);
  [[nodiscard]] wire::Task task_of(const TaskCall& call) const;
  void stop(Listener& listener) override;
  /// Notes the task that `frame` is.
  std::shared_ptr<Pending> pend(std::shared_ptr<Pending> pending,
                                const TaskCall& call,
                                const wire::Frame& frame);
  [[nodiscard]] bool has_room_for(std::size_t size) const;
  void forget_lanes_of_removed(const TaskCall& call);
  Async<void> send(wire::Frame message, transport::Leave leave = transport::Leave::now);
  /// Waits until `size` more bytes may be unanswered. @error connection_lost  it ended meanwhile
  Async<void> wait_for_answers(std::size_t size);
  Async<void> cancel(std::uint16_t lane, std::uint32_t id);
  void take_data(const wire::Frame& frame, Pending& pending);
  void forget(PendingTasks::iterator entry);
  void take(wire::Frame frame);
  void on_message(const wire::Frame& frame);
  void fail_all(const Error& error);
  /// Nothing that comes from the connection counts from now on.
  void forget();
  void spawn(Async<void> work);

  LiveTargetPool& pool_;
  transport::Target description_;
  const transport::Timeouts own_timeouts_ = description_.timeouts;
  async::Gate opening_;  ///< one coroutine at a time opens the connection or a lane
  ContentSender contents_;
  async::Condition answered_;    ///< a task was answered, or the connection has ended
  std::size_t unanswered_ = 0;   ///< bytes of the tasks in pending_
  async::TaskGroup background_;  ///< the reader, and senders of contents
  std::unique_ptr<transport::Connection> connection_;
  std::vector<std::unique_ptr<transport::Connection>>
      retired_;  ///< closed, but coroutines may still end on them
  bool is_ready_ = false;
  std::uint64_t generation_ = 0;
  std::uint32_t next_id_ = 0;
  std::uint16_t next_lane_ = 0;
  std::int64_t failures_ = 0;  ///< the runner's epoch, as the results tell it
  std::int64_t epoch_ = 0;     ///< in which tasks are sent
  std::map<std::string, std::uint16_t> lanes_;
  wire::Assembler assembler_;
  PendingTasks pending_;
  std::optional<Error> failure_;  ///< why the host is unreachable: not tried again until reset()
};

}  // namespace gpustack::engine
