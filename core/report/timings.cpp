#include "core/report/timings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gpustack::report {

namespace {

/// A table of more tasks than this is not read.
constexpr std::size_t kMostTasks = 20;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string milliseconds(std::chrono::nanoseconds time) {
  return fmt::format("{:.1f} ms", seconds(time) * 1000);
}

bool ends_task(const Event& event) { return event.type == EventType::host_result; }

}  // namespace

void Timings::step(std::string name) {
  const auto now = Clock::now();
  steps_.push_back({std::move(name), now - last_});
  last_ = now;
}

void Timings::connected(const std::string& host,
                        std::chrono::microseconds login,
                        std::chrono::microseconds runner) {
  if (opened_.count++ == 0) step("first connection");
  opened_.longest_login = std::max(opened_.longest_login, login);
  opened_.longest_runner = std::max(opened_.longest_runner, runner);
  if (login + runner <= opened_.longest) return;
  opened_.longest = login + runner;
  opened_.slowest_host = host;
}

void Timings::on(const Event& event) {
  if (event.type == EventType::task_started) {
    Task& task = tasks_[event.task_id];
    task.name = event.task.empty() ? event.action : event.task;
    task.path = event.path;
  }
  if (event.type == EventType::run_finished) step("tasks");
  if (!ends_task(event)) return;
  Task& task = tasks_[event.task_id];
  task.hosts += 1;
  task.evaluated += event.evaluated;
  task.on_hosts += event.on_host;
  task.longest_on_host = std::max(task.longest_on_host, event.on_host);
  if (event.elapsed <= task.longest) return;
  task.longest = event.elapsed;
  task.slowest_host = event.host;
}

void Timings::finish(std::chrono::microseconds cpu) {
  step("end of the connections");
  total_ = last_ - begin_;
  cpu_ = cpu;
}

std::string Timings::steps_text() const {
  std::string out = "TIMINGS\n";
  for (const Step& one : steps_)
    out += fmt::format("  {:<26}{:>9.3f} s\n", one.name, seconds(one.took));
  out += fmt::format("  {:<26}{:>9.3f} s, {:.3f} s of CPU on the controller\n",
                     "all",
                     seconds(total_),
                     seconds(cpu_));
  if (opened_.count > 0) {
    out += fmt::format(
        "  {} connections; longest: {} to log in, {} to start the runner; slowest host: {}\n",
        opened_.count,
        milliseconds(opened_.longest_login),
        milliseconds(opened_.longest_runner),
        opened_.slowest_host);
  }
  return out;
}

std::string Timings::tasks_text() const {
  std::vector<const Task*> sorted;
  for (const auto& [id, task] : tasks_) {
    if (task.hosts > 0) sorted.push_back(&task);
  }
  std::ranges::stable_sort(sorted, [](const Task* left, const Task* right) {
    return std::max(left->longest_on_host, left->evaluated) >
           std::max(right->longest_on_host, right->evaluated);
  });
  const std::size_t shown = std::min(sorted.size(), kMostTasks);
  if (shown == 0) return {};
  std::string out = fmt::format("  {:>6} {:>11} {:>11} {:>11} {:>11}  {}\n",
                                "hosts",
                                "evaluated",
                                "on hosts",
                                "longest",
                                "to result",
                                "task");
  for (std::size_t i = 0; i < shown; ++i) {
    const Task& task = *sorted[i];
    out += fmt::format("  {:>6} {:>11} {:>11} {:>11} {:>11}  {}\n",
                       task.hosts,
                       milliseconds(task.evaluated),
                       milliseconds(task.on_hosts),
                       milliseconds(task.longest_on_host),
                       milliseconds(task.longest),
                       task.name);
  }
  if (shown < sorted.size())
    out += fmt::format("  and {} tasks that took less\n", sorted.size() - shown);
  return out;
}

std::string Timings::table() const { return steps_text() + tasks_text(); }

Value Timings::record() const {
  Value steps{Map()};
  for (const Step& one : steps_) steps.set(one.name, Value(seconds(one.took)));
  List tasks;
  for (const auto& [id, task] : tasks_) {
    if (task.hosts == 0) continue;
    tasks.push_back(Value::map({{"task", Value(task.name)},
                                {"task_id", Value(static_cast<std::int64_t>(id))},
                                {"path", Value(task.path)},
                                {"hosts", Value(static_cast<std::int64_t>(task.hosts))},
                                {"evaluated", Value(seconds(task.evaluated))},
                                {"on_hosts", Value(seconds(task.on_hosts))},
                                {"longest_on_host", Value(seconds(task.longest_on_host))},
                                {"longest", Value(seconds(task.longest))},
                                {"slowest_host", Value(task.slowest_host)}}));
  }
  return Value::map({{"event", Value("timings")},
                     {"steps", std::move(steps)},
                     {"elapsed", Value(seconds(total_))},
                     {"cpu", Value(seconds(cpu_))},
                     {"connections", Value(static_cast<std::int64_t>(opened_.count))},
                     {"longest_login", Value(seconds(opened_.longest_login))},
                     {"longest_runner_start", Value(seconds(opened_.longest_runner))},
                     {"slowest_host", Value(opened_.slowest_host)},
                     {"tasks", Value(std::move(tasks))}});
}

}  // namespace gpustack::report
