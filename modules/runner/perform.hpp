#pragma once
/// @file One task, from its message to its result.

#include "core/wire/session.hpp"
#include "modules/sdk/real_system.hpp"

namespace gpustack::runner {

/// Finds the module, checks its arguments and runs or plans it. Never fails: what goes wrong is in
/// the result.
/// @param facts  what earlier tasks found out; a `setup` task and a task that brings facts replace
/// it
Value perform_task(const wire::Task& task,
                   modules::SystemHooks hooks,
                   std::uint32_t umask,
                   Value& facts);

/// The umask this process was started with.
std::uint32_t inherited_umask();

}  // namespace gpustack::runner
