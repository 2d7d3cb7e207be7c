#include "core/engine/live_target.hpp"

#include "core/async/task_group.hpp"
#include "core/engine/content_sender.hpp"
#include "core/transport/held_connections.hpp"
#include "core/transport/runner_link.hpp"
#include "core/wire/session.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::engine {

namespace {

constexpr std::size_t kBackground = 1024;
/// Connections that say goodbye at once: each waits for the end of its runner.
constexpr std::size_t kClosing = 64;

/// Tasks that were sent and are not answered take no more than this of the runner's memory, which
/// ends the connection at four times as much (or 20,000 tasks).
constexpr std::size_t kMostUnanswered = 32U << 20U;
constexpr std::size_t kMostUnansweredTasks = 5'000;
/// Smaller tasks are sent as they are: there is little to save.
constexpr std::size_t kWorthPacking = 4U << 10U;

/// The runner ends after three of these without a frame from us, when nobody is left to end it: a
/// controller that lost its power must not hold the host's lock. Several times as long as the
/// connection's pings, since a controller may be stopped for a while (Ctrl-Z) and come back.
constexpr std::chrono::seconds kSignsOfLife{60};
constexpr int kPingsInASign = 4;

std::string hello_payload(std::chrono::milliseconds ping_interval) {
  wire::Hello hello;
  hello.controller = "gpustack";
  hello.ping_interval = std::max(
      kSignsOfLife, std::chrono::ceil<std::chrono::seconds>(kPingsInASign * ping_interval));
  return wire::make_hello(hello).payload;
}

/// The settings under Ansible's names, which decide in Ansible's order.
Map variables_of(const ConnectionSettings& settings) {
  Map variables;
  const auto set = [&](const char* name, const std::string& text) {
    if (!text.empty()) variables.set(name, Value(text));
  };
  set("ansible_connection", settings.kind);
  set("ansible_host", settings.address);
  set("ansible_user", settings.user);
  set("ansible_private_key_file", settings.private_key_file);
  set("ansible_ssh_args", settings.ssh_args);
  set("ansible_ssh_common_args", settings.common_args);
  set("ansible_ssh_extra_args", settings.extra_args);
  if (settings.port != 0) variables.set("ansible_port", Value(settings.port));
  if (!settings.password.is_null()) variables.set("ansible_password", settings.password);
  if (!settings.host_key_checking) variables.set("ansible_host_key_checking", Value(false));
  if (settings.timeout_seconds > 0)
    variables.set("ansible_timeout", Value(settings.timeout_seconds));
  return variables;
}

}  // namespace

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
        background_(pool.executor_, kBackground) {}

  Async<Value> run(TaskCall call) override;
  bool start(TaskCall& call, Listener& listener) override;
  [[nodiscard]] bool knows(const Become& become) const override {
    return !become.active || lanes_.contains(become.key());
  }
  void acknowledge_failures() override { epoch_ = failures_; }
  Async<RawOutput> raw(std::string command) override;
  Async<void> reset() override;
  /// Leaves the connection, and waits for what still runs on it.
  Async<void> finish();

 private:
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
  Async<void> send(wire::Frame message);
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

void LiveTargetPool::Live::spawn(Async<void> work) { background_.spawn_now(std::move(work)); }

Async<void> LiveTargetPool::Live::finish() {
  forget();
  if (connection_) {
    auto old = std::move(connection_);
    co_await old->keep();
    retired_.push_back(std::move(old));
  }
  static_cast<void>(co_await background_.join());
  co_return Result<void>();
}

Async<void> LiveTargetPool::Live::connect_if_needed() {
  if (connection_ && is_ready_) co_return Result<void>();
  if (failure_) co_return Error(*failure_);
  GS_CO_TRY(auto pass, co_await opening_.enter());
  if (connection_ && is_ready_) co_return Result<void>();
  if (failure_) co_return Error(*failure_);
  if (!connection_) connection_ = pool_.connector_.make(description_);
  auto opened = co_await connection_->open(hello_payload(pool_.ping_interval_));
  if (!opened) {
    failure_ = opened.error();
    co_await connection_->close();
    retired_.push_back(std::move(connection_));
    co_return Error(std::move(opened).error());
  }
  is_ready_ = true;
  if (pool_.on_open_) pool_.on_open_(description_.name, connection_->report());
  lanes_.clear();
  const std::uint64_t generation = ++generation_;
  auto reader = read_frames(generation);
  spawn(std::move(reader));
  co_return Result<void>();
}

