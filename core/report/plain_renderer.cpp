#include "core/report/diff.hpp"
#include "core/report/failure_place.hpp"
#include "core/report/plain_lines.hpp"
#include "core/report/renderer.hpp"

#include <fmt/format.h>

namespace gpustack::report {

namespace {

std::string indented(const std::string& text) {
  std::string out;
  for (const std::string& line : split_lines(text)) out += "    " + line;
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

Paint paint_of(const Event& event) {
  if (event.ignored) return Paint::skipped;
  switch (event.outcome) {
    case Outcome::ok:
      return Paint::ok;
    case Outcome::changed:
      return Paint::changed;
    case Outcome::skipped:
      return Paint::skipped;
    case Outcome::failed:
      return Paint::failed;
    case Outcome::unreachable:
      return Paint::unreachable;
  }
  return Paint::none;
}

std::string counted(int number, std::string_view what) {
  return number == 0 ? std::string() : fmt::format(", {} {}", number, what);
}

}  // namespace

PlainLines::PlainLines(const RendererOptions& options) : options_(options) {}

std::string PlainLines::result(const Event& event) const {
  const bool broken = event.outcome == Outcome::failed || event.outcome == Outcome::unreachable;
  const bool is_item = event.type == EventType::item_result;
  const bool quiet = event.outcome == Outcome::ok || event.outcome == Outcome::skipped;
  if (quiet && options_.verbosity == 0 && !event.verbose_always) return {};
  if (event.in_loop && !is_item && (broken || event.outcome == Outcome::changed) && !event.ignored)
    return {};  // its items told it
  std::string word(outcome_name(event.outcome));
  if (event.ignored) word += " (ignored)";
  if (event.rescued) word += " (rescued)";
  std::string line = fmt::format("{}: {}: {}", host_label(event), word, event.task);
  if (is_item) line += fmt::format(" (item={})", item_text(event));
  const std::string why = broken ? failure_text(event) : std::string();
  const bool one_line = why.find('\n') == std::string::npos;
  if (!why.empty() && one_line) line += ": " + why;
  std::string out = painted(options_.colour, paint_of(event), line) + "\n";
  if (!why.empty() && !one_line) out += indented(why);
  if (broken) out += failure_place(event);
  if (event.verbose_always || options_.verbosity > 1)
    out += indented(dump_result(event, options_.verbosity));
  if (event.diff && !event.no_log && event.outcome == Outcome::changed &&
      !(event.in_loop && !is_item))
    out += render_diff(event.result.get("diff"));
  return out;
}

std::string PlainLines::lines(const Event& event) const {
  switch (event.type) {
    case EventType::play_started:
      return fmt::format("play: {}{}\n", event.play, event.check ? " (check)" : "");
    case EventType::no_hosts_matched:
      return fmt::format("play: {}: no hosts matched\n", event.play);
    case EventType::no_hosts_left:
      return painted(options_.colour,
                     Paint::failed,
                     fmt::format("play: {}: no hosts left", event.play)) +
             "\n";
    case EventType::task_started:
      return options_.verbosity > 0 ? fmt::format("task: {}\n", event.task) : std::string();
    case EventType::host_result:
    case EventType::item_result:
      return result(event);
    case EventType::retry:
      return painted(options_.colour,
                     Paint::debug,
                     fmt::format("{}: retry {} of {}: {}",
                                 host_label(event),
                                 to_text(event.result.get("attempts")),
                                 to_text(event.result.get("retries")),
                                 event.task)) +
             "\n";
    case EventType::message:
      return event.verbosity <= options_.verbosity ? event.message + "\n" : std::string();
    case EventType::stats:
      return summary(event);
    default:
      return {};
  }
}

std::string PlainLines::asides(const Event& event) const {
  switch (event.type) {
    case EventType::warning:
      return painted(options_.colour,
                     Paint::warning,
                     "warning: " + event.message +
                         (event.span.known() ? " (" + event.span.text() + ")" : "")) +
             "\n";
    case EventType::deprecation:
      return painted(options_.colour, Paint::warning, "deprecated: " + event.message) + "\n";
    case EventType::error:
      return event.message + (event.message.ends_with('\n') ? "" : "\n");
    default:
      return {};
  }
}

std::string PlainLines::summary(const Event& event) const {
  std::string out;
  for (const auto& [host, stats] : event.stats) {
    const bool broken = stats.failed != 0 || stats.unreachable != 0;
    const std::string line = fmt::format("{}: {} ok{}{}{}{}{}{}",
                                         host,
                                         stats.ok,
                                         counted(stats.changed, "changed"),
                                         counted(stats.failed, "failed"),
                                         counted(stats.unreachable, "unreachable"),
                                         counted(stats.skipped, "skipped"),
                                         counted(stats.rescued, "rescued"),
                                         counted(stats.ignored, "ignored"));
    out += painted(options_.colour,
                   broken               ? Paint::failed
                   : stats.changed != 0 ? Paint::changed
                                        : Paint::ok,
                   line) +
           "\n";
  }
  return out;
}

namespace {

class PlainRenderer final : public Sink {
 public:
  PlainRenderer(const RendererOptions& options, Output& out, Output& err)
      : lines_(options), out_(out), err_(err) {}
  void on(const Event& event) override {
    out_.write(lines_.lines(event));
    err_.write(lines_.asides(event));
    flush();  // the next event may be minutes away, and a killed program says no more
  }
  void flush() override {
    out_.flush();
    err_.flush();
  }

 private:
  PlainLines lines_;
  Output& out_;
  Output& err_;
};

}  // namespace

std::unique_ptr<Sink> make_plain_renderer(const RendererOptions& options,
                                          Output& out,
                                          Output& err) {
  return std::make_unique<PlainRenderer>(options, out, err);
}

}  // namespace gpustack::report
