#include "core/transport/ssh_session.hpp"

#include "core/async/timeout.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libssh/server.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace gpustack::transport {

namespace {

/// The server may greet with lines of its own before its banner, but not for ever.
constexpr std::size_t kMostEarlyBytes = 64U << 10U;
/// libssh reads at most 4 KiB per turn: after about 1 MiB the other connections of the thread get
/// their turn.
constexpr int kTurnsAtOnce = 256;

Error refused(const std::string& reason) {
  return Error(ErrorCode::runner_unusable,
               fmt::format("the server refuses to run a command: {}", reason))
      .hint("the user may be limited to file transfer or to a forced command");
}

}  // namespace

SshSession::SshSession(asio::any_io_executor executor)
    : executor_(std::move(executor)),
      socket_(executor_),
      progress_(executor_),
      gathering_(executor_) {}

SshSession::~SshSession() = default;

std::string SshSession::server_banner() const {
  const char* banner = handle_ == nullptr ? nullptr : ssh_get_serverbanner(raw());
  return banner == nullptr ? std::string() : std::string(banner);
}

Async<void> SshSession::handshake(FileHandle socket,
                                  SshOptions options,
                                  std::chrono::milliseconds banner_limit,
                                  async::Pool& logins) {
  // L3: one descriptor for Asio, a duplicate for libssh; neither side closes the other's. Asio only
  // waits on ours, and libssh alone reads and writes (L2).
  FileHandle duplicate(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!duplicate.is_open())
    co_return Error(ErrorCode::unreachable,
                    fmt::format("cannot duplicate the socket: {}", errno_text(errno)));
  SystemError failure;
  socket_.assign(socket.get(), failure);
  if (failure) co_return Error(ErrorCode::unreachable, failure.message());
  socket.release();
  GS_CO_TRY(handle_, SshHandle::make(std::move(duplicate), options));
  is_connecting_ = true;
  const async::Clock::time_point banner_deadline = async::Clock::now() + banner_limit;
  int rc = SSH_AGAIN;
  for (bool is_first = true;; is_first = false) {
    if (is_first) {  // which only sends our banner
      rc = handle_->connect();
    } else {
      auto call = [handle = handle_] { return Result<int>(handle->connect()); };
      auto work = async::on_pool(logins, std::move(call));
      GS_CO_TRY(rc, co_await std::move(work));
      if (failure_) co_return *failure_;  // closed meanwhile
    }
    if (rc != SSH_AGAIN) break;
    const bool has_banner = ssh_get_serverbanner(raw()) != nullptr;
    if (!has_banner && handle_->early().received() > kMostEarlyBytes) {
      handle_->set_failed();
      co_return Error(ErrorCode::unreachable,
                      fmt::format("the server sent {} KiB without an SSH banner",
                                  handle_->early().received() >> 10U));
    }
    arm();
    const auto deadline = has_banner ? async::Clock::time_point::max() : banner_deadline;
    GS_CO_TRY(const bool was_notified, co_await progress_.wait_until(deadline));
    if (failure_) co_return *failure_;  // closed meanwhile
    if (!was_notified && async::Clock::now() >= deadline) {
      handle_->set_failed();
      std::string heard = handle_->early().text().empty()
                              ? std::string("nothing")
                              : fmt::format("'{}'", handle_->early().text());
      co_return Error(
          ErrorCode::transport_timeout,
          fmt::format(
              "no SSH banner within {} ms; the server sent {}", banner_limit.count(), heard))
          .hint("is this the SSH port?");
    }
  }
  is_connecting_ = false;
  if (rc == SSH_OK) co_return Result<void>();
  was_refused_ = server_banner().empty();
  std::string words = handle_->early().text().empty() || !was_refused_
                          ? std::string()
                          : fmt::format("; it said '{}'", handle_->early().text());
  co_return Error(ErrorCode::unreachable,
                  fmt::format("{}: {}{}",
                              was_refused_ ? "the server closed the connection before its banner"
                                           : "the SSH key exchange failed",
                              handle_->error_text(),
                              words));
}

Async<int> SshSession::repeat(std::function<int()> call, int again) {
  for (;;) {
    if (failure_) co_return *failure_;
    const int rc = call();
    if (rc != again) co_return rc;
    if (has_events_) {
      kick();
    } else {
      arm();
    }
    GS_CO_TRY_VOID(co_await progress_.wait());
  }
}

