#include "tests/functional/transport/fixture.hpp"

#include <sys/stat.h>

#include <thread>

namespace gpustack::transport {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Runner : public TransportTest {
 protected:
  /// An open connection, or nothing with a failure noted.
  std::unique_ptr<Connection> opened(ConnectorSettings settings) {
    connector_ = std::make_unique<Connector>(context_.get_executor(), std::move(settings));
    auto connection = connector_->make(target());
    const Result<Frame> reply = run(connection->open("x"));
    EXPECT_TRUE(reply.has_value()) << reply.error().render();
    return connection;
  }
  void close(Connection& connection) { EXPECT_TRUE(run(close_now(connection)).has_value()); }
  static Async<void> close_now(Connection& connection) {  // outlived by: the test
    co_await connection.close();
    co_return Result<void>();
  }

  std::string cached_runner() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(sshd_->home())) {
      if (entry.path().filename() == "runner") return entry.path();
    }
    return {};
  }

  std::unique_ptr<Connector> connector_;
};

TEST_F(Runner, IsUploadedOnceAndStartsFromTheCacheAfterwards) {
  const auto first = opened(settings());
  const OpenReport first_report = first->report();
  close(*first);
  const auto second = opened(settings());

  EXPECT_FALSE(first_report.runner_was_cached);
  EXPECT_GT(first_report.bytes_uploaded, 1000U);
  EXPECT_TRUE(second->report().runner_was_cached);
  EXPECT_EQ(second->report().bytes_uploaded, 0U);
  close(*second);
}

TEST_F(Runner, ABrokenCachedRunnerIsReplaced) {
  close(*opened(settings()));
  // Starts, but is not the runner: ends at once.
  write_file(cached_runner(),
             "#!/bin/sh\n[ \"$1\" = version ] && exit 0\necho not the one >&2; exit 5\n",
             0700);

  const auto again = opened(settings());

  EXPECT_FALSE(again->report().runner_was_cached);
  EXPECT_TRUE(again->is_open());
  close(*again);
}

TEST_F(Runner, EchoesFramesInOrder) {
  const auto connection = opened(settings());

  for (std::uint32_t i = 1; i <= 20; ++i) {
    const Result<Frame> result = run(exchange(*connection, task("task " + std::to_string(i), i)));
    ASSERT_TRUE(result.has_value()) << result.error().render();
    EXPECT_EQ(result->type, FrameType::result);
    EXPECT_EQ(result->id, i);
  }
  close(*connection);
}

/// The ids of the answers to frames that were sent as told, in order.
Async<std::vector<std::uint32_t>> answers(Connection& connection,
                                          std::vector<Leave> sent) {  // outlived by: the test
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (!connection.try_send(task("task", static_cast<std::uint32_t>(i + 1)), sent[i]))
      co_return Error(ErrorCode::connection_lost, "not taken");
  }
  std::vector<std::uint32_t> ids;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    GS_CO_TRY(const Frame frame, co_await connection.receive());
    ids.push_back(frame.id);
  }
  co_return ids;
}

TEST_F(Runner, HearsFramesThatMayWaitInTheirPlace) {
  const auto connection = opened(settings());
  const std::vector<std::vector<Leave>> cases = {{Leave::soon},
                                                 {Leave::soon, Leave::soon, Leave::soon},
                                                 {Leave::now, Leave::soon, Leave::now},
                                                 std::vector<Leave>(2000, Leave::soon)};
  for (const std::vector<Leave>& sent : cases) {
    const auto ids = run(answers(*connection, sent));
    ASSERT_TRUE(ids.has_value()) << ids.error().render();
    EXPECT_TRUE(std::ranges::is_sorted(*ids));
    EXPECT_EQ(ids->size(), sent.size());
  }
  close(*connection);
}

Async<std::size_t> take_flood(Connection& connection) {  // outlived by: the test
  auto sending = connection.send(task("flood 400"), Leave::now);
  GS_CO_TRY_VOID(co_await std::move(sending));
  std::size_t bytes = 0;
  for (;;) {
    GS_CO_TRY(const Frame frame, co_await connection.receive());
    if (frame.type == FrameType::result) co_return bytes;
    bytes += frame.payload.size();
  }
}

TEST_F(Runner, MayAnswerWithManyMegabytes) {
  const auto connection = opened(settings());

  const Result<std::size_t> bytes = run(take_flood(*connection));

  ASSERT_TRUE(bytes.has_value()) << bytes.error().render();
  EXPECT_EQ(*bytes, 400U * 65536U);
  close(*connection);
}

