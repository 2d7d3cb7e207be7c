#include "core/report/timings.hpp"

#include <gtest/gtest.h>

namespace gpustack::report {
namespace {

using std::chrono::milliseconds;

Event started(std::uint64_t id, const std::string& name) {
  Event event(EventType::task_started);
  event.task_id = id;
  event.task = name;
  event.path = "site.yml:" + std::to_string(id);
  return event;
}

Event ended(std::uint64_t id, const std::string& host, milliseconds on_host) {
  Event event(EventType::host_result);
  event.task_id = id;
  event.host = host;
  event.on_host = on_host;
  event.evaluated = milliseconds(1);
  event.elapsed = on_host + milliseconds(5);
  return event;
}

TEST(Timings, AddUpTheHostsOfATask) {
  Timings timings(Timings::Clock::now());
  timings.on(started(1, "Files"));
  timings.on(ended(1, "h1", milliseconds(10)));
  timings.on(ended(1, "h2", milliseconds(30)));
  const Value task = timings.record().get("tasks").as_list().at(0);
  EXPECT_EQ(task.get("task"), Value("Files"));
  EXPECT_EQ(task.get("path"), Value("site.yml:1"));
  EXPECT_EQ(task.get("hosts"), Value(2));
  EXPECT_DOUBLE_EQ(task.get("on_hosts").as_real(), 0.040);
  EXPECT_DOUBLE_EQ(task.get("longest_on_host").as_real(), 0.030);
  EXPECT_DOUBLE_EQ(task.get("evaluated").as_real(), 0.002);
  EXPECT_DOUBLE_EQ(task.get("longest").as_real(), 0.035);
  EXPECT_EQ(task.get("slowest_host"), Value("h2"));
}

TEST(Timings, ShowTheTasksThatTookLongest) {
  Timings timings(Timings::Clock::now());
  for (std::uint64_t id = 1; id <= 30; ++id) {
    timings.on(started(id, "Task " + std::to_string(id)));
    timings.on(ended(id, "h1", milliseconds(id)));
  }
  const std::string table = timings.table();
  EXPECT_LT(table.find("Task 30"), table.find("Task 29"));
  EXPECT_NE(table.find("Task 11\n"), std::string::npos);
  EXPECT_EQ(table.find("Task 10\n"), std::string::npos);
  EXPECT_NE(table.find("and 10 tasks that took less"), std::string::npos);
  EXPECT_EQ(timings.record().get("tasks").size(), 30U);
}

TEST(Timings, NameTheSlowestConnection) {
  Timings timings(Timings::Clock::now());
  timings.connected("h1", milliseconds(20), milliseconds(5));
  timings.connected("h2", milliseconds(40), milliseconds(3));
  timings.on(Event(EventType::run_finished));
  timings.finish(milliseconds(7));
  const Value record = timings.record();
  EXPECT_EQ(record.get("connections"), Value(2));
  EXPECT_EQ(record.get("slowest_host"), Value("h2"));
  EXPECT_DOUBLE_EQ(record.get("longest_login").as_real(), 0.040);
  EXPECT_DOUBLE_EQ(record.get("longest_runner_start").as_real(), 0.005);
  EXPECT_DOUBLE_EQ(record.get("cpu").as_real(), 0.007);
  const Map& steps = record.get("steps").as_map();
  double all = 0;
  for (const auto& [name, took] : steps) all += took.as_real();
  EXPECT_NEAR(all, record.get("elapsed").as_real(), 1e-6);
  EXPECT_NE(steps.find("first connection"), nullptr);
  EXPECT_NE(steps.find("tasks"), nullptr);
}

}  // namespace
}  // namespace gpustack::report
