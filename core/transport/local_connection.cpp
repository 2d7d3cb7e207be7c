#include "core/transport/local_connection.hpp"

#include "core/async/timeout.hpp"

#include <fmt/format.h>

namespace gpustack::transport {

LocalConnection::LocalConnection(std::shared_ptr<Connector::Shared> shared, Target target)
    : shared_(std::move(shared)), target_(std::move(target)) {
  report_.method = "local";
  report_.runner_was_cached = true;
}

LocalConnection::~LocalConnection() { drop(); }

void LocalConnection::drop() {
  is_closed_ = true;
  if (link_ != nullptr) link_->detach();
  if (runner_ != nullptr) runner_->close();
}

Async<void> LocalConnection::connect() {
  if (is_closed_)
    co_return Error(ErrorCode::connection_lost,
                    fmt::format("the connection to '{}' was closed", target_.name));
  co_return Result<void>();
}

Async<wire::Frame> LocalConnection::open(std::string hello) {
  GS_CO_TRY_VOID(co_await connect());
  if (runner_ != nullptr)
    co_return Error(ErrorCode::connection_settings,
                    fmt::format("'{}' is open already", target_.name));
  const RunnerBinary* binary = shared_->settings.runners.local();
  if (binary == nullptr)
    co_return Error(ErrorCode::runner_unusable, "there is no runner for this machine");
  const async::Clock::time_point begin = async::Clock::now();
  link_ = std::make_shared<RunnerLink>(shared_->executor, target_.name);
  Pipe::Consumer consumer = [link = link_](Stream stream, std::string_view bytes) {
    if (stream == Stream::err) {
      link->on_error_output(bytes);
    } else {
      link->on_output(bytes);
    }
  };
  const std::vector<std::string> arguments = {
      binary->path, "serve", "--stay", "--hash", binary->sha256};
  GS_CO_TRY(runner_, ProcessPipe::start(shared_->executor, arguments, std::move(consumer)));
  link_->attach(runner_);
  wire::Frame greeting;
  greeting.type = wire::FrameType::hello;
  greeting.payload = std::move(hello);
  link_->send_now(greeting);
  auto receiving = link_->receive();
  Error late(ErrorCode::transport_timeout,
             fmt::format("'{}': the runner does not answer within {} ms",
                         target_.name,
                         target_.timeouts.hello.count()));
  auto limited = async::with_timeout(target_.timeouts.hello, std::move(receiving), std::move(late));
  Result<wire::Frame> reply = co_await std::move(limited);
  report_.runner_time =
      std::chrono::duration_cast<std::chrono::microseconds>(async::Clock::now() - begin);
  if (reply && reply->type != wire::FrameType::hello_reply) {
    reply = Error(ErrorCode::protocol,
                  fmt::format("the runner answers with frame {} instead of hello_reply",
                              static_cast<int>(reply->type)));
  }
  if (!reply) {
    drop();
    const ErrorCode code = reply.error().code();
    co_return code == ErrorCode::connection_lost
        ? Error(ErrorCode::runner_unusable, reply.error().message())
        : reply.error();
  }
  co_return reply;
}

Async<void> LocalConnection::send(wire::Frame frame, Leave leave) {
  if (link_ == nullptr)
    co_return Error(ErrorCode::connection_lost, fmt::format("'{}' is not open", target_.name));
  auto work = link_->send(std::move(frame), leave);
  co_return co_await std::move(work);
}

bool LocalConnection::try_send(const wire::Frame& frame, Leave leave) {
  return link_ != nullptr && link_->try_send(frame, leave);
}

void LocalConnection::hurry() {
  if (link_ != nullptr) link_->hurry();
}

Async<wire::Frame> LocalConnection::receive() {
  if (link_ == nullptr)
    co_return Error(ErrorCode::connection_lost, fmt::format("'{}' is not open", target_.name));
  co_return co_await link_->receive();
}

Async<CommandOutput> LocalConnection::exec_raw(std::string command,
                                               std::string input,
                                               std::chrono::milliseconds limit) {
  GS_CO_TRY_VOID(co_await connect());
  struct Collected {
    ClippedText out;
    ClippedText err;
  };
  const auto collected = std::make_shared<Collected>();
  Pipe::Consumer consumer = [collected](Stream stream, std::string_view bytes) {
    (stream == Stream::err ? collected->err : collected->out).append(bytes);
  };
  const async::Clock::time_point deadline = async::Clock::now() + limit;
  const std::vector<std::string> arguments = {"/bin/sh", "-c", command};
  GS_CO_TRY(const std::shared_ptr<ProcessPipe> process,
            ProcessPipe::start(shared_->executor, arguments, std::move(consumer)));
  process->write(input);
  process->end_input();
  std::optional<Error> failure;
  while (!failure && !process->has_ended()) {
    const Result<bool> notified = co_await process->changed().wait_until(deadline);
    if (!notified) {
      failure = notified.error();
    } else if (!*notified && !process->has_ended()) {
      failure = Error(
          ErrorCode::transport_timeout,
          fmt::format("'{}': the command has not ended within {} ms", target_.name, limit.count()));
    }
  }
  CommandOutput output;
  output.exit_code = process->exit_status().code;
  output.signal = process->exit_status().signal;
  output.out = collected->out.text();
  output.err = collected->err.text();
  output.dropped = collected->out.dropped() + collected->err.dropped();
  process->close();
  if (failure) co_return *failure;
  co_return output;
}

asio::awaitable<void> LocalConnection::close() {
  if (is_closed_) co_return;
  is_closed_ = true;
  if (runner_ != nullptr && !runner_->has_ended()) {
    wire::Frame bye;
    bye.type = wire::FrameType::bye;
    link_->send_now(bye);
    runner_->end_input();
    const async::Clock::time_point deadline = async::Clock::now() + std::chrono::seconds(2);
    const std::shared_ptr<ProcessPipe> runner = runner_;
    while (!runner->has_ended() && async::Clock::now() < deadline)
      co_await runner->changed().wait_shielded(deadline);
  }
  drop();
}

}  // namespace gpustack::transport
