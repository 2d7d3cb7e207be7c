#pragma once
/// @file What dpkg and apt know: installed packages, candidates, providers, and what a transaction
/// would do.

#include "modules/builtin/support/package_classes.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The queries that the functions below make.
inline constexpr std::string_view kAptQueries =
    "dpkg-query, dpkg-deb --field, dpkg --print-architecture, apt-get --simulate, apt-cache "
    "policy, apt-cache showpkg, "
    "apt-cache pkgnames";

struct InstalledPackage {
  bool installed = false;  ///< unpacked and configured
  bool has_files = false;  ///< installed, or removed with its configuration left
  std::string version;
};

struct Candidate {
  bool known = false;  ///< apt has versions of it; virtual packages have none
  std::string installed;
  std::string candidate;              ///< empty: none
  std::vector<std::string> versions;  ///< all that apt knows, the best first
};

/// `NAME`, `NAME=VERSION` or `NAME>=VERSION`; a version may be a pattern.
struct PackageSpec {
  std::string name;
  std::string comparison;  ///< empty, `=` or `>=`
  std::string version;
};

/// @error module_failed  more than one `=`
Result<PackageSpec> parse_package_spec(const std::string& text);

/// A command of the apt family: no questions, parsable messages.
Command apt_command(std::vector<std::string> argv);

/// By name as asked for; names that dpkg does not know are absent from the map.
Result<std::map<std::string, InstalledPackage>> installed_packages(
    const SystemView& view, const std::vector<std::string>& names);
/// @param release  value of default_release, may be empty
Result<std::map<std::string, Candidate>> candidates(const SystemView& view,
                                                    const std::vector<std::string>& names,
                                                    const std::string& release);
/// Real packages that provide a virtual one.
Result<std::vector<std::string>> providers(const SystemView& view, const std::string& name);
/// Names that match a pattern. @error module_failed  none does
Result<std::vector<std::string>> names_like(const SystemView& view, const std::string& pattern);
/// The names among `names` that apt installed by itself, as dependencies.
std::vector<std::string> automatically_installed(const SystemView& view,
                                                 const std::vector<std::string>& names);

/// What `apt-get --simulate` printed.
struct Simulation {
  std::vector<PackageChange> changes;
  bool does_nothing = false;  ///< the summary counts nothing
  std::string output;
  std::string errors;
};

/// Lines `Inst NAME [OLD] (NEW ORIGIN [ARCH])`, `Remv NAME [OLD]`, `Purg NAME [OLD]`.
Simulation parse_simulation(std::string_view output);
/// @param argv  apt-get and its words, without --simulate
/// @error module_failed  with apt's words
Result<Simulation> simulate(const SystemView& view, const std::vector<std::string>& argv);

/// Refuses a transaction that would touch a Jetson's BSP. @error guard
Result<void> guard_bsp(const SystemView& view, const std::vector<PackageChange>& changes);

}  // namespace gpustack::modules
