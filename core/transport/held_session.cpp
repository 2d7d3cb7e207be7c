#include "core/transport/held_session.hpp"

#include "core/async/timeout.hpp"

#include <fmt/format.h>

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace gpustack::transport {

namespace {

Error lost(std::string message) { return Error(ErrorCode::connection_lost, std::move(message)); }

}  // namespace

HeldPipe::HeldPipe(std::shared_ptr<HeldSession> session, std::uint32_t number, Consumer consumer)
    : session_(std::move(session)),
      number_(number),
      consumer_(std::move(consumer)),
      changed_(session_->executor()) {}

void HeldPipe::queue(std::string_view bytes) {
  if (sent_ > 0 && sent_ * 2 >= queue_.size()) {
    queue_.erase(0, sent_);
    sent_ = 0;
  }
  queue_ += bytes;
}

void HeldPipe::write(std::string_view bytes) {
  queue(bytes);
  session_->kick();
}

void HeldPipe::write_soon(std::string_view bytes) {
  queue(bytes);
  session_->kick_soon();
}

void HeldPipe::hurry() {
  if (queued() > 0) session_->kick();
}

void HeldPipe::end_input() {
  wants_end_ = true;
  session_->kick();
}

const std::optional<Error>& HeldPipe::failure() const { return session_->failure(); }

HeldSession::HeldSession(const asio::any_io_executor& executor, FileHandle socket)
    : executor_(executor), socket_(executor), changed_(executor), gathering_(executor) {
  SystemError failure;
  socket_.assign(asio::local::stream_protocol(), socket.get(), failure);
  if (failure) {
    failure_ = lost(failure.message());
  } else {
    socket.release();
  }
}

Async<std::shared_ptr<HeldSession>> HeldSession::attach(asio::any_io_executor executor,
                                                        FileHandle socket,
                                                        std::string proof,
                                                        async::Duration limit) {
  const auto session = std::make_shared<HeldSession>(executor, std::move(socket));
  auto greeting = session->greet(std::move(proof));
  auto limited =
      async::with_timeout(limit, std::move(greeting), lost("the holder does not answer"));
  const Result<void> done = co_await std::move(limited);
  if (done) co_return session;
  session->close();
  co_return done.error();
}

Async<void> HeldSession::greet(std::string proof) {
  const auto self = shared_from_this();
  HoldRequest request;
  request.proof = std::move(proof);
  append_hold_frame(outbox_, HoldType::attach, 0, request.to_text());
  read();
  kick();
  while (!is_attached_ && !failure_) GS_CO_TRY_VOID(co_await changed_.wait());
  if (failure_) co_return *failure_;
  co_return Result<void>();
}

void HeldSession::read() {
  if (!socket_.is_open()) return;
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](SystemError failure, std::size_t count) {
                            if (self->failure_) return;
                            if (failure) {
                              self->fail(lost("the process that held the connection is gone"));
                              return;
                            }
                            self->decoder_.feed(std::string_view(self->input_.data(), count));
                            for (;;) {
                              const auto frame = self->decoder_.next();
                              if (!frame) self->fail(frame.error());
                              if (self->failure_) return;
                              if (!*frame) break;
                              self->take(**frame);
                            }
                            self->read();
                          });
}

void HeldSession::take(const HoldFrame& frame) {
  switch (frame.type) {
    case HoldType::attached: {
      auto info = HeldInfo::parse(frame.payload);
      if (!info || info->version != kHoldVersion)
        return fail(lost("the holder is another version"));
      info_ = std::move(*info);
      is_attached_ = true;
      changed_.notify_all();
      return;
    }
    case HoldType::lost:
      is_certain_ = true;
      return fail(lost(frame.payload));
    case HoldType::refused:
      return fail(lost(frame.payload));
    default:
      break;
  }
  const auto found = pipes_.find(frame.channel);
  if (found == pipes_.end()) return;  // released meanwhile
  const std::shared_ptr<HeldPipe> pipe = found->second;
  take_for(*pipe, frame);
  pipe->changed_.notify_all();
}

void HeldSession::take_for(HeldPipe& pipe, const HoldFrame& frame) {
  switch (frame.type) {
    case HoldType::started:
      pipe.start_ = HeldPipe::Start::done;
      break;
    case HoldType::not_started: {
      auto failure = HoldFailure::parse(frame.payload);
      if (failure) pipe.not_started_ = std::move(*failure);
      pipe.start_ = HeldPipe::Start::failed;
      break;
    }
    case HoldType::output:
    case HoldType::errors:
      if (pipe.consumer_)
        pipe.consumer_(frame.type == HoldType::output ? Stream::out : Stream::err, frame.payload);
      break;
    case HoldType::ended: {
      const auto end = HoldEnd::parse(frame.payload);
      if (end) {
        pipe.exit_.code = static_cast<int>(end->code);
        pipe.exit_.signal = end->signal;
      }
      pipe.has_ended_ = true;
      break;
    }
    default:
      fail(Error(ErrorCode::protocol, "the holder answers what nobody asked"));
  }
}

