#include "core/report/event.hpp"

namespace gpustack::report {

namespace {

constexpr std::string_view kCensored =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

bool is_internal(const Value& key) {
  return key.is_string() && key.as_string().starts_with("_ansible_");
}

Value without_internal(const Value& value) {
  if (value.is_map()) {
    Map kept;
    kept.reserve(value.as_map().size());
    for (const Map::Entry& entry : value.as_map()) {
      if (!is_internal(entry.key)) kept.set(entry.key, without_internal(entry.value));
    }
    return Value(std::move(kept)).mark(value.marks());
  }
  return value;
}

}  // namespace

void Tee::on(const Event& event) {
  for (Sink* sink : sinks_) sink->on(event);
}

void Tee::flush() {
  for (Sink* sink : sinks_) sink->flush();
}

std::string_view event_name(EventType type) {
  switch (type) {
    case EventType::run_started:
      return "run_started";
    case EventType::play_started:
      return "play_started";
    case EventType::no_hosts_matched:
      return "no_hosts_matched";
    case EventType::no_hosts_left:
      return "no_hosts_left";
    case EventType::task_started:
      return "task_started";
    case EventType::host_started:
      return "host_started";
    case EventType::retry:
      return "retry";
    case EventType::async_poll:
      return "async_poll";
    case EventType::item_result:
      return "item_result";
    case EventType::host_result:
      return "host_result";
    case EventType::included:
      return "included";
    case EventType::notified:
      return "notified";
    case EventType::warning:
      return "warning";
    case EventType::deprecation:
      return "deprecation";
    case EventType::message:
      return "message";
    case EventType::error:
      return "error";
    case EventType::play_finished:
      return "play_finished";
    case EventType::stats:
      return "stats";
    case EventType::run_finished:
      return "run_finished";
  }
  return "unknown";
}

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::changed:
      return "changed";
    case Outcome::skipped:
      return "skipped";
    case Outcome::failed:
      return "failed";
    case Outcome::unreachable:
      return "unreachable";
  }
  return "unknown";
}

Value shown_result(const Event& event) {
  if (!event.no_log) return without_internal(event.result);
  Value shown{Map()};
  shown.set("censored", kCensored);
  for (const std::string_view key : {"attempts", "changed", "retries"}) {
    if (const Value* kept = event.result.find(key)) shown.set(key, *kept);
  }
  return shown;
}

}  // namespace gpustack::report
