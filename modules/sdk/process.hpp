#pragma once
/// @file Starting programs: own process group, bounded output, deadline, cancel.

#include "modules/sdk/spawn.hpp"
#include "modules/sdk/system.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct ProcessHooks {
  std::function<void(std::string_view stream, std::string_view text)> output;
  int cancel_descriptor = -1;  ///< becomes readable when the task is cancelled
};

/// What is kept of each output stream; of more, the head and the tail.
inline constexpr std::size_t kOutputLimit = 8U << 20U;

/// Runs to the end. The child leads a process group of its own; a timeout or a cancel sends SIGTERM
/// to the group and SIGKILL ten seconds later (a `must_finish` command is not touched by a cancel).
/// @error command_failed  it could not be started; cancelled  it was stopped on request
Result<CommandResult> run_process(const Launch& launch,
                                  const Command& command,
                                  const ProcessHooks& hooks);

/// Package managers and firmware tools leave a broken host when stopped half-way, whoever starts
/// them.
bool is_transaction(const std::vector<std::string>& argv);

}  // namespace gpustack::modules