Async<std::size_t> send_many(Connection& connection, std::size_t count) {  // outlived by: the test
  for (std::size_t i = 0; i < count; ++i) {
    auto sending = connection.send(
        task(std::string(1U << 20U, 'y'), static_cast<std::uint32_t>(i + 1)), Leave::now);
    GS_CO_TRY_VOID(co_await std::move(sending));
  }
  co_return count;
}

Async<std::size_t> receive_many(Connection& connection,
                                std::size_t count) {  // outlived by: the test
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    GS_CO_TRY(const Frame frame, co_await connection.receive());
    bytes += frame.payload.size();
  }
  co_return bytes;
}

Async<void> both_ways(Connection& connection,
                      std::size_t count,
                      std::size_t* received) {  // outlived by: the test
  async::TaskGroup group(co_await asio::this_coro::executor, 2);
  group.spawn_now([](Connection& link, std::size_t frames) -> Async<void> {
    const Result<std::size_t> sent = co_await send_many(link, frames);
    if (!sent) co_return sent.error();
    co_return Result<void>();
  }(connection, count));
  group.spawn_now([](Connection& link, std::size_t frames, std::size_t* bytes) -> Async<void> {
    GS_CO_TRY(*bytes, co_await receive_many(link, frames));
    co_return Result<void>();
  }(connection, count, received));
  co_return co_await group.join();
}

TEST_F(Runner, LargeFramesPassBothWaysAtOnce) {
  const auto connection = opened(settings());
  std::size_t received = 0;

  const Result<void> done = run(both_ways(*connection, 24, &received));

  ASSERT_TRUE(done.has_value()) << done.error().render();
  EXPECT_EQ(received, 24U << 20U);
  close(*connection);
}

TEST_F(Runner, ItsEndIsReportedWithItsLastWords) {
  const auto connection = opened(settings());

  const Result<Frame> result = run(exchange(*connection, task("die")));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::connection_lost);
  EXPECT_THAT(result.error().message(),
              AllOf(HasSubstr("exit code 3"), HasSubstr("told to die"), HasSubstr("'web1'")));
  close(*connection);
}

TEST_F(Runner, ItsDeathBySignalIsReported) {
  const auto connection = opened(settings());

  const Result<Frame> result = run(exchange(*connection, task("kill")));

  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message(), HasSubstr("signal KILL"));
  close(*connection);
}

TEST_F(Runner, GarbageInPlaceOfFramesIsAProtocolError) {
  const auto connection = opened(settings());

  const Result<Frame> result = run(exchange(*connection, task("garbage")));

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::protocol);
  close(*connection);
}

TEST_F(Runner, AKilledServerIsALostConnection) {
  const auto connection = opened(settings());
  sshd_->signal_children(SIGKILL);

  const Result<Frame> result = run(connection->receive());

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::connection_lost);
  EXPECT_FALSE(connection->is_open());
  close(*connection);
}

TEST_F(Runner, ThatFallsSilentIsGivenUpAfterItsPings) {
  ConnectorSettings quick = settings();
  quick.ping_interval = 50ms;
  const auto connection = opened(quick);
  const Result<Frame> pid = run(exchange(*connection, task("pid")));
  ASSERT_TRUE(pid.has_value());

  const Result<Frame> result = run(exchange(*connection, task("stop")));
  ::kill(std::stoi(pid->payload), SIGKILL);

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::connection_lost);
  EXPECT_THAT(result.error().message(), HasSubstr("silent"));
  close(*connection);
}

TEST_F(Runner, IsNotGivenUpForAPauseOfTheControllers) {
  ConnectorSettings quick = settings();
  quick.ping_interval = 100ms;
  const auto connection = opened(quick);
  std::this_thread::sleep_for(
      1s);  // nobody runs the loop, as while a question waits for its answer

  const Result<Frame> result = run(exchange(*connection, task("after")));

  EXPECT_TRUE(result.has_value()) << result.error().render();
  close(*connection);
}

Async<void> measure_lag(async::Duration* worst) {
  for (;;) {
    const async::Clock::time_point begin = async::Clock::now();
    GS_CO_TRY_VOID(co_await async::sleep_for(1ms));
    *worst = std::max(*worst, async::Clock::now() - begin - 1ms);
  }
}

Async<void> stopped_server(Connection& connection,
                           async::Duration* worst,
                           Result<std::size_t>* sent) {  // outlived by: the test
  async::TaskGroup group(co_await asio::this_coro::executor, 2);
  group.spawn_now(measure_lag(worst));
  *sent = co_await send_many(connection, 64);
  group.stop();
  (void)co_await group.join();
  co_return Result<void>();
}

