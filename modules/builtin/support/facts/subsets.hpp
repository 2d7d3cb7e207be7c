#pragma once
/// @file gather_subset: which fact families are wanted.

#include "core/base/result.hpp"
#include "modules/builtin/support/facts/collectors.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules::facts {

/// One family: a name for gather_subset, the other names that choose it, and what it needs first.
struct Family {
  std::string_view name;
  std::string_view other_names;  ///< comma separated
  std::string_view needs;        ///< comma separated family names
  bool is_minimal;               ///< gathered even with `!all`
  void (*collect)(const Reader&, Request&, Map&);
};

/// All families in the order they are gathered.
std::span<const Family> families();

/// The families for a gather_subset, in order; what they need is included.
/// @error invalid_argument  an unknown name that is not negated
Result<std::vector<const Family*>> choose_families(const std::vector<std::string>& subset);

}  // namespace gpustack::modules::facts