Async<std::shared_ptr<Pipe>> HeldSession::ask(HoldType type,
                                              HoldExec request,
                                              Pipe::Consumer consumer) {
  const std::string text = request.to_text();
  if (failure_ || text.size() > kMostHoldPayload) co_return std::shared_ptr<Pipe>();
  const std::uint32_t number = ++last_number_;
  const auto pipe = std::make_shared<HeldPipe>(shared_from_this(), number, std::move(consumer));
  pipes_.emplace(number, pipe);
  append_hold_frame(outbox_, type, number, text);
  kick();
  while (pipe->start_ == HeldPipe::Start::waits && !failure_) {
    const Result<void> waited = co_await pipe->changed_.wait();
    if (waited) continue;
    release(pipe);
    co_return waited.error();
  }
  if (pipe->start_ == HeldPipe::Start::done) co_return std::shared_ptr<Pipe>(pipe);
  release(pipe);
  if (pipe->start_ == HeldPipe::Start::waits) {
    if (is_certain_) co_return std::shared_ptr<Pipe>();
    co_return *failure_;
  }
  const HoldFailure& failure = pipe->not_started_;
  if (!failure.was_sent) co_return std::shared_ptr<Pipe>();
  co_return Error(ErrorCode::runner_unusable, failure.message).hint(failure.hint);
}

Async<std::shared_ptr<Pipe>> HeldSession::exec_if_alive(std::string command,
                                                        std::string ahead,
                                                        Pipe::Consumer consumer) {
  HoldExec request;
  request.command = std::move(command);
  request.ahead = std::move(ahead);
  auto asking = ask(HoldType::exec, std::move(request), std::move(consumer));
  co_return co_await std::move(asking);
}

Async<std::shared_ptr<Pipe>> HeldSession::exec(std::string command,
                                               std::string ahead,
                                               Pipe::Consumer consumer) {
  HoldExec request;
  request.command = std::move(command);
  request.ahead = std::move(ahead);
  auto asking = ask(HoldType::start, std::move(request), std::move(consumer));
  GS_CO_TRY(std::shared_ptr<Pipe> pipe, co_await std::move(asking));
  if (pipe == nullptr) co_return lost("the held connection is dead");
  co_return pipe;
}

void HeldSession::release(const std::shared_ptr<Pipe>& pipe) {
  const auto found = std::ranges::find_if(
      pipes_, [&](const auto& entry) { return entry.second.get() == pipe.get(); });
  if (found == pipes_.end()) return;
  const std::shared_ptr<HeldPipe> held = found->second;
  pipes_.erase(found);
  held->consumer_ = nullptr;
  held->has_ended_ = true;
  append_hold_frame(outbox_, HoldType::release, held->number_);
  kick();
}

void HeldSession::kick_soon() {
  std::size_t queued = outbox_.size();
  for (const auto& [number, pipe] : pipes_) queued += pipe->queued();
  if (!gathering_.add(queued, [self = shared_from_this()] { self->kick(); })) kick();
}

void HeldSession::kick() {
  gathering_.end();
  if (failure_ || is_posted_ || !writing_.empty()) return;
  // Not at once: the caller may stand in the middle of its own work, and more may follow.
  is_posted_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->is_posted_ = false;
    if (self->failure_ || !self->writing_.empty()) return;
    self->fill();
    if (self->writing_.empty()) return;
    asio::async_write(
        self->socket_, asio::buffer(self->writing_), [self](SystemError failure, std::size_t) {
          if (self->failure_) return;
          if (failure) {
            self->fail(lost("the process that held the connection is gone"));
            return;
          }
          self->on_written();
        });
  });
}

void HeldSession::fill() {
  std::swap(writing_, outbox_);
  for (const auto& [number, pipe] : pipes_) {
    if (pipe->queued() > 0) {
      const std::string_view piece =
          std::string_view(pipe->queue_).substr(pipe->sent_, kMostHoldPayload);
      append_hold_frame(writing_, HoldType::input, number, piece);
      pipe->sent_ += piece.size();
    }
    if (pipe->queued() == 0 && std::exchange(pipe->wants_end_, false))
      append_hold_frame(writing_, HoldType::input_end, number);
  }
}

void HeldSession::on_written() {
  writing_.clear();
  for (const auto& [number, pipe] : pipes_) pipe->changed_.notify_all();
  const bool has_more = !outbox_.empty() || std::ranges::any_of(pipes_, [](const auto& entry) {
    return entry.second->queued() > 0 || entry.second->wants_end_;
  });
  if (has_more && !gathering_.waits()) kick();
}

void HeldSession::fail(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  SystemError ignored;
  socket_.close(ignored);
  const auto pipes = pipes_;  // whoever is woken may release its own
  for (const auto& [number, pipe] : pipes) {
    pipe->has_ended_ = true;
    pipe->changed_.notify_all();
  }
  changed_.notify_all();
}

void HeldSession::close() {
  fail(lost("the connection was closed"));
  pipes_.clear();
}

void HeldSession::end() {
  if (!failure_ && writing_.empty()) {
    std::string frame;
    append_hold_frame(frame, HoldType::end);
    // A few bytes into an empty socket: what does not go at once is not worth waiting for.
    (void)::send(socket_.native_handle(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  close();
}

}  // namespace gpustack::transport
