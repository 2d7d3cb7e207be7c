// How tasks reach their host, seen from what they ask of it: settings that are kept from one task
// to the next must be those that the task would come to by itself.
#include "core/engine/run.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gpustack::engine {
namespace {

/// Says `user/become user` for each task. The module `stat` tells facts that would steer.
class RecordingTarget final : public Target {
 public:
  RecordingTarget(std::string user, std::string& log) : user_(std::move(user)), log_(log) {}
  Async<Value> run(TaskCall call) override { co_return record(call); }
  bool start(TaskCall& call, Listener& listener) override {
    expect(listener, 0);
    tell(listener, record(call));
    return true;
  }
  Async<RawOutput> raw(std::string /*command*/) override { co_return RawOutput(); }
  Async<void> reset() override { co_return Result<void>(); }

 private:
  Value record(const TaskCall& call) {
    log_ += user_ + (call.become.active ? "/" + call.become.user : "") + " ";
    Value result = Value::map({{"changed", false}});
    if (call.module == "stat")
      result.set("ansible_facts", Value::map({{"ansible_user", "evil"}, {"ansible_kernel", "6"}}));
    return result;
  }

  std::string user_;
  std::string& log_;
};

class RecordingPool final : public TargetPool {
 public:
  Async<Target*> get(std::string /*host*/, ConnectionSettings settings) override {
    auto& target = targets_[settings.user];
    if (!target) target = std::make_unique<RecordingTarget>(settings.user, log);
    co_return target.get();
  }
  Async<void> close_all() override { co_return Result<void>(); }

  std::string log;

 private:
  std::map<std::string, std::unique_ptr<RecordingTarget>> targets_;
};

class Warnings final : public report::Sink {
 public:
  void on(const report::Event& event) override {
    if (event.type == report::EventType::warning) text += event.message + "\n";
    if (event.outcome == report::Outcome::failed) text += to_repr(event.result) + "\n";
  }
  std::string text;
};

class SettingsOfTasks : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "settings-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }

  /// What the tasks of a play asked for. @param head  more keywords of the play
  std::string asked_by(const std::string& tasks, const std::string& head = "") {
    write("site.yml", "- hosts: all\n  gather_facts: false\n" + head + "  tasks:\n" + tasks);
    auto inventory = inventory::Inventory::load({"one,"});
    play::Loader loader{play::LoadOptions()};
    const auto site = loader.load({folder_ + "/site.yml"});
    EXPECT_TRUE(inventory.has_value() && site != nullptr && loader.findings().errors.empty());
    asio::io_context context(1);
    RunState state;
    state.inventory = &*inventory;
    RecordingPool targets;
    engine::Run work(state, loader, targets, warnings_, nullptr);
    auto done = work.run(*site);
    EXPECT_TRUE(async::run_to_end(context, std::move(done)).has_value());
    return targets.log;
  }

  std::string folder_;
  Warnings warnings_;
};

TEST_F(SettingsOfTasks, FollowASetFact) {
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - set_fact: {ansible_user: ann}\n"
                     "    - ping:\n"
                     "    - set_fact: {ansible_become: true, ansible_become_user: bob}\n"
                     "    - ping:\n"),
            " ann ann/bob ");
}

TEST_F(SettingsOfTasks, OfATaskAreNoneOfTheNextOnes) {
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - ping:\n"
                     "      vars: {ansible_user: ann}\n"
                     "    - ping:\n"
                     "      remote_user: bob\n"
                     "    - ping:\n"
                     "      become: true\n"
                     "    - ping:\n"),
            " ann bob /root  ");
}

TEST_F(SettingsOfTasks, OfABlockEndWithIt) {
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - block:\n"
                     "        - ping:\n"
                     "      remote_user: ann\n"
                     "    - ping:\n"),
            " ann  ");
}

TEST_F(SettingsOfTasks, AreRenderedAnewWhereTheyAreTemplates) {
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - set_fact: {who: bob}\n"
                     "    - ping:\n",
                     "  vars: {who: ann, ansible_user: '{{ who }}'}\n"),
            "ann bob ");
}

TEST_F(SettingsOfTasks, FollowTheVariablesOfALoop) {
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - ping:\n"
                     "      loop: [ann, bob]\n"
                     "      loop_control: {loop_var: ansible_user}\n"
                     "    - ping:\n"),
            " ann bob  ");
}

TEST_F(SettingsOfTasks, FollowIncludedVariables) {
  write("more.yml", "ansible_user: ann\n");
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - include_vars: more.yml\n"
                     "    - ping:\n"),
            " ann ");
}

TEST_F(SettingsOfTasks, FollowTheVariablesOfAnInclude) {
  write("more.yml", "- ping:\n- ping:\n");
  EXPECT_EQ(asked_by("    - ping:\n"
                     "    - include_tasks: more.yml\n"
                     "      loop: [ann, bob]\n"
                     "      loop_control: {loop_var: ansible_user}\n"
                     "    - ping:\n"),
            " ann ann bob bob  ");
}

TEST_F(SettingsOfTasks, AreNoBusinessOfFacts) {
  EXPECT_EQ(asked_by("    - stat: {path: /}\n"
                     "    - ping:\n"),
            "  ");
  EXPECT_EQ(warnings_.text, "Removed restricted key from module data: ansible_user\n");
}

}  // namespace
}  // namespace gpustack::engine
