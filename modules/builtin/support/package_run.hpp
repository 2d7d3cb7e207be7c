#pragma once
/// @file What the modules of package managers share: states, commands, their output.

#include "modules/sdk/module.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// present, latest or absent, whatever word the task uses (`installed`, `removed`).
std::string package_state(const Args& args);

/// Names without empty ones; a comma separates names within one text, too.
std::vector<std::string> package_names(const Args& args);

/// A command of a package manager that is not stopped half-way.
Command package_command(std::vector<std::string> argv);

/// Runs it and adds its output. A failure's message begins with `what`.
/// @return whether it succeeded; then `outcome` goes on
Result<bool> run_package_command(System& system,
                                 const Command& command,
                                 const std::string& what,
                                 Outcome& outcome);

/// "NAME failed: its words" of a query that had to succeed.
Error package_fault(const std::string& what, const CommandResult& done);

}  // namespace gpustack::modules