Async<void> SshSession::wait() {
  if (failure_) co_return *failure_;
  arm();
  co_return co_await progress_.wait();
}

void SshSession::begin_events() {
  handle_->make_event();
  has_events_ = true;
  kick();
}

void SshSession::arm() {
  if (!socket_.is_open()) return;
  if (!waits_read_ && !is_paused_) {
    waits_read_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](SystemError failure) {
                         self->waits_read_ = false;
                         if (!failure) self->on_ready();
                       });
  }
  // After the handshake ssh_get_poll_flags keeps the write bit although nothing is left to send.
  const int status = is_connecting_ ? ssh_get_poll_flags(raw()) : ssh_get_status(raw());
  if (!waits_write_ && (status & SSH_WRITE_PENDING) != 0) {
    waits_write_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](SystemError failure) {
                         self->waits_write_ = false;
                         if (!failure) self->on_ready();
                       });
  }
}

void SshSession::on_ready() {
  if (failure_ || handle_ == nullptr) return;
  if (has_events_) drive();
  progress_.notify_all();
}

void SshSession::kick_soon() {
  std::size_t queued = 0;
  for (const auto& channel : channels_) queued += channel->queued();
  if (!gathering_.add(queued, [self = shared_from_this()] { self->kick(); })) kick();
}

void SshSession::kick() {
  gathering_.end();
  if (!has_events_ || is_posted_) return;
  // Not at once: the caller may stand in the middle of its own work.
  is_posted_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->is_posted_ = false;
    self->on_ready();
  });
}

void SshSession::deliver_all() {
  const std::vector<std::shared_ptr<SshChannel>> channels =
      channels_;  // consumers may release theirs
  for (const auto& channel : channels) channel->deliver();
}

void SshSession::drive() {
  if (is_driving_ || is_paused_) return;
  is_driving_ = true;
  const std::shared_ptr<SshHandle> handle = handle_;
  int turns = 0;
  int rc = SSH_AGAIN;
  do {
    rc = ssh_event_dopoll(handle->event(), 0);
  } while ((rc == SSH_OK || rc > 0) && ++turns < kTurnsAtOnce);
  if (rc == SSH_ERROR || ssh_is_connected(raw()) == 0) {
    const std::string reason = handle->error_text();
    is_driving_ = false;
    fail(Error(ErrorCode::connection_lost,
               fmt::format("the connection was lost: {}",
                           reason.empty() ? "closed by the server" : reason)));
    return;
  }
  deliver_all();
  bool has_given = false;
  if (handle_ != nullptr && !gathering_.waits()) {  // a consumer may have closed the session
    for (const auto& channel : channels_) has_given = channel->flush(raw()) || has_given;
    if (has_given)
      ssh_event_dopoll(handle->event(), 0);  // the bytes leave now, not after the next wake
  }
  is_driving_ = false;
  if (handle_ == nullptr || failure_) return;
  // What that last poll has read must be looked at too, and bytes that still wait inside libssh
  // wake nobody.
  if (has_given || turns == kTurnsAtOnce) kick();
  arm();
}

Result<std::shared_ptr<SshChannel>> SshSession::make_channel(Pipe::Consumer consumer) {
  if (failure_) return *failure_;
  auto channel = std::make_shared<SshChannel>(shared_from_this(), std::move(consumer));
  channel->channel_ = ssh_channel_new(raw());
  if (channel->channel_ == nullptr)
    return Error(ErrorCode::connection_lost, "no memory for an ssh channel");
  channel->install_callbacks();
  channels_.push_back(channel);
  return channel;
}

Async<std::shared_ptr<SshChannel>> SshSession::forward(std::string host,
                                                       std::uint16_t port,
                                                       Pipe::Consumer consumer) {
  GS_CO_TRY(const std::shared_ptr<SshChannel> channel, make_channel(std::move(consumer)));
  std::function<int()> open = [raw = channel->channel_, host, port] {
    return ssh_channel_open_forward(raw, host.c_str(), port, "127.0.0.1", 0);
  };
  auto opening = repeat(std::move(open), SSH_AGAIN);
  const Result<int> rc = co_await std::move(opening);
  if (rc && *rc == SSH_OK) {
    channel->may_write_ = true;
    kick();
    co_return channel;
  }
  const std::string reason = rc && handle_ != nullptr ? handle_->error_text() : std::string();
  release(channel);
  if (!rc) co_return rc.error();
  co_return Error(ErrorCode::unreachable,
                  fmt::format("it cannot connect to '{}' port {}: {}", host, port, reason));
}

