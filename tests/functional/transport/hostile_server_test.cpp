#include "tests/functional/support/fake_server.hpp"
#include "tests/functional/transport/fixture.hpp"

namespace gpustack::transport {
namespace {

using testing::HasSubstr;
using testing_support::FakeServer;

class HostileServer : public testing::Test {
 protected:
  Result<std::string> visit(std::uint16_t port, std::chrono::milliseconds banner_limit) {
    Timeouts limits;
    limits.banner = banner_limit;
    return visit(port, limits);
  }

  Result<std::string> visit(std::uint16_t port, const Timeouts& limits) {
    ConnectorSettings settings;
    settings.home = home_.path();
    settings.agent_socket = "none";
    settings.refused_pause = 10ms;
    EXPECT_TRUE(settings.runners.add(GS_FAKE_RUNNER).has_value());
    Target target;
    target.name = "odd";
    target.address = "127.0.0.1";
    target.port = port;
    target.timeouts = limits;
    Connector connector(context_.get_executor(), settings);
    const auto connection = connector.make(target);
    Result<std::string> reply = async::run_to_end(context_, open_and_lag(*connection, &lag_));
    EXPECT_FALSE(reply.has_value());
    return reply;
  }

  static Async<void> watch(async::Duration* worst) {
    for (;;) {
      const async::Clock::time_point begin = async::Clock::now();
      GS_CO_TRY_VOID(co_await async::sleep_for(1ms));
      *worst = std::max(*worst, async::Clock::now() - begin - 1ms);
    }
  }

  static Async<std::string> open_and_lag(Connection& connection,
                                         async::Duration* worst) {  // outlived by: the test
    async::TaskGroup group(co_await asio::this_coro::executor, 1);
    group.spawn_now(watch(worst));
    Result<std::string> reply = co_await open_and_close(connection);
    group.stop();
    (void)co_await group.join();
    co_return reply;
  }

  Folder home_;
  asio::io_context context_;
  async::Duration lag_{};
};

/// Waits until the guest hangs up.
void wait_for_hang_up(int guest) {
  char piece[4096];
  while (::recv(guest, piece, sizeof piece, 0) > 0) {
  }
}

TEST_F(HostileServer, ASilentOneMeetsTheBannerDeadline) {  // F16
  FakeServer server(wait_for_hang_up);

  const Result<std::string> reply = visit(server.port(), 100ms);

  EXPECT_EQ(reply.error().code(), ErrorCode::transport_timeout);
  EXPECT_THAT(reply.error().message(),
              HasSubstr("no SSH banner within 100 ms; the server sent nothing"));
}

TEST_F(HostileServer, ConnectTimeoutIsForBannerAndKeyExchangeAsWell) {
  FakeServer silent(wait_for_hang_up);
  FakeServer stops_behind_banner([](int guest) {
    const std::string banner = "SSH-2.0-OpenSSH_9.2\r\n";
    if (::send(guest, banner.data(), banner.size(), MSG_NOSIGNAL) > 0) wait_for_hang_up(guest);
  });
  Timeouts limits;
  limits.connect = 150ms;
  limits.connect_is_for_all = true;

  for (const FakeServer* server : {&silent, &stops_behind_banner}) {
    const Result<std::string> reply = visit(server->port(), limits);

    EXPECT_EQ(reply.error().code(), ErrorCode::transport_timeout);
    EXPECT_EQ(reply.error().message(),
              "'odd': no end of connecting and the SSH handshake within 150 ms");
  }
}

TEST_F(HostileServer, ALongConnectTimeoutWaitsForALateBanner) {
  FakeServer server([](int guest) {
    std::this_thread::sleep_for(100ms);
    const std::string banner = "not ssh\r\n\r\n";
    ::send(guest, banner.data(), banner.size(), MSG_NOSIGNAL);
  });
  Timeouts limits;
  limits.banner = 20ms;
  limits.connect = 60s;
  limits.connect_is_for_all = true;

  const Result<std::string> reply = visit(server.port(), limits);

  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(reply.error().message(), HasSubstr("before its banner"));
}

TEST_F(HostileServer, ADrippingBannerMeetsTheDeadlineWithoutHoldingUpTheLoop) {  // F15
  FakeServer server([](int guest) {
    for (const char letter : std::string("SSH-2.0-drip-drip-drip-drip-drip-drip")) {
      if (::send(guest, &letter, 1, MSG_NOSIGNAL) <= 0) return;
      std::this_thread::sleep_for(10ms);
    }
    wait_for_hang_up(guest);
  });

  // Long beside what a busy machine keeps a thread waiting: a loop that was held up has a lag of
  // all of it.
  const Result<std::string> reply = visit(server.port(), 1500ms);

  EXPECT_EQ(reply.error().code(), ErrorCode::transport_timeout);
  EXPECT_THAT(reply.error().message(), HasSubstr("'SSH-2.0-drip"));
  EXPECT_LT(lag_, 750ms);
}

TEST_F(HostileServer, AnEndlessGreetingIsCutOff) {  // F16
  FakeServer server([](int guest) {
    const std::string line = std::string(100, 'x') + "\n";
    while (::send(guest, line.data(), line.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  const async::Clock::time_point begin = async::Clock::now();

  const Result<std::string> reply = visit(server.port(), 20s);

  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_LT(async::Clock::now() - begin, 10s);
}

TEST_F(HostileServer, AnotherProtocolIsNamedByItsFirstWords) {
  FakeServer server([](int guest) {
    const std::string line = "HTTP/1.1 400 Bad Request\r\n\r\n";
    ::send(guest, line.data(), line.size(), MSG_NOSIGNAL);
    wait_for_hang_up(guest);
  });

  const Result<std::string> reply = visit(server.port(), 1s);

  EXPECT_THAT(reply.error().message(), HasSubstr("'HTTP/1.1 400 Bad Request"));
}

TEST_F(HostileServer, ARefusalBeforeTheBannerIsTriedThreeTimesThenExplained) {  // F20
  FakeServer server([](int guest) {
    const std::string line = "Exceeded MaxStartups\r\n";
    ::send(guest, line.data(), line.size(), MSG_NOSIGNAL);
  });

  const Result<std::string> reply = visit(server.port(), 1s);

  EXPECT_EQ(server.guests(), 3);
  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(reply.error().message(), HasSubstr("before its banner"));
  EXPECT_THAT(reply.error().hint(), HasSubstr("MaxStartups"));
}

TEST_F(HostileServer, GarbageAfterTheBannerFailsTheKeyExchange) {  // F39
  FakeServer server([](int guest) {
    const std::string text = "SSH-2.0-garbage\r\n" + std::string(100'000, '\xee');
    ::send(guest, text.data(), text.size(), MSG_NOSIGNAL);
    wait_for_hang_up(guest);
  });

  const Result<std::string> reply = visit(server.port(), 1s);

  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_EQ(server.guests(), 1);
}

}  // namespace
}  // namespace gpustack::transport
