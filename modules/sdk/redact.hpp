#pragma once
/// @file Keeping secret arguments out of results, as Ansible's no_log does.

#include "modules/sdk/module.hpp"

#include <string>
#include <vector>

namespace gpustack::modules {

/// The texts of all arguments that the spec calls secret, longest first.
std::vector<std::string> secrets_in(const ModuleSpec& spec, const Value& arguments);

/// `value` with every secret taken out: a text that is one becomes
/// VALUE_SPECIFIED_IN_NO_LOG_PARAMETER, one that contains one shows eight stars in its place. Map
/// keys stay.
/// @source common/parameters.py of ansible-core 2.14, remove_values()
Value redact(Value value, const std::vector<std::string>& secrets);

}  // namespace gpustack::modules
