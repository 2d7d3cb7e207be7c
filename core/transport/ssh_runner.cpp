// The runner on a host: found or placed by the bootstrap, started, greeted. And commands beside it.
#include "core/async/timeout.hpp"
#include "core/transport/gzip.hpp"
#include "core/transport/ssh_connection.hpp"

#include <fmt/format.h>

#include <utility>

namespace gpustack::transport {

/// One start of the bootstrap. Shared with the channel's consumer.
struct SshConnection::Start {
  explicit Start(const asio::any_io_executor& executor, const std::string& host)
      : link(std::make_shared<RunnerLink>(executor, host)) {}

  BootstrapRequest request;
  BootstrapReader reader;
  std::deque<BootstrapAnswer> answers;
  std::optional<Error> broken;
  std::shared_ptr<RunnerLink> link;
  std::shared_ptr<Pipe> channel;
  bool is_ready = false;
  bool was_uploaded = false;
  int failed_folder = 0;  ///< the bootstrap blames this cache folder

  void consume(Stream stream, std::string_view bytes) {
    if (stream == Stream::err) {
      link->on_error_output(bytes);
      return;
    }
    if (is_ready) {
      link->on_output(bytes);
      return;
    }
    for (;;) {
      Result<std::optional<BootstrapAnswer>> answer = reader.feed(std::exchange(bytes, {}));
      if (!answer) {
        broken = std::move(answer).error();
        return;
      }
      if (!*answer) return;
      answers.push_back(**answer);
      if ((*answer)->kind != BootstrapAnswer::Kind::ready) continue;
      is_ready = true;
      link->on_output(reader.take_rest());
      return;
    }
  }
};

Async<wire::Frame> SshConnection::open(std::string hello) {
  if (is_open_)
    co_return Error(ErrorCode::connection_settings,
                    fmt::format("'{}' is open already", target_.name));
  GS_CO_TRY_VOID(co_await connect());
  const async::Clock::time_point begin = async::Clock::now();
  Result<wire::Frame> reply = co_await start_runner(hello);
  if (!reply && held_ != nullptr && reply.error().code() != ErrorCode::cancelled) {
    // The host has seen a greeting at most, so nothing happens twice: with a login of our own.
    report_.notes.push_back(reply.error().message());
    forget_held();
    GS_CO_TRY_VOID(co_await connect());
    reply = co_await start_runner(hello);
  }
  report_.runner_time =
      std::chrono::duration_cast<std::chrono::microseconds>(async::Clock::now() - begin);
  if (!reply) {
    drop();
    co_return describe(std::move(reply).error());
  }
  is_open_ = true;
  // The timer belongs to the link, which the connection detaches before it dies.
  std::function<void(Error)> on_silence = [session = way_](Error error) {
    session->fail(std::move(error));
  };
  PingSettings pings;
  pings.interval = shared_->settings.ping_interval;
  pings.misses = shared_->settings.ping_misses;
  link_->start_pings(pings, std::move(on_silence));
  co_return reply;
}

Async<wire::Frame> SshConnection::start_runner(const std::string& hello) {
  if (shared_->settings.runners.all().empty())
    co_return Error(ErrorCode::runner_unusable, "there is no runner to place on hosts");
  BootstrapRequest request;
  for (int attempt = 1;; ++attempt) {
    auto start = std::make_shared<Start>(shared_->executor, target_.name);
    start->request = request;
    auto trying = try_runner(start, hello);
    Result<wire::Frame> reply = co_await std::move(trying);
    if (reply) {
      link_ = start->link;
      runner_ = start->channel;
      co_return reply;
    }
    start->link->detach();
    if (start->channel != nullptr) way_->release(start->channel);
    const ErrorCode code = reply.error().code();
    const bool is_final = code == ErrorCode::cancelled || way_->failure() || attempt >= 4;
    if (!is_final && start->failed_folder > 0) {
      // That folder is full or otherwise unfit: take the next one.
      request.first_folder = start->failed_folder + 1;
      request.ignores_cache = true;
    } else if (!is_final && start->is_ready && !start->was_uploaded) {
      request.ignores_cache =
          true;  // the cached file is broken or replaced: its own check ended it
    } else {
      co_return reply;
    }
    report_.notes.push_back(reply.error().message());
  }
}

Async<wire::Frame> SshConnection::try_runner(std::shared_ptr<Start> start,
                                             const std::string& hello) {
  const Timeouts& limits = target_.timeouts;
  wire::Frame greeting;
  greeting.type = wire::FrameType::hello;
  greeting.payload = hello;
  std::string greeting_bytes;
  wire::append_frame(greeting_bytes, greeting);
  // The greeting travels right behind the command: with a cached runner the first answer costs one
  // round trip.
  start->request.bytes_ahead = greeting_bytes.size();
  std::string command = bootstrap_command(shared_->settings.runners, start->request);
  if (start_command_.empty()) start_command_ = command;
  Pipe::Consumer consumer = [start_weak = std::weak_ptr<Start>(start), start_link = start->link](
                                Stream stream, std::string_view bytes) {
    // The start lives as long as the channel is being used for it; afterwards frames go straight
    // on.
    if (const auto owner = start_weak.lock()) {
      owner->consume(stream, bytes);
    } else if (stream == Stream::err) {
      start_link->on_error_output(bytes);
    } else {
      start_link->on_output(bytes);
    }
  };
  auto opening = way_->exec(std::move(command), greeting_bytes, std::move(consumer));
  Error late(ErrorCode::transport_timeout,
             fmt::format("'{}': no channel within {} ms", target_.name, limits.channel.count()));
  auto opening_limited = async::with_timeout(limits.channel, std::move(opening), std::move(late));
  GS_CO_TRY(start->channel, co_await std::move(opening_limited));
  start->link->attach(start->channel);
  for (;;) {
    auto asking = next_answer(start);
    GS_CO_TRY(BootstrapAnswer answer, co_await std::move(asking));
    if (answer.kind == BootstrapAnswer::Kind::ready) break;
    if (answer.kind == BootstrapAnswer::Kind::fail) {
      start->failed_folder = answer.folder;
      const std::string said = start->link->error_output();
      co_return Error(ErrorCode::runner_unusable,
                      fmt::format("'{}' cannot take the runner: {}{}{}",
                                  target_.name,
                                  answer.reason,
                                  said.empty() ? "" : "; it said: ",
                                  said));
    }
    auto uploading = upload(start, std::move(answer));
    GS_CO_TRY_VOID(co_await std::move(uploading));
    start->channel->write(greeting_bytes);
  }
  report_.runner_was_cached = !start->was_uploaded;
  auto receiving = start->link->receive();
  Error silent(
      ErrorCode::transport_timeout,
      fmt::format(
          "'{}': the runner does not answer within {} ms", target_.name, hello_limit().count()));
  auto receiving_limited =
      async::with_timeout(hello_limit(), std::move(receiving), std::move(silent));
  Result<wire::Frame> reply = co_await std::move(receiving_limited);
  if (!reply && reply.error().code() == ErrorCode::connection_lost && !way_->failure()) {
    co_return Error(ErrorCode::runner_unusable, reply.error().message());
  }
  if (reply && reply->type != wire::FrameType::hello_reply) {
    co_return Error(ErrorCode::protocol,
                    fmt::format("the runner on '{}' answers with frame {} instead of hello_reply",
                                target_.name,
                                static_cast<int>(reply->type)));
  }
  co_return reply;
}

Async<BootstrapAnswer> SshConnection::next_answer(std::shared_ptr<Start> start) {
  const std::chrono::milliseconds limit = hello_limit();
  const async::Clock::time_point deadline = async::Clock::now() + limit;
  for (;;) {
    if (!start->answers.empty()) {
      BootstrapAnswer answer = std::move(start->answers.front());
      start->answers.pop_front();
      co_return answer;
    }
    if (start->broken) co_return *start->broken;
    if (start->channel->has_ended()) {
      if (way_->failure()) co_return *way_->failure();
      const std::string said =
          start->reader.noise() + start->reader.take_rest() + start->link->error_output();
      co_return Error(ErrorCode::runner_unusable,
                      fmt::format("the login shell of '{}' did not start the runner: {}{}{}",
                                  target_.name,
                                  start->channel->exit_status().text(),
                                  said.empty() ? "" : "; it said: ",
                                  said));
    }
    GS_CO_TRY(const bool was_notified, co_await start->channel->changed().wait_until(deadline));
    if (!was_notified && start->answers.empty() && async::Clock::now() >= deadline) {
      co_return Error(ErrorCode::transport_timeout,
                      fmt::format("'{}': the login shell does not start the runner within {} ms",
                                  target_.name,
                                  limit.count()));
    }
  }
}

Async<void> SshConnection::upload(std::shared_ptr<Start> start, BootstrapAnswer need) {
  const RunnerBinary* binary = shared_->settings.runners.find(need.architecture);
  if (binary == nullptr) {
    co_return Error(
        ErrorCode::runner_unusable,
        fmt::format("there is no runner for '{}', a {} host", target_.name, need.architecture));
  }
  start->was_uploaded = true;
  auto reading = bytes_of(*binary, need.unpacks);
  GS_CO_TRY(const std::shared_ptr<const std::string> bytes, co_await std::move(reading));
  const std::string header = upload_header(need.unpacks ? bytes->size() : 0);
  start->channel->write(header);
  auto writing = write_all(*start->channel, *bytes, target_.timeouts.upload_stall);
  Result<void> written = co_await std::move(writing);
  // A shell that gave up says why on its way out; that answer is worth more than "it ended".
  if (!written && written.error().code() == ErrorCode::connection_lost && !start->answers.empty())
    co_return Result<void>();
  if (!written)
    co_return Error(written.error().code(),
                    fmt::format("'{}': {}", target_.name, written.error().message()));
  report_.bytes_uploaded += bytes->size();
  co_return Result<void>();
}

Async<std::shared_ptr<const std::string>> SshConnection::bytes_of(const RunnerBinary& binary,
                                                                  bool is_packed) {
  GS_CO_TRY(auto pass, co_await shared_->runner_reading.enter());
  auto& known = shared_->runner_bytes[{binary.architecture, is_packed}];
  if (known == nullptr) {
    std::function<Result<std::string>()> read = [binary, is_packed]() -> Result<std::string> {
      GS_TRY(std::string content, binary.read());
      if (!is_packed) return content;
      return gzip(content);
    };
    auto reading = async::on_pool(shared_->keys, std::move(read));
    GS_CO_TRY(std::string made, co_await std::move(reading));
    known = std::make_shared<const std::string>(std::move(made));
  }
  co_return known;
}

/// A command beside the runner, started once.
Async<std::shared_ptr<Pipe>> SshConnection::exec(std::string command, Pipe::Consumer consumer) {
  const std::chrono::milliseconds limit = target_.timeouts.channel;
  Error late(ErrorCode::transport_timeout,
             fmt::format("'{}': no channel within {} ms", target_.name, limit.count()));
  if (held_ != nullptr) {
    auto trying = held_->exec_if_alive(command, {}, consumer);
    auto limited = async::with_timeout(limit, std::move(trying), late);
    GS_CO_TRY(std::shared_ptr<Pipe> channel, co_await std::move(limited));
    if (channel != nullptr) co_return channel;
    if (is_open_)
      co_return Error(ErrorCode::connection_lost,
                      fmt::format("'{}': the connection was lost", target_.name));
    forget_held();
    GS_CO_TRY_VOID(co_await connect());
  }
  auto opening = way_->exec(std::move(command), {}, std::move(consumer));
  auto limited = async::with_timeout(limit, std::move(opening), std::move(late));
  co_return co_await std::move(limited);
}

Async<CommandOutput> SshConnection::exec_raw(std::string command,
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
  auto opening = exec(std::move(command), std::move(consumer));
  GS_CO_TRY(const std::shared_ptr<Pipe> channel, co_await std::move(opening));
  Result<void> written;
  if (!input.empty()) {
    auto writing = write_all(*channel, input, limit);
    written = co_await std::move(writing);
  }
  // A command that does not read its input is no error.
  const bool is_stopped = !written && written.error().code() == ErrorCode::cancelled;
  if (!is_stopped) channel->end_input();
  std::optional<Error> failure;
  if (is_stopped) failure = written.error();
  while (!failure && !channel->has_ended()) {
    const Result<bool> notified = co_await channel->changed().wait_until(deadline);
    if (!notified) {
      failure = notified.error();
    } else if (!*notified && !channel->has_ended()) {
      failure = Error(
          ErrorCode::transport_timeout,
          fmt::format("'{}': the command has not ended within {} ms", target_.name, limit.count()));
    }
  }
  if (!failure && channel->failure()) failure = describe(*channel->failure());
  CommandOutput output;
  output.exit_code = channel->exit_status().code;
  output.signal = channel->exit_status().signal;
  output.out = collected->out.text();
  output.err = collected->err.text();
  output.dropped = collected->out.dropped() + collected->err.dropped();
  way_->release(channel);
  if (failure) co_return *failure;
  co_return output;
}

}  // namespace gpustack::transport