Async<void> LiveTargetPool::Live::read_frames(std::uint64_t generation) {
  while (generation == generation_ && connection_) {
    auto frame = co_await connection_->receive();
    if (generation != generation_) break;
    if (!frame) {
      is_ready_ = false;
      fail_all(frame.error());
      if (connection_) {
        auto broken = std::move(connection_);
        co_await broken->close();
        retired_.push_back(std::move(broken));
      }
      break;
    }
    take(std::move(*frame));
  }
  co_return Result<void>();
}

void LiveTargetPool::Live::Pending::answer(Result<Value> found) {
  const Value* late = found ? found->find("timedout") : nullptr;
  if (late != nullptr && late->truthy() && timeout.count() > 0) {
    found->set("msg",
               "The " + module + " action failed to execute in the expected time frame (" +
                   std::to_string(timeout.count()) + ") and was terminated");
  }
  if (listener != nullptr) return tell(*listener, std::move(found));
  result = std::move(found);
  done->set();
}

void LiveTargetPool::Live::fail_all(const Error& error) {
  unanswered_ = 0;
  contents_.stop_all();
  answered_.notify_all();
  while (!pending_.empty()) {
    const auto first = pending_.extract(pending_.begin());
    first.mapped()->answer(Error(error));
  }
}

void LiveTargetPool::Live::forget(PendingTasks::iterator entry) {
  unanswered_ -= entry->second->size;
  contents_.stop(entry->first);
  pending_.erase(entry);
  answered_.notify_all();
}

bool LiveTargetPool::Live::has_room_for(std::size_t size) const {
  return (unanswered_ == 0 || unanswered_ + size <= kMostUnanswered) &&
         pending_.size() < kMostUnansweredTasks;
}

Async<void> LiveTargetPool::Live::wait_for_answers(std::size_t size) {
  const std::uint64_t generation = generation_;
  while (generation == generation_ && connection_ && !has_room_for(size))
    GS_CO_TRY_VOID(co_await answered_.wait());
  if (generation != generation_ || !connection_)
    co_return Error(ErrorCode::connection_lost, "the connection ended");
  co_return Result<void>();
}

Async<void> LiveTargetPool::Live::cancel(std::uint16_t lane, std::uint32_t id) {
  wire::Frame stop;
  stop.type = wire::FrameType::cancel;
  stop.id = id;
  stop.lane = lane;
  co_return co_await send(std::move(stop));
}

void LiveTargetPool::Live::take(wire::Frame frame) {
  auto message = assembler_.take(std::move(frame));
  if (!message) {
    fail_all(message.error());
  } else if (*message) {
    on_message(**message);
  }
}

void LiveTargetPool::Live::on_message(const wire::Frame& frame) {
  const auto found = pending_.find(frame.id);
  if (found == pending_.end()) return;
  const auto pending = found->second;
  switch (frame.type) {
    case wire::FrameType::result:
    case wire::FrameType::become_reply:
      if (pending->stops_others && (frame.flags & wire::kFailed) != 0) ++failures_;
      forget(found);
      pending->answer(wire::parse_map(frame));
      break;
    case wire::FrameType::output:
      if (pending->call != nullptr && pending->call->on_output) {
        if (auto output = wire::Output::parse(frame))
          pending->call->on_output(output->stream, output->text);
      }
      break;
    case wire::FrameType::data:
      take_data(frame, *pending);
      break;
    case wire::FrameType::need_content: {
      auto sender = contents_.begin(frame, *pool_.contents_);
      if (!sender) {
        fail_all(sender.error());
      } else {
        spawn(std::move(*sender));
      }
      break;
    }
    case wire::FrameType::content_ack:
      if (const auto taken = contents_.acknowledged(frame); !taken) fail_all(taken.error());
      break;
    default:
      break;
  }
}

void LiveTargetPool::Live::take_data(const wire::Frame& frame, Pending& pending) {
  if (frame.payload.empty() || pending.refused_data) return;  // the file's end, or no use for more
  const std::uint64_t size = frame.payload.size();
  auto piece = wire::piece_of(frame);
  if (!piece) return fail_all(piece.error());
  if (pending.call == nullptr || !pending.call->on_data || !pending.call->on_data(*piece)) {
    pending.refused_data = true;
    auto stopping = cancel(frame.lane, frame.id);
    spawn(std::move(stopping));
    return;
  }
  pending.received += size;
  auto sender = send(wire::make_frame(
      wire::FrameType::data_ack, frame.lane, frame.id, wire::DataAck{pending.received}));
  spawn(std::move(sender));
}

