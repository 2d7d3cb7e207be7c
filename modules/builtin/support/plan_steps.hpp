#pragma once
/// @file Small steps of plans, in one place since every copy of them travels to hosts.

#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// A diff of one field.
void show_change(
    Plan& plan, std::string_view field, Value before, Value after, const std::string& header);
/// Appends the words of a text.
void add_words(std::vector<std::string>& argv, std::string_view text);
/// A command that must not be stopped half-way. @param what  in front of the message when it fails
void add_finishing_step(Plan& plan, std::vector<std::string> argv, std::string what);

}  // namespace gpustack::modules
