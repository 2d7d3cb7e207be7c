// Plays that do not say what is gathered: what is asked of the host, and what its tasks see.
#include "core/base/sources.hpp"
#include "core/engine/run.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gpustack::engine {
namespace {

/// A host with two facts. What it is asked is noted.
class FactsTarget final : public Target {
 public:
  explicit FactsTarget(std::string& log) : log_(log) {}
  Async<Value> run(TaskCall call) override { co_return answer(call); }
  bool start(TaskCall& call, Listener& listener) override {
    expect(listener, 0);
    tell(listener, answer(call));
    return true;
  }
  Async<RawOutput> raw(std::string /*command*/) override { co_return RawOutput(); }
  Async<void> reset() override { co_return Result<void>(); }

 private:
  Value answer(const TaskCall& call) {
    if (call.module != "setup") {
      log_ += call.module + "(" + to_text(call.arguments.get("data")) + ") ";
      return Value::map({{"changed", false}});
    }
    const Value& subset = call.arguments.get("gather_subset");
    const bool has_all = subset.is_null() || subset == Value::list({"all"});
    log_ += "setup(" + (has_all ? "all" : to_text(subset)) + ") ";
    Value facts{Map()};
    const auto has = [&](const char* family) {
      if (has_all) return true;
      const List& names = subset.as_list();
      return std::find(names.begin(), names.end(), Value(family)) != names.end();
    };
    if (has("platform")) facts.set("ansible_kernel", "6.1");
    if (has("fips")) facts.set("ansible_fips", "off");
    return Value::map({{"changed", false}, {"ansible_facts", std::move(facts)}});
  }

  std::string& log_;
};

class FactsPool final : public TargetPool {
 public:
  Async<Target*> get(std::string /*host*/, ConnectionSettings /*settings*/) override {
    co_return &target_;
  }
  Async<void> close_all() override { co_return Result<void>(); }
  std::string log;

 private:
  FactsTarget target_{log};
};

class Failures final : public report::Sink {
 public:
  void on(const report::Event& event) override {
    if (event.outcome == report::Outcome::failed) text += to_repr(event.result) + "\n";
  }
  std::string text;
};

class FactsAsRead : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "facts-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    std::filesystem::create_directories(folder_ + "/site");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }

  /// A task that takes in a file from outside the site, under a name of its own: sources are known
  /// for the life of a process.
  [[nodiscard]] std::string include(const std::string& name) const {
    write(name, "of_kernel: '{{ ansible_kernel }}'\nof_fips: '{{ ansible_facts.fips }}'\n");
    return "    - include_vars: " + folder_ + "/" + name + "\n";
  }

  /// What the host was asked for.
  std::string asked_by(const std::string& plays) {
    write("site/site.yml", plays);
    const std::size_t first_source = sources_from(0).size();
    auto inventory = inventory::Inventory::load({"one,"});
    play::Loader loader{play::LoadOptions()};
    const auto site = loader.load({folder_ + "/site/site.yml"});
    EXPECT_TRUE(inventory.has_value() && site != nullptr && loader.findings().errors.empty());
    asio::io_context context(1);
    RunState state;
    state.inventory = &*inventory;
    state.first_source = first_source;
    state.options.facts_as_read = as_read_;
    FactsPool targets;
    Failures failures;
    engine::Run work(state, loader, targets, failures, nullptr);
    auto done = work.run(*site);
    EXPECT_TRUE(async::run_to_end(context, std::move(done)).has_value());
    EXPECT_EQ(failures.text, "");
    return targets.log;
  }

  std::string folder_;
  bool as_read_ = true;
};

constexpr const char* kNone = "setup(['!all', '!min']) ";

TEST_F(FactsAsRead, AreNoneWhereNothingReadsAny) {
  EXPECT_EQ(asked_by("- hosts: all\n  tasks: [{ping: {data: a}}]\n"),
            std::string(kNone) + "ping(a) ");
}

TEST_F(FactsAsRead, AreThoseOfTheWholeSite) {
  EXPECT_EQ(asked_by("- hosts: all\n  tasks: [{ping: {data: a}}]\n"
                     "- hosts: all\n  gather_facts: false\n"
                     "  tasks: [{ping: {data: '{{ ansible_kernel }}'}}]\n"),
            "setup(['!all', '!min', 'platform']) ping(a) ping(6.1) ");
}

TEST_F(FactsAsRead, AreAllWhereThePlayAsksForThem) {
  EXPECT_EQ(asked_by("- hosts: all\n  gather_facts: true\n  tasks: [{ping: {data: a}}]\n"),
            "setup(all) ping(a) ");
  as_read_ = false;
  EXPECT_EQ(asked_by("- hosts: all\n  tasks: [{ping: {data: a}}]\n"), "setup(all) ping(a) ");
}

TEST_F(FactsAsRead, AreGatheredWhenAFileFromElsewhereReadsThem) {
  const std::string head = "- hosts: all\n  tasks:\n    - ping: {data: a}\n";
  EXPECT_EQ(asked_by(head + include("one.yml") + "    - ping: {data: '{{ of_kernel }}'}\n" +
                     "    - ping: {data: '{{ of_fips }}'}\n"),
            std::string(kNone) + "ping(a) setup(all) ping(6.1) ping(off) ");
  EXPECT_EQ(asked_by(head + include("two.yml") + "    - ping: {data: '{{ of_fips }}'}\n"),
            std::string(kNone) + "ping(a) setup(all) ping(off) ");
  EXPECT_EQ(asked_by(head + include("three.yml") +
                     "    - ping: {data: '{{ item }} {{ of_kernel }}'}\n      loop: [1, 2]\n"),
            std::string(kNone) + "ping(a) setup(all) ping(1 6.1) ping(2 6.1) ");
}

TEST_F(FactsAsRead, AreNotGatheredOnceATaskWasSent) {
  EXPECT_EQ(
      asked_by("- hosts: all\n  tasks:\n" + include("four.yml") +
               "    - ping: {data: a}\n      changed_when: of_kernel | default('') == '6.1'\n"),
      std::string(kNone) + "ping(a) ");
}

}  // namespace
}  // namespace gpustack::engine
