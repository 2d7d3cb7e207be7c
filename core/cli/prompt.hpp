#pragma once
/// @file Questions on the terminal, as Python's getpass() and input() put them.

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

#include <string>

namespace gpustack::cli {

/// Asks on the process's own terminal, whatever standard input is, and shows nothing of the answer.
/// Without a terminal the question goes to standard error, and a line of standard input answers it.
/// @error vault_source  there is no answer; cancelled  a signal came, the terminal is as it was
Result<Secret> ask_hidden(const std::string& question);

/// Asks on standard output, takes a line of standard input. @error vault_source
Result<std::string> ask_shown(const std::string& question);

}  // namespace gpustack::cli
