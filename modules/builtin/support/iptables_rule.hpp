#pragma once
/// @file The words of an iptables rule, from the arguments of the module.

#include "modules/sdk/arguments.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// What the rule is made of; empty when the arguments describe none.
/// @param jump  the target: `jump`, or LOG where the task only says how to log
/// @param takes_wait  whether this iptables knows -w with seconds
/// @source ansible-core 2.14, modules/iptables.py: the order of the words, which the result shows
std::vector<std::string> iptables_rule(const Args& args, const std::string& jump, bool takes_wait);

}  // namespace gpustack::modules
