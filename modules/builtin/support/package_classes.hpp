#pragma once
/// @file Which packages are kernel, driver, firmware or part of a board's BSP, and what a Jetson
/// must not be given.

#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The class of a package by its name; the same table for deb and rpm names. ChangeClass::none for
/// most.
ChangeClass classify_package(std::string_view name);
/// `kernel`, `driver`, `firmware`, `bsp`; empty for none.
std::string_view class_name(ChangeClass one);
/// Whether a new version takes effect only after a reboot.
bool needs_reboot(std::string_view name);

/// One package of a transaction.
struct PackageChange {
  enum class Action : std::uint8_t { install, upgrade, downgrade, reinstall, remove, purge };
  Action action = Action::install;
  std::string name;
  std::string architecture;  ///< only when it is not the host's own
  std::string old_version;   ///< empty: not installed
  std::string new_version;   ///< empty: removed
  std::string origin;        ///< where the new version comes from
  std::string line;          ///< as the package manager printed it
};

std::string_view action_name(PackageChange::Action action);

/// Classes of all changes together, with ChangeClass::reboot where one needs it.
ChangeClass classes_of(const std::vector<PackageChange>& changes);
/// The result's `packages`: a list of {name, action, old, new, class, reboot}.
Value packages_value(const std::vector<PackageChange>& changes);
/// Adds the changes to a plan: `packages`, the diff by package, the classes.
void add_package_changes(Plan& plan, const std::vector<PackageChange>& changes);

/// Whether the host is an NVIDIA Jetson (Linux for Tegra).
bool is_jetson(const SystemView& view);
/// Lines of the transaction that must not happen on a Jetson.
/// @param bsp_version  version of nvidia-l4t-core, empty when unknown
std::vector<std::string> jetson_hits(const std::vector<PackageChange>& changes,
                                     std::string_view bsp_version);

}  // namespace gpustack::modules
