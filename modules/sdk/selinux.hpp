#pragma once
/// @file seuser, serole, setype and selevel of a file, on hosts where SELinux is on.

#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>

namespace gpustack::modules {

/// Read-only commands that every module with file arguments may start.
inline constexpr std::string_view kContextQueries = "stat -c %C,matchpathcon -n";

/// Adds the step that gives the file the context that `args` ask for; `_default` stands for what
/// the host's policy says. Without SELinux the arguments have no effect, as in Ansible.
/// @param exists  false for a file that the plan makes
/// @param before,after  where a difference is noted, or null
/// @return whether anything differs
Result<bool> plan_context(Plan& plan,
                          const Args& args,
                          const SystemView& view,
                          const std::string& path,
                          bool exists,
                          Value* before,
                          Value* after);

}  // namespace gpustack::modules
