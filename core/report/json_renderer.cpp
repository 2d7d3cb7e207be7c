#include "core/base/json.hpp"
#include "core/report/failure_place.hpp"
#include "core/report/renderer.hpp"

#include <fmt/format.h>

#include <ctime>

namespace gpustack::report {

namespace {

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     parts.tm_year + 1900,
                     parts.tm_mon + 1,
                     parts.tm_mday,
                     parts.tm_hour,
                     parts.tm_min,
                     parts.tm_sec,
                     millis % 1000);
}

Value stats_value(const HostStats& stats) {
  return Value::map({{"ok", stats.ok},
                     {"changed", stats.changed},
                     {"unreachable", stats.unreachable},
                     {"failed", stats.failed},
                     {"skipped", stats.skipped},
                     {"rescued", stats.rescued},
                     {"ignored", stats.ignored}});
}

bool has_outcome(EventType type) {
  return type == EventType::host_result || type == EventType::item_result;
}

class JsonRenderer final : public Sink {
 public:
  explicit JsonRenderer(Output& out) : out_(out) {}
  void on(const Event& event) override {
    out_.write(to_json_line(event));
    out_.flush();  // whoever follows the stream gets whole lines, at once
  }
  void flush() override { out_.flush(); }

 private:
  Output& out_;
};

}  // namespace

std::string to_json_line(const Event& event) {
  Value record{Map()};
  const auto text = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) record.set(key, Value(value));
  };
  const auto flag = [&](std::string_view key, bool value) {
    if (value) record.set(key, Value(true));
  };
  record.set("event", event_name(event.type));
  if (event.time.time_since_epoch().count() != 0) record.set("time", Value(time_text(event.time)));
  text("playbook", event.playbook);
  text("play", event.play);
  text("task", event.task);
  if (event.task_id != 0) record.set("task_id", Value(event.task_id));
  text("action", event.action);
  text("path", event.path);
  text("host", event.host);
  text("delegated_to", event.delegated_to);
  if (!event.hosts.empty()) {
    List hosts;
    for (const std::string& host : event.hosts) hosts.emplace_back(host);
    record.set("hosts", Value(std::move(hosts)));
  }
  if (has_outcome(event.type)) record.set("outcome", outcome_name(event.outcome));
  flag("is_handler", event.is_handler);
  flag("in_loop", event.in_loop);
  flag("check", event.check);
  flag("ignored", event.ignored);
  flag("rescued", event.rescued);
  flag("no_log", event.no_log);
  if (!event.item.is_null())
    record.set("item", event.no_log ? Value(item_text(event)) : event.item);
  if (!event.result.is_null()) record.set("result", shown_result(event));
  text("place", failure_place(event));
  text("message", event.message);
  if (event.span.known()) record.set("position", Value(event.span.text()));
  const auto time = [&](const char* name, std::chrono::nanoseconds value) {
    if (value.count() != 0) record.set(name, Value(std::chrono::duration<double>(value).count()));
  };
  time("elapsed", event.elapsed);
  time("evaluated", event.evaluated);
  time("on_host", event.on_host);
  if (!event.stats.empty()) {
    Value stats{Map()};
    for (const auto& [host, counts] : event.stats) stats.set(host, stats_value(counts));
    record.set("stats", std::move(stats));
  }
  if (!event.custom_stats.is_null()) record.set("custom_stats", event.custom_stats);
  if (event.type == EventType::run_finished) record.set("exit_code", Value(event.exit_code));
  JsonStyle style;
  style.ensure_ascii = false;
  return to_json(record, style) + "\n";
}

std::unique_ptr<Sink> make_json_renderer(Output& out) {
  return std::make_unique<JsonRenderer>(out);
}

}  // namespace gpustack::report
