#pragma once
/// @file What the transport tests share: one sshd, a fresh home, and a way to run coroutines.

#include "core/async/async.hpp"
#include "core/async/task_group.hpp"
#include "core/transport/connector.hpp"
#include "tests/functional/support/sshd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace gpustack::transport {

using namespace std::chrono_literals;
using testing_support::file_text;
using testing_support::Folder;
using testing_support::Sshd;
using testing_support::write_file;
using wire::Frame;
using wire::FrameType;

inline Frame task(std::string payload, std::uint32_t id = 1) {
  Frame frame;
  frame.type = FrameType::task;
  frame.id = id;
  frame.payload = std::move(payload);
  return frame;
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.exists() ? 1 : 0;
  return count;
}

class TransportTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Sshd::why_not().empty()) sshd_ = std::make_unique<Sshd>();
  }
  static void TearDownTestSuite() { sshd_.reset(); }

  void SetUp() override {
    if (sshd_ == nullptr) GTEST_SKIP() << Sshd::why_not();
    std::filesystem::remove_all(sshd_->home());
    std::filesystem::create_directories(sshd_->home());
    known_hosts_ = home_.path() + "/.ssh/known_hosts";
  }

  ConnectorSettings settings() const {
    ConnectorSettings settings;
    settings.home = home_.path();
    settings.agent_socket = "none";
    settings.refused_pause = 20ms;
    EXPECT_TRUE(settings.runners.add(GS_FAKE_RUNNER).has_value());
    return settings;
  }

  Target target() const {
    Target target;
    target.name = "web1";
    target.address = "127.0.0.1";
    target.port = sshd_->port();
    target.user = "root";
    target.key_files = {sshd_->path("user_key")};
    target.host_keys = HostKeyPolicy::accept_new;
    target.use_system_known_hosts = false;
    return target;
  }

  std::string host_name() const { return "[127.0.0.1]:" + std::to_string(sshd_->port()); }

  template <typename T>
  Result<T> run(Async<T> work) {
    return async::run_to_end(context_, std::move(work));
  }

  static inline std::unique_ptr<Sshd> sshd_;
  Folder home_;
  std::string known_hosts_;
  asio::io_context context_;
};

/// Opens and closes; the result is the reply to hello.
inline Async<std::string> open_and_close(Connection& connection) {  // outlived by: the test
  Result<Frame> reply = co_await connection.open("from test");
  co_await connection.close();
  if (!reply) co_return reply.error();
  co_return reply->payload;
}

/// Sends one frame and takes one.
inline Async<Frame> exchange(Connection& connection, Frame frame) {  // outlived by: the test
  auto sending = connection.send(std::move(frame), Leave::now);
  GS_CO_TRY_VOID(co_await std::move(sending));
  co_return co_await connection.receive();
}

}  // namespace gpustack::transport
