#include "core/engine/live_target.hpp"

#include "core/async/task_group.hpp"
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
        sending_(pool.executor_, 1),
        background_(pool.executor_, kBackground) {}

  Async<Value> run(TaskCall call) override;
  void acknowledge_failures() override { epoch_ = failures_; }
  Async<RawOutput> raw(std::string command) override;
  Async<void> reset() override;
  /// Leaves the connection, and waits for what still runs on it.
  Async<void> finish();

 private:
  struct Pending {
    explicit Pending(const asio::any_io_executor& executor) : done(executor) {}
    async::Event done;
    std::optional<Result<Value>> result;
    const TaskCall* call = nullptr;
    bool stops_others = false;
    std::uint64_t received = 0;
  };

  Async<void> connect_if_needed();
  Async<void> read_frames(std::uint64_t generation);
  Async<void> send_content(wire::Frame request);
  Async<std::uint16_t> lane_for(const Become& become);
  void forget_lanes_of_removed(const TaskCall& call);
  Async<void> send(wire::Frame message);
  void take(wire::Frame frame);
  void on_message(const wire::Frame& frame);
  void fail_all(const Error& error);
  /// Nothing that comes from the connection counts from now on.
  void forget();
  void spawn(Async<void> work);

  LiveTargetPool& pool_;
  transport::Target description_;
  async::Gate opening_;          ///< one coroutine at a time opens the connection or a lane
  async::Gate sending_;          ///< one content at a time
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
  std::map<std::uint32_t, std::shared_ptr<Pending>> pending_;
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

void LiveTargetPool::Live::fail_all(const Error& error) {
  for (auto& [id, pending] : pending_) {
    if (!pending->result) pending->result = Result<Value>(Error(error));
    pending->done.set();
  }
  pending_.clear();
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
  if (frame.type == wire::FrameType::need_content) {
    auto sender = send_content(frame);
    spawn(std::move(sender));
    return;
  }
  const auto found = pending_.find(frame.id);
  if (found == pending_.end()) return;
  const auto pending = found->second;
  switch (frame.type) {
    case wire::FrameType::result:
    case wire::FrameType::become_reply:
      if (pending->stops_others && (frame.flags & wire::kFailed) != 0) ++failures_;
      pending->result = wire::parse_map(frame);
      pending_.erase(found);
      pending->done.set();
      break;
    case wire::FrameType::output:
      if (pending->call != nullptr && pending->call->on_output) {
        if (auto output = wire::Output::parse(frame))
          pending->call->on_output(output->stream, output->text);
      }
      break;
    case wire::FrameType::data: {
      if (frame.payload.empty()) break;  // the file's end
      if (pending->call != nullptr && pending->call->on_data) pending->call->on_data(frame.payload);
      pending->received += frame.payload.size();
      wire::DataAck ack;
      ack.bytes = pending->received;
      auto sender = send(wire::make_frame(wire::FrameType::data_ack, frame.lane, frame.id, ack));
      spawn(std::move(sender));
      break;
    }
    default:
      break;
  }
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

Async<void> LiveTargetPool::Live::send_content(wire::Frame request) {
  // Requests are answered one after the other: the runner reads the answers as one stream.
  GS_CO_TRY(auto pass, co_await sending_.enter());
  GS_CO_TRY(auto wanted, wire::NeedContent::parse(request));
  wire::ContentEnd end;
  std::uint64_t left = wanted.length;
  while (left > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, wire::kContentPiece));
    auto piece = pool_.contents_->read(wanted.sha256, wanted.offset, size);
    if (!piece || piece->empty()) {
      end.error = piece ? "the content is shorter than announced" : piece.error().message();
      break;
    }
    wanted.offset += piece->size();
    left -= piece->size();
    wire::Frame frame;
    frame.type = wire::FrameType::content;
    frame.id = request.id;
    frame.lane = request.lane;
    frame.payload = std::move(*piece);
    if (!connection_) co_return Result<void>();
    GS_CO_TRY_VOID(co_await connection_->send(std::move(frame)));
  }
  wire::Frame last = wire::make_frame(wire::FrameType::content_end, request.lane, request.id, end);
  co_return co_await send(std::move(last));
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
  GS_CO_TRY_VOID(co_await pending->done.wait());
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

Async<Value> LiveTargetPool::Live::run(TaskCall call) {
  GS_CO_TRY_VOID(co_await connect_if_needed());
  GS_CO_TRY(const std::uint16_t lane, co_await lane_for(call.become));
  forget_lanes_of_removed(call);
  wire::Task task;
  task.module = call.module;
  task.arguments = call.arguments;
  task.check = call.check;
  task.diff = call.diff;
  task.timeout = call.timeout;
  task.epoch = epoch_;
  task.barrier = call.stops_others;
  task.background = call.background;
  if (call.environment.is_map()) {
    for (const auto& [name, value] : call.environment.as_map())
      task.environment[to_text(name)] = to_text(value);
  }
  const std::uint32_t id = ++next_id_;
  auto pending = std::make_shared<Pending>(pool_.executor_);
  pending->call = &call;
  pending->stops_others = call.stops_others;
  pending_.emplace(id, pending);
  wire::Frame frame = wire::make_task(lane, id, task);
  auto sent = co_await send(std::move(frame));
  if (!sent) {
    pending_.erase(id);
    co_return Error(std::move(sent).error());
  }
  if (call.on_sent) call.on_sent();
  auto waited = co_await pending->done.wait();
  pending->call = nullptr;
  if (!waited) {
    pending_.erase(id);
    wire::Frame stop;
    stop.type = wire::FrameType::cancel;
    stop.id = id;
    stop.lane = lane;
    static_cast<void>(co_await send(std::move(stop)));
    co_return Error(std::move(waited).error());
  }
  GS_CO_TRY(auto result, std::move(*pending->result));
  if (const Value* late = result.find("timedout");
      late != nullptr && late->truthy() && call.timeout.count() > 0) {
    result.set("msg",
               "The " + call.module + " action failed to execute in the expected time frame (" +
                   std::to_string(call.timeout.count()) + ") and was terminated");
  }
  co_return result;
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
      connector_(executor, std::move(settings)) {}

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
