#include "tests/functional/transport/fixture.hpp"

namespace gpustack::transport {
namespace {

using testing::HasSubstr;

class Local : public testing::Test {
 protected:
  Local() {
    ConnectorSettings settings;
    EXPECT_TRUE(settings.runners.add(GS_FAKE_RUNNER).has_value());
    connector_ = std::make_unique<Connector>(context_.get_executor(), std::move(settings));
    Target target;
    target.name = "here";
    target.kind = ConnectionKind::local;
    connection_ = connector_->make(target);
  }

  template <typename T>
  Result<T> run(Async<T> work) {
    return async::run_to_end(context_, std::move(work));
  }

  asio::io_context context_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(Local, TheRunnerOfThisMachineAnswers) {
  const Result<std::string> reply = run(open_and_close(*connection_));

  ASSERT_TRUE(reply.has_value()) << reply.error().render();
  EXPECT_EQ(*reply, "hello from test");
}

TEST_F(Local, TheRunnersEndIsReportedWithItsLastWords) {
  ASSERT_TRUE(run(connection_->open("x")).has_value());

  const Result<Frame> result = run(exchange(*connection_, task("die")));

  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message(),
              testing::AllOf(HasSubstr("exit code 3"), HasSubstr("told to die")));
}

TEST_F(Local, RawCommandsReportOutputAndSignal) {
  const Result<CommandOutput> output =
      run(connection_->exec_raw("cat; echo err >&2; exit 3", "input", 10s));
  const Result<CommandOutput> killed = run(connection_->exec_raw("kill -TERM $$", {}, 10s));
  const Result<CommandOutput> late = run(connection_->exec_raw("sleep 60", {}, 50ms));

  ASSERT_TRUE(output.has_value()) << output.error().render();
  EXPECT_EQ(output->out, "input");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 3);
  ASSERT_TRUE(killed.has_value());
  EXPECT_EQ(killed->signal, "TERM");
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::transport_timeout);
}

TEST_F(Local, ACommandThatDoesNotReadItsInputIsNoError) {
  const Result<CommandOutput> output =
      run(connection_->exec_raw("exec <&-; echo done", std::string(5'000'000, 'x'), 10s));

  ASSERT_TRUE(output.has_value()) << output.error().render();
  EXPECT_EQ(output->out, "done\n");
}

}  // namespace
}  // namespace gpustack::transport