Async<void> LiveTargetPool::Live::send(wire::Frame message) {
  std::string bytes;
  wire::append_message(bytes, message);
  wire::FrameDecoder pieces;
  pieces.feed(bytes);
  while (true) {
    GS_CO_TRY(auto piece, pieces.next());
    if (!piece) co_return Result<void>();
    if (!connection_) co_return Error(ErrorCode::connection_lost, "the connection ended");
    wire::Frame frame = std::move(*piece);
    GS_CO_TRY_VOID(co_await connection_->send(std::move(frame)));
  }
}

Async<std::uint16_t> LiveTargetPool::Live::lane_for(const Become& become) {
  if (!become.active) co_return std::uint16_t{0};
  const std::string key = become.key();
  GS_CO_TRY(auto pass, co_await opening_.enter());
  if (const auto known = lanes_.find(key); known != lanes_.end()) co_return known->second;
  const std::uint16_t lane = ++next_lane_;
  wire::OpenBecome request;
  request.method = become.method;
  request.user = become.user;
  request.executable = become.executable;
  request.flags = become.flags;
  request.same_user = become.same_user;
  if (!become.password.is_null()) request.password = to_text(become.password);
  auto pending = std::make_shared<Pending>(pool_.executor_);
  // open_become has no task id: its reply is known by its lane, kept above every task's id.
  const std::uint32_t id = 0;
  pending_[id] = pending;
  wire::Frame frame = wire::make_open_become(lane, request);
  GS_CO_TRY_VOID(co_await send(std::move(frame)));
  GS_CO_TRY_VOID(co_await pending->done->wait());
  GS_CO_TRY(auto reply, std::move(*pending->result));
  if (const Value* command = reply.find("command"); command != nullptr && pool_.on_become_)
    pool_.on_become_(description_.name, to_text(*command));
  if (const Value* problem = reply.find("error");
      problem != nullptr && !to_text(*problem).empty() && !problem->is_null()) {
    Error error(ErrorCode::become_failed, to_text(*problem));
    if (become.password.is_null() && error.message().find("missing ") != std::string::npos)
      error = std::move(error).hint("pass -K (--ask-become-pass), or set ansible_become_password");
    co_return error;
  }
  lanes_.emplace(key, lane);
  co_return lane;
}

// The runner ends its own for a user who is removed; one of the same name later gets a new one.
void LiveTargetPool::Live::forget_lanes_of_removed(const TaskCall& call) {
  const std::string_view name = std::string_view(call.module).substr(call.module.rfind('.') + 1);
  if (name != "user" || to_text(call.arguments.get("state")) != "absent" || call.check) return;
  const std::string middle = "\n" + to_text(call.arguments.get("name")) + "\n";
  std::erase_if(lanes_,
                [&](const auto& entry) { return entry.first.find(middle) != std::string::npos; });
}

wire::Task LiveTargetPool::Live::task_of(const TaskCall& call) const {
  wire::Task task;
  task.module = call.module;
  task.arguments = call.arguments;
  task.check = call.check;
  task.diff = call.diff;
  task.timed = call.timed;
  task.timeout = call.timeout;
  task.epoch = epoch_;
  task.barrier = call.stops_others;
  task.background = call.background;
  if (call.environment.is_map()) {
    for (const auto& [name, value] : call.environment.as_map())
      task.environment[to_text(name)] = to_text(value);
  }
  return task;
}

std::shared_ptr<LiveTargetPool::Live::Pending> LiveTargetPool::Live::pend(
    std::shared_ptr<Pending> pending, const TaskCall& call, const wire::Frame& frame) {
  pending->module = call.module;
  pending->timeout = call.timeout;
  pending->lane = frame.lane;
  pending->stops_others = call.stops_others;
  pending->size = frame.payload.size();
  unanswered_ += pending->size;
  pending_.emplace(frame.id, pending);
  return pending;
}

Async<Value> LiveTargetPool::Live::run(TaskCall call) {
  GS_CO_TRY_VOID(co_await connect_if_needed());
  GS_CO_TRY(const std::uint16_t lane, co_await lane_for(call.become));
  forget_lanes_of_removed(call);
  wire::Frame frame = wire::make_task(lane, 0, task_of(call));
  const std::size_t size = frame.payload.size();
  if (size > wire::kMaxMessage) {
    co_return Error(ErrorCode::module_failed,
                    "the task's arguments take " + std::to_string(size) + " bytes, at most " +
                        std::to_string(wire::kMaxMessage) + " can be sent");
  }
  GS_CO_TRY_VOID(co_await wait_for_answers(size));
  const std::uint32_t id = frame.id = ++next_id_;
  const auto pending = pend(std::make_shared<Pending>(pool_.executor_), call, frame);
  pending->call = &call;
  if (size >= kWorthPacking && contents_.packing_pays()) wire::pack_message(frame);
  auto sent = co_await send(std::move(frame));
  if (!sent) {
    if (const auto entry = pending_.find(id); entry != pending_.end()) forget(entry);
    co_return Error(std::move(sent).error());
  }
  if (call.on_sent) call.on_sent();
  auto waited = co_await pending->done->wait();
  pending->call = nullptr;
  if (!waited) {
    if (const auto entry = pending_.find(id); entry != pending_.end()) forget(entry);
    static_cast<void>(co_await cancel(lane, id));
    co_return Error(std::move(waited).error());
  }
  co_return std::move(*pending->result);
}

