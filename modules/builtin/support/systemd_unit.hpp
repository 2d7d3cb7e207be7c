#pragma once
/// @file What `systemd` and `service` share: bring one unit to the state asked for with systemctl.

#include "modules/sdk/module.hpp"

namespace gpustack::modules {

/// The queries that plan_unit() makes.
inline constexpr std::string_view kUnitQueries =
    "systemctl show, systemctl is-enabled, systemctl is-active, systemctl list-unit-files";

/// @param args  name, state, enabled, masked, daemon_reload, daemon_reexec, scope, no_block, force;
/// absent ones are not asked for
/// @source ansible-core 2.14, modules/systemd.py
Result<Plan> plan_unit(const Args& args, const SystemView& view);
Result<Outcome> apply_unit(const Plan& plan, System& system);

/// `systemctl show` as a map; values of Exec… keys may span lines.
Value parse_unit_properties(std::string_view text);

}  // namespace gpustack::modules
