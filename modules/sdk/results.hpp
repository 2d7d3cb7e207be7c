#pragma once
/// @file Result keys that many modules share: rc, stdout, stderr, start, end, delta.

#include "modules/sdk/system.hpp"

#include <chrono>
#include <string>

namespace gpustack::modules {

/// Adds cmd, rc, stdout, stdout_lines, stderr, stderr_lines as Ansible names them. rc is negative
/// when a signal ended it.
void add_command_result(Value& result, const Command& command, const CommandResult& done);

/// "2024-05-01 12:00:00.123456" in the host's local time: Ansible's `start` and `end`.
std::string local_time_text(std::chrono::system_clock::time_point when);
/// "0:00:01.234567": Ansible's `delta`.
std::string duration_text(std::chrono::microseconds length);

}  // namespace gpustack::modules
