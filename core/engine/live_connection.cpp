// How a live target is reached: its connection, and the lanes of the users that tasks become.
#include "core/engine/live.hpp"
#include "core/transport/runner_link.hpp"

#include <algorithm>

namespace gpustack::engine {

namespace {

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

}  // namespace

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

Async<void> LiveTargetPool::Live::send(wire::Frame message, transport::Leave leave) {
  std::string bytes;
  wire::append_message(bytes, message);
  wire::FrameDecoder pieces;
  pieces.feed(bytes);
  while (true) {
    GS_CO_TRY(auto piece, pieces.next());
    if (!piece) co_return Result<void>();
    if (!connection_) co_return Error(ErrorCode::connection_lost, "the connection ended");
    wire::Frame frame = std::move(*piece);
    GS_CO_TRY_VOID(co_await connection_->send(std::move(frame), leave));
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
  // As in Ansible, the connection's timeout is that of becoming somebody else, too.
  request.patience = std::max(
      request.patience, std::chrono::ceil<std::chrono::seconds>(description_.timeouts.connect));
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

}  // namespace gpustack::engine
