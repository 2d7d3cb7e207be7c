#include "modules/builtin/support/compose_events.hpp"

#include "core/base/json.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr std::string_view kWorking[] = {"Creating",
                                         "Starting",
                                         "Restarting",
                                         "Stopping",
                                         "Killing",
                                         "Removing",
                                         "Recreate",
                                         "Pulling",
                                         "Building"};
constexpr std::string_view kDone[] = {"Started",
                                      "Healthy",
                                      "Exited",
                                      "Restarted",
                                      "Running",
                                      "Created",
                                      "Stopped",
                                      "Killed",
                                      "Removed",
                                      "Recreated",
                                      "Pulled",
                                      "Built",
                                      "Error",
                                      "Waiting"};
constexpr std::string_view kLayer[] = {
    "Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Extracting"};
constexpr std::string_view kKinds[] = {"Container", "Network", "Volume", "Image"};

template <typename List>
bool is_one_of(const List& list, std::string_view text) {
  return std::ranges::find(list, text) != std::end(list);
}

bool is_status(std::string_view text) {
  return is_one_of(kWorking, text) || is_one_of(kDone, text);
}

/// The first word, cut off.
std::string take_word(std::string_view& text) {
  text = trim_left(text);
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const std::string word(text.substr(0, end));
  text = trim(text.substr(end));
  return word;
}

std::optional<ComposeEvent> of_line(std::string_view line) {
  ComposeEvent event{.what = "unknown"};
  if (line.starts_with("build service "))
    return ComposeEvent{"service", std::string(trim(line.substr(14))), "Building", ""};
  std::string_view rest = line;
  std::string word = take_word(rest);
  if (is_one_of(kKinds, word)) {
    event.what = lower(word);
    event.id = take_word(rest);
    (is_status(rest) ? event.status : event.message) = rest;
    return rest.empty() ? std::nullopt : std::optional(event);
  }
  event.id = word;
  for (const std::string_view status : kLayer) {
    if (!rest.starts_with(status)) continue;
    event.what = "image-layer";
    event.status = status;
    return event;
  }
  if (rest == "Pulling" || rest == "Pulled") {
    event.what = "service";
    event.status = rest;
    return event;
  }
  if (rest == "Error" || rest.starts_with("Error ")) {
    event.status = take_word(rest);
    event.message = rest;
    return event;
  }
  if (line.starts_with("Error ")) return ComposeEvent{"unknown", "", "Error", std::string(line)};
  return std::nullopt;
}

std::optional<ComposeEvent> of_json(const std::string& line) {
  const auto said = parse_json(line);
  if (!said || !said->is_map()) return std::nullopt;
  const auto text = [&](const char* key) {
    return said->get(key).is_string() ? said->get(key).as_string() : std::string();
  };
  ComposeEvent event{
      .what = "unknown", .id = text("id"), .status = text("status"), .message = text("text")};
  if (said->get("error").truthy()) {
    event.status = "Error";
    event.message = text("message");
    return event;
  }
  const auto blank = event.id.find(' ');
  if (blank != std::string::npos && is_one_of(kKinds, event.id.substr(0, blank))) {
    event.what = lower(event.id.substr(0, blank));
    event.id.erase(0, blank + 1);
  } else if (is_one_of(kLayer, event.message)) {
    event.what = "image-layer";
  }
  // The words that count are in `text` of some versions, in `status` of others.
  if (!is_status(event.status) && (is_status(event.message) || event.what == "image-layer"))
    std::swap(event.status, event.message);
  return event;
}

}  // namespace

bool ComposeEvent::is_change() const {
  return what == "image-layer" ? is_one_of(kLayer, status) : is_one_of(kWorking, status);
}

bool ComposeEvent::is_pull() const {
  return what != "image-layer" && (status == "Pulling" || status == "Pulled");
}

std::vector<ComposeEvent> parse_compose_events(std::string_view errors, bool is_json) {
  std::vector<ComposeEvent> out;
  for (const std::string& raw : split_lines(errors)) {
    std::string_view line = trim(raw);
    constexpr std::string_view kDryRun = "DRY-RUN MODE -";
    if (line.starts_with(kDryRun)) line = trim_left(line.substr(kDryRun.size()));
    if (line.empty()) continue;
    if (is_json && line.front() != '{') continue;
    const auto event = is_json ? of_json(std::string(line)) : of_line(line);
    if (event) out.push_back(*event);
  }
  return out;
}

Value compose_actions(const std::vector<ComposeEvent>& events) {
  Value out{List()};
  for (const ComposeEvent& event : events) {
    if (!event.is_change()) continue;
    const Value action =
        Value::map({{"what", event.what}, {"id", event.id}, {"status", event.status}});
    const bool is_known = event.what == "image-layer" &&
                          std::ranges::find(out.as_list(), action) != out.as_list().end();
    if (!is_known) out.push_back(action);
  }
  return out;
}

std::string compose_errors(const std::vector<ComposeEvent>& events) {
  std::string out;
  for (const ComposeEvent& event : events) {
    if (event.status != "Error") continue;
    const std::string place = event.id.empty() ? "General error: "
                              : event.what == "unknown"
                                  ? "Error when processing " + event.id + ": "
                                  : "Error when processing " + event.what + " " + event.id + ": ";
    out += (out.empty() ? "" : "\n") + place + (event.message.empty() ? "Error" : event.message);
  }
  return out;
}

}  // namespace gpustack::modules
