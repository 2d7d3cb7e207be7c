#pragma once
/// @file Which init system a host has, and what System V's folders say about a service.

#include "modules/sdk/system.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules {

/// Whether systemd manages services here, be it running or (in a chroot) to come.
/// @source ansible-core 2.14, facts/system/service_mgr.py
bool is_managed_by_systemd(const SystemView& view);
/// Whether systemd is the running init.
bool is_systemd_running(const SystemView& view);
/// Whether the task sees another root than process 1.
bool is_chroot(const SystemView& view);

/// `/etc/init.d/NAME`, or the name itself when it is a path.
std::string init_script(const std::string& name);
bool has_init_script(const SystemView& view, const std::string& name);
/// Whether a start link is in any runlevel, or in the given one.
bool is_sysv_enabled(const SystemView& view,
                     const std::string& name,
                     const std::string& runlevel = "?");

}  // namespace gpustack::modules
