#pragma once
/// @file From the arguments of `apt` to one apt-get command and the packages it changes.

#include "modules/builtin/support/apt_query.hpp"

namespace gpustack::modules {

/// What is left to do after the package lists are fresh.
struct AptPlan {
  std::vector<std::string> argv;  ///< apt-get and its words; empty: nothing to run
  std::string failure;            ///< how a failure's message starts
  bool changed = false;
  bool reports_message = false;  ///< `msg` carries the output, as for upgrades
  Simulation simulation;
  std::vector<std::string> mark_manual;  ///< already there, but as dependencies of others
};

/// Whether any argument asks for more than fresh lists.
bool wants_packages(const Args& args);
/// @error module_failed, guard
Result<AptPlan> plan_apt(const Args& args, const SystemView& view);

}  // namespace gpustack::modules
