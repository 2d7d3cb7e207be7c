#include "core/transport/hold_client.hpp"

#include "core/async/timeout.hpp"

#include <fmt/format.h>

#include <utility>

namespace gpustack::transport {

namespace {

constexpr std::size_t kMostCommands = 8;  // sshd's MaxSessions is 10
constexpr std::size_t kMostOutbox = 1U << 20U;
constexpr std::size_t kLowOutbox = 256U << 10U;

/// Compares without telling by its time where they differ.
bool is_same_proof(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned differs = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    differs |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
  return differs == 0;
}

}  // namespace

HoldClient::HoldClient(const asio::any_io_executor& executor,
                       std::shared_ptr<HeldEntry> entry,
                       FileHandle socket)
    : executor_(executor),
      entry_(std::move(entry)),
      socket_(executor),
      commands_running_(executor, kMostCommands) {
  SystemError failure;
  socket_.assign(asio::local::stream_protocol(), socket.get(), failure);
  if (!failure) socket.release();
  ++entry_->guests;
}

HoldClient::~HoldClient() { --entry_->guests; }

Async<void> HoldClient::serve(std::shared_ptr<HoldClient> self) {
  static_cast<void>(co_await self->read());
  self->leave();
  self->commands_running_.stop();
  static_cast<void>(co_await self->commands_running_.join());
  co_return Result<void>();
}

Async<void> HoldClient::read() {
  while (!is_gone_) {
    const auto [failure, count] =
        co_await socket_.async_read_some(asio::buffer(input_), async::kAsResult);
    if (failure || is_gone_) break;
    decoder_.feed(std::string_view(input_.data(), count));
    for (;;) {
      GS_CO_TRY(std::optional<HoldFrame> frame, decoder_.next());
      if (!frame || is_gone_) break;
      auto handling = handle(std::move(*frame));
      GS_CO_TRY(const bool goes_on, co_await std::move(handling));
      if (!goes_on) co_return Result<void>();
    }
  }
  co_return Result<void>();
}

Async<bool> HoldClient::handle(HoldFrame frame) {
  if (!is_attached_) {
    if (frame.type == HoldType::attach) co_return attach(frame);
    if (frame.type == HoldType::end) entry_->end();
    if (frame.type != HoldType::list) co_return false;
    show();
    co_return true;
  }
  switch (frame.type) {
    case HoldType::end:
      entry_->end();
      co_return false;
    case HoldType::exec:
    case HoldType::start:
      begin(frame);
      co_return true;
    case HoldType::input: {
      auto giving = input(frame.channel, std::move(frame.payload));
      GS_CO_TRY_VOID(co_await std::move(giving));
      co_return true;
    }
    case HoldType::input_end:
      if (const auto found = commands_.find(frame.channel);
          found != commands_.end() && found->second.channel != nullptr)
        found->second.channel->end_input();
      co_return true;
    case HoldType::release:
      release(frame.channel);
      co_return true;
    default:
      co_return false;
  }
}

bool HoldClient::attach(const HoldFrame& frame) {
  const auto request = HoldRequest::parse(frame.payload);
  std::string problem;
  if (!request || request->version != kHoldVersion) {
    problem = "another version of gpustack holds it";
  } else if (!is_same_proof(request->proof, entry_->held.proof)) {
    problem = "it was made with another password";
  } else if (entry_->client != nullptr || entry_->is_over) {
    problem = "it is in use";
  }
  if (!problem.empty()) {
    put(HoldType::refused, 0, problem);
    return true;  // until the client has read that and goes
  }
  is_attached_ = true;
  entry_->client = this;
  entry_->changed.notify_all();
  show();
  return true;
}

void HoldClient::show() { put(HoldType::attached, 0, entry_->info().to_text()); }

void HoldClient::not_started(std::uint32_t number, bool was_sent, const Error& error) {
  HoldFailure failure;
  failure.was_sent = was_sent;
  failure.message = error.message();
  failure.hint = error.hint();
  put(HoldType::not_started, number, failure.to_text());
}

void HoldClient::begin(const HoldFrame& frame) {
  if (is_ending_) return;
  auto request = HoldExec::parse(frame.payload);
  if (!request || commands_.contains(frame.channel) || commands_.size() >= kMostCommands) {
    const Error many(ErrorCode::connection_lost, "too many commands on a held connection");
    return not_started(frame.channel, false, request ? many : request.error());
  }
  commands_.emplace(frame.channel, Command{});
  const bool may_be_ready = frame.type == HoldType::start;
  commands_running_.spawn_now(
      run(shared_from_this(), frame.channel, std::move(*request), may_be_ready));
}

Pipe::Consumer HoldClient::consumer(std::uint32_t number) {
  return [weak = weak_from_this(), number](Stream stream, std::string_view bytes) {
    const auto self = weak.lock();
    if (self == nullptr || self->is_gone_) return;
    append_hold_bytes(
        self->outbox_, stream == Stream::err ? HoldType::errors : HoldType::output, number, bytes);
    self->flush();
  };
}

/// The runner that was started ahead, if it is what the client asks for.
Async<std::shared_ptr<SshChannel>> HoldClient::take_ready(std::uint32_t number,
                                                          const HoldExec& request) {
  while (entry_->is_preparing && commands_.contains(number))
    GS_CO_TRY_VOID(co_await entry_->changed.wait());
  const auto command = commands_.find(number);
  if (command == commands_.end()) co_return async::cancelled_error();
  entry_->held.start_command = request.command;
  const std::shared_ptr<ReadyCommand> ready = entry_->ready;
  if (ready == nullptr) co_return std::shared_ptr<SshChannel>();
  if (ready->command != request.command || ready->channel->has_ended()) {
    entry_->drop_ready();
    co_return std::shared_ptr<SshChannel>();
  }
  entry_->ready.reset();
  command->second.may_run = true;
  ready->sink = consumer(number);
  put(HoldType::started, number, {});
  if (!ready->err.empty()) ready->sink(Stream::err, std::exchange(ready->err, {}));
  if (!ready->out.empty()) ready->sink(Stream::out, std::exchange(ready->out, {}));
  const std::shared_ptr<SshChannel> channel = std::exchange(ready->channel, nullptr);
  channel->write(request.ahead);
  co_return channel;
}

Async<std::shared_ptr<SshChannel>> HoldClient::open(std::uint32_t number) {
  auto opening = entry_->session().open_channel(consumer(number));
  Error late(ErrorCode::transport_timeout, "the held connection opens no channel");
  auto limited = async::with_timeout(kOpenLimit, std::move(opening), std::move(late));
  co_return co_await std::move(limited);
}

Async<std::shared_ptr<SshChannel>> HoldClient::start(std::uint32_t number, HoldExec request) {
  auto opening = open(number);
  const Result<std::shared_ptr<SshChannel>> opened = co_await std::move(opening);
  if (!opened) {
    if (commands_.erase(number) > 0) not_started(number, false, opened.error());
    if (opened.error().code() != ErrorCode::cancelled) entry_->end();
    co_return opened.error();
  }
  const auto command = commands_.find(number);
  if (command == commands_.end()) {  // the client has gone: nobody wants the command any more
    entry_->session().release(*opened);
    co_return async::cancelled_error();
  }
  command->second.may_run = true;
  auto starting =
      entry_->session().start(*opened, std::move(request.command), std::move(request.ahead));
  const Result<void> started = co_await std::move(starting);
  if (!started) {
    if (commands_.erase(number) > 0) not_started(number, true, started.error());
    co_return started.error();
  }
  put(HoldType::started, number, {});
  co_return *opened;
}

Async<void> HoldClient::run(std::shared_ptr<HoldClient> self,
                            std::uint32_t number,
                            HoldExec request,
                            bool may_be_ready) {
  std::shared_ptr<SshChannel> channel;
  if (may_be_ready) {
    auto taking = self->take_ready(number, request);
    GS_CO_TRY(channel, co_await std::move(taking));
  }
  if (channel == nullptr) {
    auto starting = self->start(number, std::move(request));
    GS_CO_TRY(channel, co_await std::move(starting));
  }
  const auto found = self->commands_.find(number);
  if (found == self->commands_.end()) {  // released, or the client has gone, meanwhile
    self->entry_->session().release(channel);
    co_return Result<void>();
  }
  found->second.channel = channel;
  while (!channel->has_ended()) GS_CO_TRY_VOID(co_await channel->changed().wait());
  if (self->is_gone_ || channel->failure()) co_return Result<void>();
  HoldEnd end;
  end.code = channel->exit_status().code;
  end.signal = channel->exit_status().signal;
  self->put(HoldType::ended, number, end.to_text());
  co_return Result<void>();
}

Async<void> HoldClient::input(std::uint32_t number, std::string bytes) {
  const auto found = commands_.find(number);
  if (found == commands_.end() || found->second.channel == nullptr) co_return Result<void>();
  const std::shared_ptr<SshChannel> channel = found->second.channel;
  channel->write(bytes);
  while (channel->queued() >= kMostQueued && !channel->has_ended())
    GS_CO_TRY_VOID(co_await channel->changed().wait());
  co_return Result<void>();
}

void HoldClient::release(std::uint32_t number) {
  const auto found = commands_.find(number);
  if (found == commands_.end()) return;
  const std::shared_ptr<SshChannel> channel = found->second.channel;
  commands_.erase(found);
  if (channel == nullptr) return;
  entry_->session().release(channel);
  channel->changed().notify_all();
}

void HoldClient::put(HoldType type, std::uint32_t channel, std::string_view payload) {
  if (is_gone_) return;
  append_hold_frame(outbox_, type, channel, payload.substr(0, kMostHoldPayload));
  flush();
}

void HoldClient::flush() {
  if (outbox_.size() > kMostOutbox) entry_->session().pause();
  if (is_posted_ || !writing_.empty()) return;
  is_posted_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->is_posted_ = false;
    if (self->is_gone_ || !self->writing_.empty() || self->outbox_.empty()) return;
    std::swap(self->writing_, self->outbox_);
    asio::async_write(
        self->socket_, asio::buffer(self->writing_), [self](SystemError failure, std::size_t) {
          self->writing_.clear();
          if (failure) return self->leave();
          if (self->outbox_.size() < kLowOutbox) self->entry_->session().resume();
          if (!self->outbox_.empty()) return self->flush();
          if (self->is_ending_) self->leave();
        });
  });
}

void HoldClient::end(const std::string& reason) {
  std::erase_if(commands_, [this](const auto& entry) {
    const auto& [number, command] = entry;
    if (command.channel != nullptr) return false;
    if (command.may_run) put(HoldType::started, number, {});
    return true;
  });
  put(HoldType::lost, 0, reason);
  is_ending_ = true;
}

void HoldClient::leave() {
  if (std::exchange(is_gone_, true)) return;
  SystemError ignored;
  socket_.close(ignored);
  for (const auto& [number, command] : std::exchange(commands_, {})) {
    if (command.channel == nullptr) continue;
    entry_->session().release(command.channel);
    command.channel->changed().notify_all();
  }
  entry_->session().resume();
  if (entry_->client == this) {
    entry_->client = nullptr;
    entry_->idle_since = async::Clock::now();
  }
  entry_->changed.notify_all();
}

}  // namespace gpustack::transport
