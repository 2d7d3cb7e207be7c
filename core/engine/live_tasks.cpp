// The tasks of a live target: sent, bounded, answered, stopped.
#include "core/engine/live.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

/// Tasks that were sent and are not answered take no more than this of the runner's memory, which
/// ends the connection at four times as much (or 20,000 tasks).
constexpr std::size_t kMostUnanswered = 32U << 20U;
constexpr std::size_t kMostUnansweredTasks = 5'000;
/// Smaller tasks are sent as they are: there is little to save.
constexpr std::size_t kWorthPacking = 4U << 10U;

transport::Leave leave_of(const TaskCall& call) {
  return call.may_wait ? transport::Leave::soon : transport::Leave::now;
}

}  // namespace

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
  auto sent = co_await send(std::move(frame), leave_of(call));
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
  if (!connection_->try_send(frame, leave_of(call))) return false;
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

}  // namespace gpustack::engine
