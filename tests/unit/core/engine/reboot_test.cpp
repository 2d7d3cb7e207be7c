// What the reboot action asks of a host and of its connection.
#include "core/async/task_group.hpp"
#include "core/engine/run.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpustack::engine {
namespace {

namespace fs = std::filesystem;

/// A host that is back at once from a reboot. Notes the modules that it runs, with the time that a
/// connection may take by then.
class RebootingHost final : public Target {
 public:
  Async<Value> run(TaskCall call) override {
    std::string line = call.module.substr(call.module.rfind('.') + 1);
    if (limit_) line += " within " + std::to_string(limit_->count()) + " ms";
    log.push_back(line);
    if (line.starts_with("reboot")) {
      ++boots_;
      co_return Value::map({{"changed", true}, {"rebooted", true}});
    }
    co_return Value::map(
        {{"changed", true}, {"rc", 0}, {"stdout", "boot " + std::to_string(boots_)}});
  }
  Async<RawOutput> raw(std::string /*command*/) override { co_return RawOutput(); }
  Async<void> reset() override { co_return Result<void>(); }
  void limit_connecting(std::optional<std::chrono::milliseconds> limit) override { limit_ = limit; }

  std::vector<std::string> log;

 private:
  std::optional<std::chrono::milliseconds> limit_;
  int boots_ = 0;
};

class OneHost final : public TargetPool {
 public:
  Async<Target*> get(std::string /*host*/, ConnectionSettings /*settings*/) override {
    co_return &host;
  }
  Async<void> close_all() override { co_return Result<void>(); }

  RebootingHost host;
};

class LastResult final : public report::Sink {
 public:
  void on(const report::Event& event) override {
    if (event.result.is_map()) result = event.result;
  }
  Value result;
};

class Reboot : public testing::Test {
 protected:
  /// Reboots h1 with these arguments, in YAML's flow style.
  void reboot(const std::string& arguments) {
    std::string pattern = "/tmp/gpustack-reboot-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const std::string playbook = pattern + "/site.yml";
    std::ofstream(playbook) << "- hosts: h1\n  gather_facts: false\n  vars: {word: soon}\n"
                            << "  tasks: [{reboot: " << arguments << "}]\n";
    auto inventory = inventory::Inventory::load({"h1,"});
    ASSERT_TRUE(inventory);
    play::Loader loader{play::LoadOptions()};
    const auto site = loader.load({playbook});
    for (const Error& error : loader.findings().errors) ADD_FAILURE() << error.render();
    fs::remove_all(pattern);
    ASSERT_NE(site, nullptr);
    asio::io_context context(1);
    RunState state;
    state.inventory = &*inventory;
    engine::Run run(state, loader, targets_, results_, nullptr);
    auto all = [](engine::Run* whole, const play::Site* plays) -> Async<void> {
      const auto summary = co_await whole->run(*plays);
      if (!summary) co_return Error(summary.error());
      co_return Result<void>();
    };
    auto work = all(&run, site.get());
    const auto done = async::run_to_end(context, std::move(work));
    EXPECT_TRUE(done.has_value());
  }

  OneHost targets_;
  LastResult results_;
};

TEST_F(Reboot, LimitsOnlyTheConnectionsThatItWaitsFor) {
  reboot("{connect_timeout: 7}");

  EXPECT_EQ(targets_.host.log,
            (std::vector<std::string>{
                "command", "reboot", "command within 7000 ms", "command within 7000 ms"}));
  EXPECT_EQ(results_.result.get("rebooted"), Value(true));
}

TEST_F(Reboot, LimitsConnectionsUnderTheOtherNameToo) {
  reboot("{connect_timeout_sec: 7, post_reboot_delay_sec: 0}");

  ASSERT_EQ(targets_.host.log.size(), 4U);
  EXPECT_EQ(targets_.host.log.back(), "command within 7000 ms");
}

TEST_F(Reboot, LeavesConnectionsTheirOwnTime) {
  reboot("{}");

  EXPECT_EQ(targets_.host.log,
            (std::vector<std::string>{"command", "reboot", "command", "command"}));
}

// Ansible finds out when the host is down already.
TEST_F(Reboot, RefusesWrongNumbersBeforeTheHostGoesDown) {
  for (const char* wrong : {"post_reboot_delay", "reboot_timeout", "connect_timeout"}) {
    reboot("{" + std::string(wrong) + ": '{{ word }}'}");

    EXPECT_EQ(results_.result.get("failed"), Value(true)) << wrong;
    EXPECT_NE(to_text(results_.result.get("msg")).find(wrong), std::string::npos)
        << to_text(results_.result.get("msg"));
  }
  EXPECT_TRUE(targets_.host.log.empty());
}

}  // namespace
}  // namespace gpustack::engine
