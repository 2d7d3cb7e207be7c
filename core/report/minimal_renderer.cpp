#include "core/base/json.hpp"
#include "core/report/diff.hpp"
#include "core/report/renderer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace gpustack::report {

namespace {

/// Modules whose output is text for people and no data.
/// @source Ansible 2.14, constants.py MODULE_NO_JSON
bool shows_text(std::string_view action) {
  constexpr std::array<std::string_view, 4> kNames = {"command", "shell", "raw", "script"};
  for (const std::string_view prefix : {"ansible.builtin.", "ansible.legacy."}) {
    if (action.starts_with(prefix)) action.remove_prefix(prefix.size());
  }
  return std::ranges::find(kNames, action) != kNames.end();
}

/// Line ends as `\n` and `\r`.
std::string on_one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out += c == '\n' ? "\\n" : "\\r";
    } else {
      out += c;
    }
  }
  return out;
}

/// @source Ansible 2.14, plugins/callback/minimal.py and oneline.py
class MinimalRenderer final : public Sink {
 public:
  MinimalRenderer(const RendererOptions& options, HostLines lines, Output& out, Output& err)
      : options_(options), lines_(lines), out_(out), err_(err) {}

  void on(const Event& event) override {
    switch (event.type) {
      case EventType::host_result:
      case EventType::item_result:
        result(event);
        break;
      case EventType::warning:
        warn("WARNING", event.message + (event.span.known() ? " (" + event.span.text() + ")" : ""));
        break;
      case EventType::deprecation:
        warn("DEPRECATION WARNING", event.message);
        break;
      case EventType::message:
        if (event.verbosity <= options_.verbosity) show(event.message, Paint::none);
        break;
      case EventType::error:
        err_.write(painted(options_.colour, Paint::failed, event.message) +
                   (event.message.ends_with('\n') ? "" : "\n"));
        break;
      default:
        break;
    }
    flush();
  }
  void flush() override {
    out_.flush();
    err_.flush();
  }

 private:
  void show(std::string_view text, Paint paint) {
    out_.write(painted(options_.colour, paint, text));
    if (!text.ends_with('\n')) out_.write("\n");
  }

  void warn(std::string_view kind, const std::string& text) {
    const std::string whole = wrapped(fmt::format("[{}]: {}", kind, text), options_.columns);
    if (!told_.insert(whole).second) return;
    err_.write(painted(options_.colour, Paint::warning, whole) + "\n");
  }

  void tell_warnings(const Event& event) {
    if (event.no_log) return;
    const Value& warnings = event.result.get("warnings");
    if (!warnings.is_list()) return;
    for (const Value& one : warnings.as_list())
      warn("WARNING", one.is_secret() ? "<secret>" : to_text(one));
  }

  void result(const Event& event) {
    const std::string host = host_label(event);
    if (event.outcome == Outcome::skipped) return show(host + " | SKIPPED", Paint::skipped);
    tell_warnings(event);
    switch (event.outcome) {
      case Outcome::unreachable:
        return show(unreachable(event, host), Paint::unreachable);
      case Outcome::failed:
        return show(failed(event, host), Paint::failed);
      case Outcome::changed:
        show_diff(event);
        return show(succeeded(event, host, "CHANGED"), Paint::changed);
      default:
        return show(succeeded(event, host, "SUCCESS"), Paint::ok);
    }
  }

  void show_diff(const Event& event) {
    const Value* diff = event.result.find("diff");
    if (!event.diff || event.no_log || diff == nullptr || !diff->truthy()) return;
    const auto plain = [](const std::string& line) { return line; };
    if (const std::string text = render_diff(*diff, plain); !text.empty()) show(text, Paint::none);
  }

  [[nodiscard]] std::string unreachable(const Event& event, const std::string& host) const {
    if (lines_ == HostLines::several) return host + " | UNREACHABLE! => " + dumped(event);
    return host + " | UNREACHABLE!: " + field(event, "msg");
  }

  [[nodiscard]] std::string failed(const Event& event, const std::string& host) const {
    const bool is_text = lines_ == HostLines::several && shows_text(event.action) &&
                         event.result.find("module_stderr") == nullptr && !event.no_log;
    return is_text ? text(event, host, "FAILED") : host + " | FAILED! => " + dumped(event);
  }

  [[nodiscard]] std::string succeeded(const Event& event,
                                      const std::string& host,
                                      std::string_view state) const {
    const bool is_text =
        shows_text(event.action) && !event.no_log && event.result.find("ansible_job_id") == nullptr;
    return is_text ? text(event, host, state)
                   : fmt::format("{} | {} => {}", host, state, dumped(event));
  }

  [[nodiscard]] static std::string field(const Event& event, std::string_view name) {
    const Value* value = event.result.find(name);
    if (value == nullptr || value->is_null()) return {};
    return has(deep_marks(*value), Mark::secret) ? "<secret>" : to_text(*value);
  }

  [[nodiscard]] std::string text(const Event& event,
                                 const std::string& host,
                                 std::string_view state) const {
    const std::string code = event.result.find("rc") == nullptr ? "-1" : field(event, "rc");
    if (lines_ == HostLines::several) {
      return fmt::format("{} | {} | rc={} >>\n{}{}{}\n",
                         host,
                         state,
                         code,
                         field(event, "stdout"),
                         field(event, "stderr"),
                         field(event, "msg"));
    }
    std::string line = fmt::format(
        "{} | {} | rc={} | (stdout) {}", host, state, code, on_one_line(field(event, "stdout")));
    const std::string errors = field(event, "stderr");
    return errors.empty() ? line : line + " (stderr) " + on_one_line(errors);
  }

  [[nodiscard]] std::string dumped(const Event& event) const {
    JsonStyle style;
    style.sort_keys = true;
    style.ensure_ascii = false;
    style.indent = lines_ == HostLines::several ? 4 : 1;
    const std::string json = to_json(printed_result(event, options_.verbosity), style);
    return lines_ == HostLines::several ? json : joined_lines(json);
  }

  /// Without line ends and what indents the lines.
  static std::string joined_lines(const std::string& json) {
    std::string out;
    bool is_start = false;
    for (const char c : json) {
      if (is_start && c == ' ') continue;
      is_start = c == '\n';
      if (!is_start) out += c;
    }
    return out;
  }

  RendererOptions options_;
  HostLines lines_;
  Output& out_;
  Output& err_;
  std::set<std::string> told_;
};

}  // namespace

std::unique_ptr<Sink> make_minimal_renderer(const RendererOptions& options,
                                            HostLines lines,
                                            Output& out,
                                            Output& err) {
  return std::make_unique<MinimalRenderer>(options, lines, out, err);
}

}  // namespace gpustack::report
