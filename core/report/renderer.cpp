#include "core/report/renderer.hpp"

#include "core/base/json.hpp"
#include "core/base/value.hpp"

#include <unistd.h>

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace gpustack::report {

namespace {

/// Verbosity at which nothing is left out.
constexpr int kEverything = 3;

bool is_debug(const Event& event) {
  return event.action == "debug" || event.action == "ansible.builtin.debug" ||
         event.action == "ansible.legacy.debug";
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// debug shows what it was asked for and nothing around it.
void clean_debug(Value& result) {
  const bool has_message = result.find("msg") != nullptr;
  Map kept;
  for (const Map::Entry& entry : result.as_map()) {
    const std::string key = to_text(entry.key);
    const bool keep =
        has_message
            ? is_one_of(key, {"msg", "exception", "warnings", "deprecations"})
            : !is_one_of(key, {"changed", "failed", "skipped", "invocation", "skip_reason"});
    if (keep) kept.set(entry.key, entry.value);
  }
  result = Value(std::move(kept));
}

}  // namespace

DescriptorOutput::~DescriptorOutput() { DescriptorOutput::flush(); }

void DescriptorOutput::write(std::string_view text) {
  constexpr std::size_t kEnough = 64U << 10U;
  pending_ += text;
  if (pending_.size() >= kEnough) flush();
}

void DescriptorOutput::flush() {
  std::string_view rest = pending_;
  while (!rest.empty() && descriptor_ >= 0) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) {
      descriptor_ = -1;
      break;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  pending_.clear();
}

RendererOptions terminal_options() {
  RendererOptions options;
  options.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  const char* no_colour = std::getenv("NO_COLOR");
  const auto is_on = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && parse_bool(Value(value)).value_or(false);
  };
  const char* forced = std::getenv("CLICOLOR_FORCE");
  const bool wanted = (options.is_terminal && !dumb) || is_on("ANSIBLE_FORCE_COLOR") ||
                      (forced != nullptr && std::string_view(forced) != "0");
  const bool refused = (no_colour != nullptr && *no_colour != 0) || is_on("ANSIBLE_NOCOLOR");
  if (wanted && !refused) options.colour = Colour::on;
  if (dumb) options.is_terminal = false;
  winsize size{};
  if (options.is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.columns = std::max<std::size_t>(options.columns, size.ws_col - 1U);
  }
  return options;
}

const std::vector<std::string_view>& renderer_names() {
  static const std::vector<std::string_view> kNames = {"ansible", "json", "plain", "pretty"};
  return kNames;
}

std::unique_ptr<Sink> make_renderer(std::string_view name,
                                    const RendererOptions& options,
                                    Output& out,
                                    Output& err) {
  if (name == "ansible") return make_ansible_renderer(options, out, err);
  if (name == "json") return make_json_renderer(out);
  if (name == "plain" || (name == "pretty" && !options.is_terminal))
    return make_plain_renderer(options, out, err);
  if (name == "pretty") return make_pretty_renderer(options, out, err);
  return nullptr;
}

std::string host_label(const Event& event) {
  std::string label = event.host;
  if (!event.delegated_to.empty() && event.delegated_to != event.host) {
    label += " -> " + event.delegated_to;
    if (!event.delegated_address.empty() && event.delegated_address != event.delegated_to)
      label += "(" + event.delegated_address + ")";
  }
  return label;
}

std::string item_text(const Event& event) {
  if (event.no_log) return "(censored due to no_log)";
  if (has(deep_marks(event.item), Mark::secret)) return "<secret>";
  return to_text(event.item);
}

std::string failure_text(const Event& event) {
  const Value shown = shown_result(event);
  for (const std::string_view key :
       {"censored", "msg", "reason", "stderr", "module_stderr", "stdout", "exception"}) {
    const Value* value = shown.find(key);
    if (value == nullptr || value->is_null()) continue;
    if (has(deep_marks(*value), Mark::secret)) return "<secret>";
    std::string text = to_text(*value);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (!text.empty()) return text;
  }
  return {};
}

Value printed_result(const Event& event, int verbosity) {
  Value shown = shown_result(event);
  if (!shown.is_map()) shown = Value(Map());
  if (is_debug(event) && !event.no_log) clean_debug(shown);
  Map& members = shown.mutable_map();
  // What the line's first word says already.
  members.erase(std::string_view("failed"));
  members.erase(std::string_view("skipped"));
  members.erase(std::string_view("exception"));
  members.erase(std::string_view("warnings"));
  members.erase(std::string_view("deprecations"));
  if (event.in_loop && event.type == EventType::host_result)
    members.erase(std::string_view("results"));
  if (verbosity < kEverything) {
    members.erase(std::string_view("invocation"));
    members.erase(std::string_view("diff"));
  }
  return shown;
}

std::string dump_result(const Event& event, int verbosity) {
  const Value shown = printed_result(event, verbosity);
  JsonStyle style;
  style.sort_keys = true;
  style.ensure_ascii = false;
  style.indent = event.verbose_always || verbosity >= kEverything ? 4 : 0;
  return to_json(shown, style);
}

}  // namespace gpustack::report
