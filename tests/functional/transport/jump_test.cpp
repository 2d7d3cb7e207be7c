#include "tests/functional/transport/fixture.hpp"

namespace gpustack::transport {
namespace {

using testing::HasSubstr;

class JumpHost : public TransportTest {
 protected:
  static void SetUpTestSuite() {
    TransportTest::SetUpTestSuite();
    if (Sshd::why_not().empty()) gate_ = std::make_unique<Sshd>();
  }
  static void TearDownTestSuite() {
    gate_.reset();
    TransportTest::TearDownTestSuite();
  }

  Target behind() const {
    Target behind = target();
    behind.key_files.push_back(gate_->path("user_key"));
    Jump jump;
    jump.address = "127.0.0.1";
    jump.port = gate_->port();
    jump.user = "root";
    behind.jumps = {jump};
    return behind;
  }

  static inline std::unique_ptr<Sshd> gate_;
};

Async<void> open_and_talk(Connector& connector,
                          Target target,
                          int* done) {  // outlived by: the test
  const auto connection = connector.make(std::move(target));
  const Result<Frame> reply = co_await connection->open("x");
  if (!reply) co_return reply.error();
  auto talking = exchange(*connection, task(std::string(300'000, 'z')));
  const Result<Frame> result = co_await std::move(talking);
  co_await connection->close();
  if (!result) co_return result.error();
  if (result->payload.size() == 300'000) ++*done;
  co_return Result<void>();
}

Async<void> open_several(Connector& connector,
                         Target target,
                         int count,
                         int* done) {  // outlived by: the test
  async::TaskGroup group(co_await asio::this_coro::executor, 1000);
  for (int i = 0; i < count; ++i) group.spawn_now(open_and_talk(connector, target, done));
  co_return co_await group.join();
}

TEST_F(JumpHost, LeadsToTheHostsBehindItByOneConnection) {
  Connector connector(context_.get_executor(), settings());
  int done = 0;

  const Result<void> result = run(open_several(connector, behind(), 12, &done));

  EXPECT_TRUE(result.has_value()) << result.error().render();
  EXPECT_EQ(done, 12);
  const std::string log = file_text(gate_->path("log"));
  EXPECT_EQ(log.find("Accepted publickey"), log.rfind("Accepted publickey"));
  EXPECT_THAT(log, HasSubstr("Accepted publickey"));
}

TEST_F(JumpHost, BothHostKeysAreChecked) {
  Target strict = behind();
  strict.host_keys = HostKeyPolicy::strict;
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(strict);

  const Result<std::string> reply = run(open_and_close(*connection));

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::host_key_unknown);
  EXPECT_THAT(reply.error().message(), HasSubstr("jump host '127.0.0.1'"));
}

TEST_F(JumpHost, OffersItsOwnAlgorithmsAndTheHostBehindItThoseOfTheHost) {
  const Sshd gate("LogLevel DEBUG1");
  const Sshd host("LogLevel DEBUG1");
  std::filesystem::create_directories(home_.path() + "/.ssh");
  write_file(home_.path() + "/.ssh/config",
             "Host gate\n  HostName 127.0.0.1\n  KexAlgorithms ecdh-sha2-nistp384\n"
             "Host *\n  Ciphers aes192-ctr\n");
  Target target = behind();
  target.port = host.port();
  target.key_files = {gate.path("user_key"), host.path("user_key")};
  target.jumps[0].address = "gate";
  target.jumps[0].port = gate.port();
  ASSERT_TRUE(apply_ssh_arguments(target, "-o KexAlgorithms=curve25519-sha256").has_value());
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(target);

  const Result<std::string> reply = run(open_and_close(*connection));

  ASSERT_TRUE(reply.has_value()) << reply.error().render();
  const std::string of_gate = file_text(gate.path("log"));
  const std::string of_host = file_text(host.path("log"));
  EXPECT_THAT(of_gate, HasSubstr("kex: algorithm: ecdh-sha2-nistp384 "));
  EXPECT_THAT(of_gate, HasSubstr("cipher: aes192-ctr "));
  EXPECT_THAT(of_host, HasSubstr("kex: algorithm: curve25519-sha256 "));
  EXPECT_THAT(of_host, HasSubstr("cipher: aes192-ctr "));
}

TEST_F(JumpHost, IsConnectedToOnceForEachListOfAlgorithms) {
  const Sshd gate("LogLevel DEBUG1");
  Connector connector(context_.get_executor(), settings());
  std::vector<std::unique_ptr<Connection>> connections;
  for (const std::string kex : {"ecdh-sha2-nistp384", "curve25519-sha256", "curve25519-sha256"}) {
    Target target = behind();
    target.key_files.push_back(gate.path("user_key"));
    target.jumps[0].port = gate.port();
    target.jumps[0].algorithms.key_exchange = kex;
    connections.push_back(connector.make(target));
    const Result<Frame> reply = run(connections.back()->open("x"));
    ASSERT_TRUE(reply.has_value()) << reply.error().render();
  }

  const std::string log = file_text(gate.path("log"));
  const auto count = [&log](const std::string& text) {
    std::size_t found = 0;
    for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("kex: algorithm: ecdh-sha2-nistp384 "), 1U);
  EXPECT_EQ(count("kex: algorithm: curve25519-sha256 "), 1U);
}

TEST_F(JumpHost, SaysWhichPortItCannotReach) {
  Target closed = behind();
  closed.port = testing_support::free_port();
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(closed);

  const Result<std::string> reply = run(open_and_close(*connection));

  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code(), ErrorCode::unreachable);
  EXPECT_THAT(reply.error().message(),
              testing::AllOf(HasSubstr("jump host"), HasSubstr(std::to_string(closed.port))));
}

TEST_F(JumpHost, ItsDeathEndsTheConnectionsThroughIt) {  // F24
  Connector connector(context_.get_executor(), settings());
  const auto connection = connector.make(behind());
  ASSERT_TRUE(run(connection->open("x")).has_value());

  gate_->signal_children(SIGKILL);
  const Result<Frame> result = run(connection->receive());

  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::connection_lost);
}

TEST_F(JumpHost, LeavesNoDescriptorBehind) {
  Connector connector(context_.get_executor(), settings());
  int done = 0;
  ASSERT_TRUE(run(open_several(connector, behind(), 1, &done)).has_value());
  context_.restart();
  context_.poll();
  const std::size_t before = open_descriptors();

  ASSERT_TRUE(run(open_several(connector, behind(), 3, &done)).has_value());
  context_.restart();
  context_.poll();

  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace gpustack::transport