bool LiveTargetPool::Live::start(TaskCall& call, Listener& listener) {
  if (!connection_ || !is_ready_) return false;
  const auto lane = call.become.active ? lanes_.find(call.become.key()) : lanes_.end();
  if (call.become.active && lane == lanes_.end()) return false;
  const std::uint16_t number = call.become.active ? lane->second : std::uint16_t{0};
  const wire::Frame frame = wire::make_task(number, next_id_ + 1, task_of(call));
  // What is large may be packed, and is sent in pieces.
  if (frame.payload.size() >= kWorthPacking || !has_room_for(frame.payload.size())) return false;
  if (!connection_->try_send(frame)) return false;
  ++next_id_;
  forget_lanes_of_removed(call);
  pend(std::make_shared<Pending>(), call, frame)->listener = &listener;
  expect(listener, frame.id);
  return true;
}

void LiveTargetPool::Live::stop(Listener& listener) {
  const auto found = pending_.find(id_of(listener));
  if (found == pending_.end()) return;
  const std::uint16_t lane = found->second->lane;
  forget(found);
  auto stopping = cancel(lane, id_of(listener));
  spawn(std::move(stopping));
}

Async<RawOutput> LiveTargetPool::Live::raw(std::string command) {
  if (!connection_) {
    GS_CO_TRY(auto pass, co_await opening_.enter());
    if (!connection_) {
      connection_ = pool_.connector_.make(description_);
      auto connected = co_await connection_->connect();
      if (!connected) {
        co_await connection_->close();
        retired_.push_back(std::move(connection_));
        co_return Error(std::move(connected).error());
      }
    }
  }
  GS_CO_TRY(
      auto done,
      co_await connection_->exec_raw(std::move(command), std::string(), std::chrono::hours(24)));
  RawOutput output;
  output.status = done.exit_code;
  output.output = std::move(done.out);
  output.errors = std::move(done.err);
  co_return output;
}

void LiveTargetPool::Live::forget() {
  ++generation_;
  is_ready_ = false;
  failure_.reset();
  lanes_.clear();
  assembler_ = wire::Assembler();
  fail_all(Error(ErrorCode::connection_lost, "the connection was reset"));
}

Async<void> LiveTargetPool::Live::reset() {
  forget();
  // Whoever resets a connection wants what a new login brings, such as new groups.
  description_.holding.takes = false;
  if (connection_) {
    auto old = std::move(connection_);
    co_await old->close();
    retired_.push_back(std::move(old));
  }
  co_return Result<void>();
}

LiveTargetPool::LiveTargetPool(const asio::any_io_executor& executor,
                               transport::ConnectorSettings settings)
    : executor_(executor),
      ping_interval_(settings.ping_interval),
      connector_(executor, std::move(settings)),
      packing_(std::make_unique<SharedPacking>()) {}

LiveTargetPool::~LiveTargetPool() = default;

Async<Target*> LiveTargetPool::get(std::string host, ConnectionSettings settings) {
  const std::string key = host + "\n" + settings.key();
  if (const auto known = targets_.find(key); known != targets_.end()) co_return known->second.get();
  GS_CO_TRY(transport::Target target,
            transport::target_from_variables(host, variables_of(settings), transport::Target()));
  auto live = std::make_shared<Live>(*this, std::move(target));
  Target* result = live.get();
  targets_.emplace(key, std::move(live));
  co_return result;
}

Async<void> LiveTargetPool::close_all() {
  async::TaskGroup closing(executor_, kClosing);
  for (auto& [key, target] : targets_) {
    auto work = target->finish();
    GS_CO_TRY_VOID(co_await closing.spawn(std::move(work)));
  }
  co_return co_await closing.join();
}

std::vector<transport::HeldConnection> LiveTargetPool::take_kept() {
  return connector_.take_kept();
}

}  // namespace gpustack::engine
