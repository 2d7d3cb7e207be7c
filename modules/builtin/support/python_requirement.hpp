#pragma once
/// @file What pip is asked for: a package with conditions on its version, or an address or path.

#include "modules/builtin/support/python_version.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

struct PythonRequirement {
  std::string text;       ///< for pip's command line
  bool is_named = false;  ///< NAME with what belongs to it; an address or path otherwise
  std::string name;       ///< as an index writes it: lower case, runs of `-_.` are one `-`
  std::vector<VersionSpecifier> specifiers;

  /// Whether this version of the package is enough. Never for addresses and paths.
  [[nodiscard]] bool is_fulfilled_by(std::string_view version) const;
};

/// @source PEP 508; what is none of it is an address or a path
PythonRequirement parse_requirement(std::string_view text);

/// The same with a condition more: `1.2` (that version) or `>=1.2`.
PythonRequirement with_version(const PythonRequirement& requirement, std::string_view version);

/// PEP 503's form of a package's name.
std::string canonical_package_name(std::string_view name);

/// Joins what was split at commas inside of conditions and extras: `a>1`, `<2`, `b` are two
/// packages.
/// @source ansible-core 2.14, modules/pip.py: any mixture of lists and commas is taken
std::vector<std::string> join_requirements(const std::vector<std::string>& pieces);

}  // namespace gpustack::modules
