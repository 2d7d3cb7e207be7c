#pragma once
/// @file What command, shell, script and raw share: creates/removes, the run itself, the result.

#include "modules/builtin/support/command_result.hpp"

#include <optional>
#include <string>

namespace gpustack::modules {

enum class Shell : bool { no, yes };

/// The plan of `command` and `shell`.
Result<Plan> plan_command_line(const Args& args, const SystemView& view, Shell shell);
/// Runs what plan_command_line() laid down in the plan's state.
Result<Outcome> apply_command_line(const Plan& plan, System& system);

/// Runs `command` and fills the result as `command` reports it; a program that cannot be started is
/// a failure too.
/// @param shown  the `cmd` of the result
Outcome run_and_report(System& system,
                       const Command& command,
                       const Value& shown,
                       bool strips_ends);

}  // namespace gpustack::modules
