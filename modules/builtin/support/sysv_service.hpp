#pragma once
/// @file Services of System V init: init scripts, service(8), update-rc.d(8).

#include "modules/sdk/module.hpp"

namespace gpustack::modules {

/// Whose ways the script is used in, where Ansible's modules differ: one that shall be reloaded but
/// does not run is started by `service`, and told to reload by `sysvinit`.
enum class SysvWays : std::uint8_t { service, sysvinit };

/// @param args  name, state, enabled, sleep, pattern, arguments; runlevels where sysvinit asks
/// @source ansible-core 2.14, modules/sysvinit.py
Result<Plan> plan_sysv_service(const Args& args, const SystemView& view, SysvWays ways);
Result<Outcome> apply_sysv_service(const Plan& plan, System& system);

/// Whether a service runs, told from `status` of its script: words first, then the exit code.
bool is_running_by_status(const std::string& name, const CommandResult& status);

}  // namespace gpustack::modules
