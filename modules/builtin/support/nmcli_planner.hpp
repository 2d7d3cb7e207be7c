#pragma once
/// @file What nmcli is told for one connection of NetworkManager.

#include "modules/sdk/module.hpp"

namespace gpustack::modules {

/// The plan's state is a list of calls, each with `argv` and `input`; secrets stand in `input`
/// only.
/// @error module_failed  there is no nmcli; NetworkManager knows no such type or setting
Result<Plan> plan_nmcli(const Args& args, const SystemView& view);

}  // namespace gpustack::modules