Async<std::shared_ptr<SshChannel>> SshSession::open_channel(Pipe::Consumer consumer) {
  GS_CO_TRY(const std::shared_ptr<SshChannel> channel, make_channel(std::move(consumer)));
  std::function<int()> open = [raw = channel->channel_] { return ssh_channel_open_session(raw); };
  auto opening = repeat(std::move(open), SSH_AGAIN);
  const Result<int> rc = co_await std::move(opening);
  if (rc && *rc == SSH_OK) co_return channel;
  const std::string reason = rc && handle_ != nullptr ? handle_->error_text() : std::string();
  release(channel);
  if (!rc) co_return rc.error();
  co_return refused(reason);
}

Async<void> SshSession::start(std::shared_ptr<SshChannel> channel,
                              std::string command,
                              std::string ahead) {
  if (failure_) co_return *failure_;
  channel->queue_ = std::move(ahead);
  std::function<int()> request =
      [raw = channel->channel_, weak = std::weak_ptr<SshChannel>(channel), command] {
        const int outcome = ssh_channel_request_exec(raw, command.c_str());
        // The request is on its way, so what follows it on the channel is the command's input.
        if (const auto owner = weak.lock()) owner->may_write_ = true;
        return outcome;
      };
  auto requesting = repeat(std::move(request), SSH_AGAIN);
  const Result<int> rc = co_await std::move(requesting);
  if (rc && *rc == SSH_OK) {
    kick();
    co_return Result<void>();
  }
  const std::string reason = rc && handle_ != nullptr ? handle_->error_text() : std::string();
  release(channel);
  if (!rc) co_return rc.error();
  co_return refused(reason);
}

Async<std::shared_ptr<Pipe>> SshSession::exec(std::string command,
                                              std::string ahead,
                                              Pipe::Consumer consumer) {
  auto opening = open_channel(std::move(consumer));
  GS_CO_TRY(const std::shared_ptr<SshChannel> channel, co_await std::move(opening));
  auto starting = start(channel, std::move(command), std::move(ahead));
  GS_CO_TRY_VOID(co_await std::move(starting));
  co_return std::shared_ptr<Pipe>(channel);
}

void SshSession::release(const std::shared_ptr<Pipe>& pipe) {
  const auto found = std::ranges::find(channels_, pipe);
  if (found == channels_.end()) return;
  const std::shared_ptr<SshChannel> channel = *found;
  channels_.erase(found);
  channel->consumer_ = nullptr;
  channel->has_ended_ = true;
  if (handle_ != nullptr && !handle_->has_failed()) {
    ssh_remove_channel_callbacks(channel->channel_, &channel->callbacks_);
    ssh_channel_free(channel->channel_);
    kick();
  }
  channel->channel_ = nullptr;
}

void SshSession::resume() {
  if (!std::exchange(is_paused_, false)) return;
  kick();
}

bool SshSession::ping() {
  if (failure_ || handle_ == nullptr) return false;
  const std::uint64_t heard = handle_->received();
  const bool was_answered = !was_pinged_ || heard != heard_ || is_paused_;
  heard_ = heard;
  was_pinged_ = true;
  // Without blocking, libssh sends on every second call: the one before takes the answer.
  ssh_send_keepalive(raw());
  ssh_send_keepalive(raw());
  kick();
  return was_answered;
}

void SshSession::fail(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  if (handle_ != nullptr) handle_->set_failed();
  deliver_all();
  for (const auto& channel : channels_) channel->changed_.notify_all();
  progress_.notify_all();
  if (const auto told = std::exchange(on_failure_, nullptr)) told();
}

void SshSession::abandon() {
  if (handle_ != nullptr) handle_->set_failed();
  close();
}

void SshSession::close() {
  if (!failure_) {
    failure_ = Error(ErrorCode::connection_lost, "the connection was closed");
    deliver_all();
  }
  for (const auto& channel : channels_) channel->changed_.notify_all();
  progress_.notify_all();
  has_events_ = false;
  SystemError ignored;
  socket_.close(ignored);
  handle_.reset();    // freed here, or when a call on a pool thread is back
  channels_.clear();  // after the session, whose channels point to them
}

}  // namespace gpustack::transport
