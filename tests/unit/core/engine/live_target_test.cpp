// Targets on real connections, as far as they need no host that answers.
#include "core/engine/live_target.hpp"

#include "core/async/task_group.hpp"
#include "core/async/timeout.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

namespace gpustack::engine {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A port of this machine where the kernel accepts, and nobody ever says a word.
class SilentPort {
 public:
  SilentPort() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, any, size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, any, &size), 0);
    number_ = ntohs(address.sin_port);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort() { ::close(socket_); }
  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t number_ = 0;
};

/// How long a task on `target` takes to fail; nothing where it is still under way after `patience`.
Async<std::optional<Clock::duration>> time_to_fail(Target* target, Clock::duration patience) {
  const auto begin = Clock::now();
  TaskCall call;
  call.module = "ping";
  call.arguments = Value(Map());
  auto work = target->run(std::move(call));
  auto late = Error(ErrorCode::bug, "late");
  const auto done = co_await async::with_timeout(patience, std::move(work), std::move(late));
  EXPECT_FALSE(done.has_value());
  if (done.has_value() || done.error().message() == "late")
    co_return std::optional<Clock::duration>();
  co_return std::optional(Clock::now() - begin);
}

// A host on its way down, or up.
TEST(LiveTarget, WaitsForASilentHostNoLongerThanItIsLimitedTo) {
  asio::io_context context(1);
  const SilentPort silent;
  ConnectionSettings settings;
  settings.address = "127.0.0.1";
  settings.port = silent.number();
  settings.host_key_checking = false;
  std::optional<Clock::duration> limited;
  std::optional<Clock::duration> unlimited;
  auto all = [&]() -> Async<void> {
    transport::ConnectorSettings connector;
    connector.home = "/nowhere";
    connector.agent_socket = "none";
    LiveTargetPool pool(co_await asio::this_coro::executor, std::move(connector));
    const ContentStore contents;
    pool.serve(contents);
    GS_CO_TRY(Target * target, co_await pool.get("h1", settings));
    target->limit_connecting(20ms);
    GS_CO_TRY(limited, co_await time_to_fail(target, 5s));
    target->limit_connecting({});
    GS_CO_TRY_VOID(co_await target->reset());
    GS_CO_TRY(unlimited, co_await time_to_fail(target, 100ms));
    co_return co_await pool.close_all();
  };
  auto work = all();
  const auto done = async::run_to_end(context, std::move(work));

  ASSERT_TRUE(done.has_value());
  ASSERT_TRUE(limited.has_value());
  EXPECT_GE(*limited, 20ms);
  EXPECT_FALSE(unlimited.has_value()) << "the limit outlived the wait";
}

}  // namespace
}  // namespace gpustack::engine
