#include "core/transport/forward.hpp"

#include <utility>

namespace gpustack::transport {

namespace {

/// The inner session reads whatever comes, so more than this means that it has stopped for good.
constexpr std::size_t kMostInbound = 64U << 20U;

}  // namespace

Forward::Forward(const asio::any_io_executor& executor, FileHandle socket)
    : socket_(executor, socket.release()), directions_(executor, 2) {}

void Forward::on_channel_bytes(std::string_view bytes) {
  if (has_ended_) return;
  inbound_ += bytes;
  if (inbound_.size() > kMostInbound) end();
}

void Forward::start(std::shared_ptr<SshSession> session, std::shared_ptr<SshChannel> channel) {
  session_ = std::move(session);
  channel_ = std::move(channel);
  directions_.spawn_now(carry_out(shared_from_this()));
  directions_.spawn_now(carry_in(shared_from_this()));
}

void Forward::end() {
  if (std::exchange(has_ended_, true)) return;
  SystemError ignored;
  socket_.close(ignored);
  if (channel_ == nullptr) return;
  channel_->changed().notify_all();
  session_->release(channel_);
}

Async<void> Forward::carry_out(std::shared_ptr<Forward> self) {
  std::string piece(32U << 10U, '\0');
  while (!self->has_ended_) {
    while (!self->has_ended_ && !self->channel_->has_ended() &&
           self->channel_->queued() >= kMostQueued) {
      GS_CO_TRY_VOID(co_await self->channel_->changed().wait());
    }
    if (self->has_ended_ || self->channel_->has_ended()) break;
    const auto [failure, count] =
        co_await self->socket_.async_read_some(asio::buffer(piece), async::kAsResult);
    if (failure || self->has_ended_) break;
    self->channel_->write(std::string_view(piece).substr(0, count));
  }
  self->end();
  co_return Result<void>();
}

Async<void> Forward::carry_in(std::shared_ptr<Forward> self) {
  while (!self->has_ended_) {
    if (self->inbound_.empty()) {
      if (self->channel_->has_ended()) break;
      // The channel notifies after each piece of output and at its end.
      GS_CO_TRY_VOID(co_await self->channel_->changed().wait());
      continue;
    }
    const std::string bytes = std::exchange(self->inbound_, {});
    const auto [failure, count] =
        co_await asio::async_write(self->socket_, asio::buffer(bytes), async::kAsResult);
    if (failure) break;
  }
  self->end();
  co_return Result<void>();
}

}  // namespace gpustack::transport
