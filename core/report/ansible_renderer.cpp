#include "core/base/json.hpp"
#include "core/report/diff.hpp"
#include "core/report/failure_place.hpp"
#include "core/report/renderer.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace gpustack::report {

namespace {

struct TaskHeading {
  std::string name;
  std::string path;
  bool is_handler = false;
  bool check = false;
};

/// @source Ansible 2.14, plugins/callback/default.py and utils/display.py: what is printed when,
/// and in which colour
class AnsibleRenderer final : public Sink {
 public:
  AnsibleRenderer(const RendererOptions& options, Output& out, Output& err)
      : options_(options), out_(out), err_(err) {}

  void on(const Event& event) override {
    render(event);
    flush();  // the next event may be minutes away, and a killed program says no more
  }
  void flush() override {
    out_.flush();
    err_.flush();
  }

 private:
  void show(std::string_view text, Paint paint = Paint::none) {
    out_.write(painted(options_.colour, paint, text));
    if (!text.ends_with('\n')) out_.write("\n");
  }
  void show_banner(const std::string& text) {
    out_.write("\n" + banner(text, options_.columns) + "\n");
  }
  void render(const Event& event);
  void run_started(const Event& event);
  void play_started(const Event& event);
  void task_started(const Event& event);
  void retry(const Event& event);
  void async_poll(const Event& event);
  void included(const Event& event);
  void error(const Event& event);
  void heading(const Event& event);
  void warn(std::string_view kind, const std::string& text);
  void result_warnings(const Event& event);
  void show_diff(const Event& event);
  [[nodiscard]] bool is_verbose(const Event& event, int level = 0) const {
    return (options_.verbosity > level || event.verbose_always) && !event.verbose_override;
  }
  [[nodiscard]] std::string with_result(const std::string& line, const Event& event) const {
    return is_verbose(event) ? line + " => " + dump_result(event, options_.verbosity) : line;
  }
  void host_result(const Event& event);
  void failed(const Event& event);
  void show_place(const Event& event);
  void item_result(const Event& event);
  void recap(const Event& event);
  void custom_stats(const Value& stats);
  [[nodiscard]] std::string count(std::string_view name,
                                  int number,
                                  Paint paint,
                                  Colour colour) const;

