#pragma once
/// @file access_time and modification_time, as the file module takes them.

#include "modules/sdk/file_arguments.hpp"

#include <chrono>
#include <string>

namespace gpustack::modules {

struct TimeRequest {
  enum class Kind : std::uint8_t { preserve, now, exact };
  Kind kind = Kind::preserve;
  std::chrono::nanoseconds at{};  ///< for exact
};

struct TimeRequests {
  TimeRequest access;
  TimeRequest modification;
};

/// `preserve`, `now`, or a time in the host's time zone, written as `format` (strptime) says.
/// @error invalid_argument
Result<TimeRequest> parse_time_request(const std::string& text, const std::string& format);

/// Adds the step that gives the file those times. @return whether anything differs
/// @param now  the file as it is then, links followed
Result<bool> plan_times(Plan& plan,
                        const SystemView& view,
                        const std::string& path,
                        const FileInfo& now,
                        const TimeRequests& wanted,
                        AttributeDiff* diff);

}  // namespace gpustack::modules
