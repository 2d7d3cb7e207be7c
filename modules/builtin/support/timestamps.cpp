#include "modules/builtin/support/timestamps.hpp"

#include <time.h>

namespace gpustack::modules {

namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

/// The time to set; nothing when it stays.
std::optional<std::chrono::nanoseconds> target(const TimeRequest& wanted,
                                               std::chrono::nanoseconds present,
                                               std::chrono::nanoseconds clock) {
  if (wanted.kind == TimeRequest::Kind::preserve) return std::nullopt;
  const auto time = wanted.kind == TimeRequest::Kind::now ? clock : wanted.at;
  if (time == present) return std::nullopt;
  return time;
}

}  // namespace

Result<TimeRequest> parse_time_request(const std::string& text, const std::string& format) {
  if (text == "preserve") return TimeRequest{};
  if (text == "now") return TimeRequest{.kind = TimeRequest::Kind::now, .at = {}};
  std::tm parts{};
  parts.tm_mday = 1;
  parts.tm_isdst = -1;
  const char* rest = strptime(text.c_str(), format.c_str(), &parts);
  if (rest == nullptr || *rest != '\0') {
    return Error(
        ErrorCode::invalid_argument,
        "time '" + text + "' is neither 'preserve', 'now' nor of the form '" + format + "'");
  }
  parts.tm_isdst = -1;
  const std::time_t time = std::mktime(&parts);
  return TimeRequest{.kind = TimeRequest::Kind::exact, .at = std::chrono::seconds(time)};
}

Result<bool> plan_times(Plan& plan,
                        const SystemView& view,
                        const std::string& path,
                        const FileInfo& now,
                        const TimeRequests& wanted,
                        AttributeDiff* diff) {
  const auto clock =
      std::chrono::duration_cast<std::chrono::nanoseconds>(view.now().time_since_epoch());
  const auto access = target(wanted.access, now.accessed, clock);
  const auto modification = target(wanted.modification, now.modified, clock);
  if (!access && !modification) return false;
  plan.changed = true;
  plan.step(SetTimes{path, access, modification});
  if (diff == nullptr) return true;
  if (modification) {
    diff->before.set("mtime", Value(seconds(now.modified)));
    diff->after.set("mtime", Value(seconds(*modification)));
  }
  if (access) {
    diff->before.set("atime", Value(seconds(now.accessed)));
    diff->after.set("atime", Value(seconds(*access)));
  }
  return true;
}

}  // namespace gpustack::modules