  RendererOptions options_;
  Output& out_;
  Output& err_;
  std::map<std::uint64_t, TaskHeading> tasks_;
  std::uint64_t shown_task_ = 0;
  std::set<std::string> warned_;
  std::set<std::pair<std::uint64_t, std::string>> shown_places_;
};

void AnsibleRenderer::warn(std::string_view kind, const std::string& text) {
  const std::string whole = wrapped(fmt::format("[{}]: {}", kind, text), options_.columns);
  if (!warned_.insert(whole).second) return;
  err_.write(painted(options_.colour, Paint::warning, whole) + "\n\n");
}

void AnsibleRenderer::result_warnings(const Event& event) {
  if (event.no_log) return;
  const Value& warnings = event.result.get("warnings");
  if (warnings.is_list()) {
    for (const Value& one : warnings.as_list())
      warn("WARNING", one.is_secret() ? "<secret>" : to_text(one));
  }
  const Value& deprecations = event.result.get("deprecations");
  if (deprecations.is_list()) {
    for (const Value& one : deprecations.as_list())
      warn("DEPRECATION WARNING", to_text(one.is_map() ? one.get("msg") : one));
  }
}

void AnsibleRenderer::task_started(const Event& event) {
  tasks_[event.task_id] = TaskHeading{event.task, event.path, event.is_handler, event.check};
  if (options_.show_ok && options_.show_skipped) heading(event);
}

void AnsibleRenderer::heading(const Event& event) {
  if (shown_task_ == event.task_id && event.task_id != 0) return;
  const auto known = tasks_.find(event.task_id);
  const TaskHeading task = known != tasks_.end()
                               ? known->second
                               : TaskHeading{event.task, event.path, event.is_handler, event.check};
  const std::string_view kind = task.is_handler ? "RUNNING HANDLER" : "TASK";
  const std::string_view mark = task.check && options_.check_markers ? " [CHECK MODE]" : "";
  show_banner(fmt::format("{} [{}]{}", kind, task.name, mark));
  if (options_.verbosity >= 2 && !task.path.empty()) show("task path: " + task.path, Paint::debug);
  shown_task_ = event.task_id;
}

void AnsibleRenderer::show_diff(const Event& event) {
  const Value* diff = event.result.find("diff");
  if (!event.diff || event.no_log || diff == nullptr || !diff->truthy() ||
      event.outcome != Outcome::changed)
    return;
  const auto paint = [&](const std::string& line) {
    const Paint kind = line.starts_with('+')    ? Paint::diff_added
                       : line.starts_with('-')  ? Paint::diff_removed
                       : line.starts_with("@@") ? Paint::diff_hunk
                                                : Paint::none;
    return painted(options_.colour, kind, line);
  };
  const std::string text = render_diff(*diff, paint);
  if (text.empty()) return;
  heading(event);
  show(text);
}

/// Where in the site a failure comes from: once a task, however many hosts it fails on.
void AnsibleRenderer::show_place(const Event& event) {
  const std::string place = failure_place(event);
  if (place.empty() || !shown_places_.insert({event.task_id, place}).second) return;
  show(place);
}

void AnsibleRenderer::failed(const Event& event) {
  heading(event);
  result_warnings(event);
  if (!event.in_loop) {
    const bool away = event.outcome == Outcome::unreachable;
    show(fmt::format("fatal: [{}]: {}! => {}",
                     host_label(event),
                     away ? "UNREACHABLE" : "FAILED",
                     dump_result(event, options_.verbosity)),
         away ? Paint::unreachable : Paint::failed);
    show_place(event);
  }
  if (event.ignored) show("...ignoring", Paint::skipped);
}

void AnsibleRenderer::host_result(const Event& event) {
  switch (event.outcome) {
    case Outcome::failed:
    case Outcome::unreachable:
      failed(event);
      return;
    case Outcome::skipped:
      if (!options_.show_skipped) return;
      heading(event);
      show(with_result(fmt::format("skipping: [{}]", event.host), event), Paint::skipped);
      return;
    case Outcome::ok:
    case Outcome::changed:
      break;
  }
  const bool changed = event.outcome == Outcome::changed;
  if (!changed && !options_.show_ok) return;
  if (!event.in_loop) show_diff(event);
  heading(event);
  result_warnings(event);
  if (event.in_loop && !event.no_log) return;  // its items were shown
  show(with_result(fmt::format("{}: [{}]", changed ? "changed" : "ok", host_label(event)), event),
       changed ? Paint::changed : Paint::ok);
}

void AnsibleRenderer::item_result(const Event& event) {
  const std::string item = item_text(event);
  switch (event.outcome) {
    case Outcome::failed:
    case Outcome::unreachable:
      heading(event);
      result_warnings(event);
      show(fmt::format("failed: [{}] (item={}) => {}",
                       host_label(event),
                       item,
                       dump_result(event, options_.verbosity)),
           Paint::failed);
      show_place(event);
      return;
    case Outcome::skipped:
      if (!options_.show_skipped) return;
      heading(event);
      show(with_result(fmt::format("skipping: [{}] => (item={}) ", event.host, item), event),
           Paint::skipped);
      return;
    case Outcome::ok:
    case Outcome::changed:
      break;
  }
  const bool changed = event.outcome == Outcome::changed;
  if (!changed && !options_.show_ok) return;
  show_diff(event);
  heading(event);
  show(
      with_result(
          fmt::format("{}: [{}] => (item={})", changed ? "changed" : "ok", host_label(event), item),
          event),
      changed ? Paint::changed : Paint::ok);
}

std::string AnsibleRenderer::count(std::string_view name,
                                   int number,
                                   Paint paint,
                                   Colour colour) const {
  const std::string text = fmt::format("{}={:<4}", name, number);
  return number == 0 ? text : painted(colour, paint, text);
}

void AnsibleRenderer::recap(const Event& event) {
  show_banner("PLAY RECAP");
  for (const auto& [host, stats] : event.stats) {
    const bool broken = stats.failed != 0 || stats.unreachable != 0;
    const Paint paint = broken ? Paint::failed : stats.changed != 0 ? Paint::changed : Paint::ok;
    const std::string label = options_.colour == Colour::on
                                  ? fmt::format("{:<37}", painted(Colour::on, paint, host))
                                  : fmt::format("{:<26}", host);
    const Colour colour = options_.colour;
    show(label + " : " + count("ok", stats.ok, Paint::ok, colour) + " " +
         count("changed", stats.changed, Paint::changed, colour) + " " +
         count("unreachable", stats.unreachable, Paint::unreachable, colour) + " " +
         count("failed", stats.failed, Paint::failed, colour) + " " +
         count("skipped", stats.skipped, Paint::skipped, colour) + " " +
         count("rescued", stats.rescued, Paint::ok, colour) + " " +
         count("ignored", stats.ignored, Paint::warning, colour));
  }
  show("");
  if (event.custom_stats.is_map() && event.custom_stats.size() > 0)
    custom_stats(event.custom_stats);
}

void AnsibleRenderer::custom_stats(const Value& stats) {
  JsonStyle style;
  style.sort_keys = true;
  style.ensure_ascii = false;
  show_banner("CUSTOM STATS:");
  for (const Map::Entry& entry : stats.as_map()) {
    if (to_text(entry.key) != "_run")
      show(fmt::format("\t{}: {}", to_text(entry.key), to_json(entry.value, style)));
  }
  if (const Value* run = stats.find("_run")) {
    show("");
    show(fmt::format("\tRUN: {}", to_json(*run, style)));
  }
  show("");
}

void AnsibleRenderer::run_started(const Event& event) {
  if (options_.verbosity > 1)
    show_banner("PLAYBOOK: " + event.playbook.substr(event.playbook.rfind('/') + 1));
  if (options_.verbosity > 1 && !event.message.empty()) show(event.message, Paint::verbose);
  if (event.check && options_.check_markers) show_banner("DRY RUN");
}

void AnsibleRenderer::play_started(const Event& event) {
  const std::string mark = event.check && options_.check_markers ? " [CHECK MODE]" : "";
  show_banner(event.play.empty() ? "PLAY" + mark : fmt::format("PLAY [{}]{}", event.play, mark));
}

void AnsibleRenderer::retry(const Event& event) {
  const auto number = [&](std::string_view name) {
    const Value& value = event.result.get(name);
    return value.is_integer() ? value.as_integer() : 0;
  };
  std::string line = fmt::format("FAILED - RETRYING: [{}]: {} ({} retries left).",
                                 host_label(event),
                                 event.task,
                                 number("retries") - number("attempts"));
  if (is_verbose(event, 2)) line += "Result was: " + dump_result(event, options_.verbosity);
  show(line, Paint::debug);
}

void AnsibleRenderer::async_poll(const Event& event) {
  show(fmt::format("ASYNC POLL on {}: jid={} started={} finished={}",
                   event.host,
                   to_text(event.result.get("ansible_job_id")),
                   to_text(event.result.get("started")),
                   to_text(event.result.get("finished"))),
       Paint::debug);
}

void AnsibleRenderer::included(const Event& event) {
  std::string hosts;
  for (const std::string& host : event.hosts) hosts += (hosts.empty() ? "" : ", ") + host;
  std::string line = fmt::format("included: {} for {}", event.path, hosts);
  if (!event.item.is_null()) line += fmt::format(" => (item={})", item_text(event));
  show(line, Paint::skipped);
}

void AnsibleRenderer::error(const Event& event) {
  const std::string text = as_ansible_error(event.message);
  err_.write(painted(options_.colour, Paint::failed, text) + (text.ends_with('\n') ? "" : "\n"));
}

void AnsibleRenderer::render(const Event& event) {
  switch (event.type) {
    case EventType::run_started:
      return run_started(event);
    case EventType::play_started:
      return play_started(event);
    case EventType::no_hosts_matched:
      return show("skipping: no hosts matched", Paint::skipped);
    case EventType::no_hosts_left:
      return show_banner("NO MORE HOSTS LEFT");
    case EventType::task_started:
      return task_started(event);
    case EventType::item_result:
      return item_result(event);
    case EventType::host_result:
      return host_result(event);
    case EventType::retry:
      return retry(event);
    case EventType::async_poll:
      return async_poll(event);
    case EventType::included:
      return included(event);
    case EventType::notified:
      if (options_.verbosity > 1)
        show(fmt::format("NOTIFIED HANDLER {} for {}", event.task, event.host), Paint::verbose);
      return;
    case EventType::warning:
      return warn("WARNING",
                  event.message + (event.span.known() ? " (" + event.span.text() + ")" : ""));
    case EventType::deprecation:
      return warn("DEPRECATION WARNING", event.message);
    case EventType::message:
      if (event.verbosity <= options_.verbosity)
        show(event.message, event.verbosity > 0 ? Paint::verbose : Paint::none);
      return;
    case EventType::error:
      return error(event);
    case EventType::stats:
      return recap(event);
    case EventType::host_started:
    case EventType::play_finished:
    case EventType::run_finished:
      return;
  }
}

}  // namespace

std::string as_ansible_error(const std::string& text) {
  const std::size_t end = text.starts_with("error[") ? text.find("]: ") : std::string::npos;
  return end == std::string::npos ? text : "ERROR! " + text.substr(end + 3);
}

std::unique_ptr<Sink> make_ansible_renderer(const RendererOptions& options,
                                            Output& out,
                                            Output& err) {
  return std::make_unique<AnsibleRenderer>(options, out, err);
}

}  // namespace gpustack::report