TEST_F(Runner, AStoppedServerParksTheWriterAndPingsEndIt) {  // F17, L1
  ConnectorSettings quick = settings();
  quick.ping_interval = 100ms;
  const auto connection = opened(quick);
  async::Duration worst{};
  Result<std::size_t> sent = 0;
  sshd_->signal_children(SIGSTOP);

  ASSERT_TRUE(run(stopped_server(*connection, &worst, &sent)).has_value());
  sshd_->signal_children(SIGKILL);

  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code(), ErrorCode::connection_lost);
  EXPECT_LT(worst, 2s);  // without O_NONBLOCK the loop stands still until the server goes on
  close(*connection);
}

TEST_F(Runner, RawCommandsRunBesideIt) {
  const auto connection = opened(settings());

  const Result<CommandOutput> output =
      run(connection->exec_raw("cat; echo err >&2; exit 3", "input", 10s));
  const Result<CommandOutput> killed = run(connection->exec_raw("kill -TERM $$", {}, 10s));
  const Result<Frame> still_there = run(exchange(*connection, task("after")));

  ASSERT_TRUE(output.has_value()) << output.error().render();
  EXPECT_EQ(output->out, "input");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 3);
  ASSERT_TRUE(killed.has_value());
  EXPECT_EQ(killed->signal, "TERM");
  EXPECT_TRUE(still_there.has_value());
  close(*connection);
}

TEST_F(Runner, RawCommandsNeedNoRunnerAndHaveADeadline) {
  Connector connector(context_.get_executor(), ConnectorSettings{settings()});
  const auto connection = connector.make(target());

  const Result<CommandOutput> output = run(connection->exec_raw("uname", {}, 10s));
  const Result<CommandOutput> late = run(connection->exec_raw("sleep 5", {}, 100ms));

  ASSERT_TRUE(output.has_value()) << output.error().render();
  EXPECT_EQ(output->out, "Linux\n");
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::transport_timeout);
  EXPECT_TRUE(cached_runner().empty());
  close(*connection);
}

TEST_F(Runner, LongOutputKeepsItsBeginningAndItsEnd) {
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(target());

  const Result<CommandOutput> output = run(connection->exec_raw(
      "echo begin; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end", {}, 30s));

  ASSERT_TRUE(output.has_value()) << output.error().render();
  EXPECT_THAT(output->out, AllOf(testing::StartsWith("begin\n"), testing::EndsWith("end\n")));
  EXPECT_LT(output->out.size(), 300'000U);
  EXPECT_GT(output->dropped, 2'500'000U);
  close(*connection);
}

Async<void> open_one(Connector& connector, Target target, int* done) {  // outlived by: the test
  const auto connection = connector.make(std::move(target));
  GS_CO_TRY(const std::string reply, co_await open_and_close(*connection));
  if (reply == "hello from test" && connection->report().notes.empty()) ++*done;
  co_return Result<void>();
}

Async<void> open_many(Connector& connector,
                      Target target,
                      int count,
                      int* done) {  // outlived by: the test
  async::TaskGroup group(co_await asio::this_coro::executor, 1000);
  for (int i = 0; i < count; ++i) group.spawn_now(open_one(connector, target, done));
  co_return co_await group.join();
}

TEST_F(Runner, TwentyHostsShareOneThread) {
  Connector connector(context_.get_executor(), settings());
  int done = 0;
  ASSERT_TRUE(run(open_many(connector, target(), 1, &done)).has_value());
  std::filesystem::remove_all(sshd_->home() + "/.cache");  // so that all of them upload at once
  const std::size_t before = open_descriptors();
  done = 0;

  const Result<void> result = run(open_many(connector, target(), 20, &done));

  EXPECT_TRUE(result.has_value()) << result.error().render();
  EXPECT_EQ(done, 20);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Runner, GreetingsOfLoginScriptsAreSkipped) {
  // bash reads BASH_ENV for `bash -c`, which is how the server runs a command.
  write_file(sshd_->home() + "/greeting", "echo Welcome to the machine\n");
  Sshd greeting("SetEnv BASH_ENV=" + sshd_->home() + "/greeting");
  Target noisy = target();
  noisy.port = greeting.port();
  noisy.key_files = {greeting.path("user_key")};
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(noisy);

  const Result<std::string> reply = run(open_and_close(*connection));

  EXPECT_TRUE(reply.has_value()) << reply.error().render();
}

TEST_F(Runner, AForcedCommandIsReportedWithWhatItPrints) {
  Sshd forced("ForceCommand echo only files here");
  Target limited = target();
  limited.port = forced.port();
  limited.key_files = {forced.path("user_key")};
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(limited);

  const Result<std::string> reply = run(open_and_close(*connection));

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::runner_unusable);
  EXPECT_THAT(reply.error().message(), HasSubstr("only files here"));
}

}  // namespace
}  // namespace gpustack::transport
