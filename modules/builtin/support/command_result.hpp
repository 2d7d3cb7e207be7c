#pragma once
/// @file Result keys and failures that modules share when they start programs, and shell patterns.

#include "modules/sdk/module.hpp"
#include "modules/sdk/results.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// The exit status as Ansible reports it: negative when a signal ended the program.
std::int64_t return_code(const CommandResult& result);

/// Sets stdout, stderr and the lists of their lines.
void set_output(Value& result, std::string_view output, std::string_view errors);
/// Removes keys that a module does not report.
void drop_keys(Value& result, std::initializer_list<std::string_view> keys);
/// Sets rc and the output.
void set_command_result(Value& result, const CommandResult& command);

/// An Outcome that failed with `message` and carries the command's rc and output.
Outcome failed_outcome(std::string message,
                       const CommandResult& command,
                       Value result = Value(Map()));
/// An Outcome that failed with `message` only.
Outcome failed_outcome(std::string message, Value result = Value(Map()));

/// A command with the environment that makes its messages parsable (LC_ALL=C).
Command parsable_command(std::vector<std::string> argv);

/// Appends to the result's `warnings`.
void add_warning(Value& result, std::string text);

/// Appends to a list of the result, made when absent.
void append_to(Value& result, std::string_view key, Value item);

/// Whether any path matches a shell pattern (`*`, `?`, `[…]`); a relative one starts at
/// `directory`.
bool any_path_matches(const SystemView& view,
                      const std::string& pattern,
                      const std::string& directory = {});
/// All paths that match, sorted.
std::vector<std::string> matching_paths(const SystemView& view, const std::string& pattern);
/// @source Python's fnmatch.fnmatchcase(): `*` matches `/` too
bool name_matches(std::string_view pattern, std::string_view name);

}  // namespace gpustack::modules
