#include "core/transport/runner_link.hpp"

#include <fmt/format.h>

#include <utility>

namespace gpustack::transport {

namespace {

constexpr std::size_t kMostUnread = 64U << 20U;

}  // namespace

RunnerLink::RunnerLink(const asio::any_io_executor& executor, std::string host)
    : executor_(executor), host_(std::move(host)), ping_timer_(executor) {}

void RunnerLink::attach(std::shared_ptr<Pipe> pipe) {
  pipe_ = std::move(pipe);
  last_heard_ = async::Clock::now();
}

void RunnerLink::detach() {
  ping_timer_.cancel();
  on_silence_ = nullptr;
  if (pipe_ == nullptr) return;
  if (!broken_)
    broken_ = pipe_->has_ended() ? ended()
                                 : Error(ErrorCode::connection_lost,
                                         fmt::format("the connection to '{}' was closed", host_));
  const std::shared_ptr<Pipe> pipe = std::exchange(pipe_, nullptr);
  pipe->changed().notify_all();
}

void RunnerLink::start_pings(PingSettings settings, std::function<void(Error)> on_silence) {
  pings_ = settings;
  on_silence_ = std::move(on_silence);
  arm_ping();
}

void RunnerLink::arm_ping() {
  ping_timer_.expires_after(pings_.interval);
  ping_timer_.async_wait([weak = weak_from_this()](SystemError failure) {
    const auto self = weak.lock();
    if (!failure && self != nullptr) self->on_ping_time();
  });
}

void RunnerLink::on_ping_time() {
  if (pipe_ == nullptr || broken_ || pipe_->has_ended()) return;
  // Counted, not measured: while this program was stopped, nobody asked the runner anything.
  if (unanswered_ >= pings_.misses) {
    const async::Duration silence = async::Clock::now() - last_heard_;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silence).count();
    Error error(ErrorCode::connection_lost,
                fmt::format("'{}' has been silent for {} s: {} pings without an answer",
                            host_,
                            seconds,
                            pings_.misses));
    broken_ = error;
    pipe_->changed().notify_all();
    const auto tell = std::exchange(on_silence_, nullptr);
    if (tell) tell(std::move(error));
    return;
  }
  ++unanswered_;
  // A writer that is parked has more urgent bytes on their way than a ping.
  if (pipe_->queued() < kMostQueued) send_now(wire::Frame{wire::FrameType::ping, 0, 0, 0, {}});
  arm_ping();
}

void RunnerLink::on_output(std::string_view bytes) {
  last_heard_ = async::Clock::now();
  unanswered_ = 0;
  if (broken_) return;
  decoder_.feed(bytes);
  for (;;) {
    Result<std::optional<wire::Frame>> frame = decoder_.next();
    if (!frame) {
      broken_ = Error(
          ErrorCode::protocol,
          fmt::format("the runner on '{}' broke the protocol: {}", host_, frame.error().message()));
      break;
    }
    if (!*frame) break;
    if ((*frame)->type == wire::FrameType::pong) continue;
    inbox_bytes_ += (*frame)->payload.size() + wire::kHeaderSize;
    inbox_.push_back(std::move(**frame));
  }
  if (inbox_bytes_ > kMostUnread && !broken_) {
    broken_ = Error(
        ErrorCode::protocol,
        fmt::format(
            "the runner on '{}' sent {} MiB that nobody asked for", host_, inbox_bytes_ >> 20U));
  }
}

Error RunnerLink::ended() const {
  std::string text = errors_.text();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const std::string said = text.empty() ? std::string() : fmt::format("; it said: {}", text);
  if (pipe_ != nullptr && pipe_->failure()) {
    return Error(ErrorCode::connection_lost,
                 fmt::format("'{}': {}{}", host_, pipe_->failure()->message(), said));
  }
  const std::string status = pipe_ == nullptr ? std::string("closed") : pipe_->exit_status().text();
  return Error(ErrorCode::connection_lost,
               fmt::format("the runner on '{}' ended: {}{}", host_, status, said));
}

Async<wire::Frame> RunnerLink::receive() {
  const auto self = shared_from_this();
  for (;;) {
    if (!inbox_.empty()) {
      wire::Frame frame = std::move(inbox_.front());
      inbox_.pop_front();
      inbox_bytes_ -= frame.payload.size() + wire::kHeaderSize;
      co_return frame;
    }
    if (broken_) co_return *broken_;
    if (pipe_ == nullptr || pipe_->has_ended()) co_return ended();
    const std::shared_ptr<Pipe> pipe =
        pipe_;  // notifies after each piece of output, and at the end
    GS_CO_TRY_VOID(co_await pipe->changed().wait());
  }
}

void RunnerLink::send_now(const wire::Frame& frame, Leave leave) {
  if (pipe_ == nullptr || pipe_->has_ended()) return;
  std::string bytes;
  wire::append_frame(bytes, frame);
  if (leave == Leave::now) return pipe_->write(bytes);
  pipe_->write_soon(bytes);
}

void RunnerLink::hurry() {
  if (pipe_ != nullptr && !pipe_->has_ended()) pipe_->hurry();
}

bool RunnerLink::try_send(const wire::Frame& frame, Leave leave) {
  if (broken_ || pipe_ == nullptr || pipe_->has_ended() || pipe_->queued() >= kMostQueued)
    return false;
  send_now(frame, leave);
  return true;
}

Async<void> RunnerLink::send(wire::Frame frame, Leave leave) {
  const auto self = shared_from_this();
  for (;;) {
    if (broken_) co_return *broken_;
    const std::shared_ptr<Pipe> pipe = pipe_;
    if (pipe == nullptr || pipe->has_ended()) co_return ended();
    if (pipe->queued() < kMostQueued) break;
    GS_CO_TRY_VOID(co_await pipe->changed().wait());
  }
  if (co_await async::is_cancelled()) co_return async::cancelled_error();
  send_now(frame, leave);
  co_return Result<void>();
}

}  // namespace gpustack::transport
