// What the controller's own work costs: 1,000 tasks for 500 hosts, in check mode, over connections
// that answer at once.
//
//   scale_bench SITE.yml HOSTS      prints one JSON object: seconds of CPU, the most memory, what
//   was run
#include "core/base/json.hpp"
#include "core/engine/run.hpp"
#include "inventory/inventory.hpp"

#include <sys/resource.h>

#include <cstdlib>
#include <iostream>

namespace {

using namespace gpustack;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double most_memory_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// A host on which nothing needs a change.
class NullTarget final : public engine::Target {
 public:
  Async<Value> run(engine::TaskCall /*call*/) override {
    co_return Value::map({{"changed", false}});
  }
  bool start(engine::TaskCall& /*call*/, Listener& listener) override {
    expect(listener, 0);
    tell(listener, Value::map({{"changed", false}}));
    return true;
  }
  Async<engine::RawOutput> raw(std::string /*command*/) override { co_return engine::RawOutput(); }
  Async<void> reset() override { co_return Result<void>(); }
};

class NullPool final : public engine::TargetPool {
 public:
  Async<engine::Target*> get(std::string /*host*/,
                             engine::ConnectionSettings /*settings*/) override {
    co_return &target_;
  }
  Async<void> close_all() override { co_return Result<void>(); }

 private:
  NullTarget target_;
};

/// Counts, so that nothing is measured but the engine.
class CountingSink final : public report::Sink {
 public:
  void on(const report::Event& event) override {
    if (event.type == report::EventType::host_result) ++results;
    if (event.type == report::EventType::error) std::cerr << event.message;
  }
  std::size_t results = 0;
};

int measure(const std::string& playbook, int count) {
  std::string hosts;
  for (int i = 0; i < count; ++i) hosts += "h" + std::to_string(i) + ",";
  auto inventory = inventory::Inventory::load({hosts});
  if (!inventory) return 1;
  const double before_load = cpu_seconds();
  play::Loader loader{play::LoadOptions()};
  const auto site = loader.load({playbook});
  for (const Error& error : loader.findings().errors) std::cerr << error.render();
  if (!site || !loader.findings().errors.empty()) return 1;
  const double before_run = cpu_seconds();
  asio::io_context context(1);
  engine::RunState state;
  state.options.check = true;
  state.options.forks = static_cast<std::size_t>(count);
  state.inventory = &*inventory;
  NullPool targets;
  CountingSink sink;
  engine::Run run(state, loader, targets, sink, nullptr);
  auto work = run.run(*site);
  const auto summary = async::run_to_end(context, std::move(work));
  const double end = cpu_seconds();
  if (!summary) {
    std::cerr << summary.error().render();
    return 1;
  }
  std::cout << to_json(Value::map({{"load_seconds", before_run - before_load},
                                   {"run_seconds", end - before_run},
                                   {"memory_mib", most_memory_mib()},
                                   {"results", static_cast<std::int64_t>(sink.results)},
                                   {"exit_code", summary->exit_code}}))
            << "\n";
  return summary->exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: scale_bench SITE.yml HOSTS\n";
    return 2;
  }
  return measure(argv[1], std::atoi(argv[2]));
}
