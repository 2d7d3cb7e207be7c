#pragma once
/// @file Runs a program on the controller and waits for it: inventory scripts, password scripts.

#include "core/base/result.hpp"

#include <signal.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gpustack::process {

/// Where a child's standard error goes.
enum class StandardError { captured, passed_on };

/// Whether a child may talk to the user: `shared` gives it our standard input and our process
/// group, since a program in a group of its own is stopped when it reads from the terminal. `given`
/// gives it our standard output and error too: an editor, a pager.
enum class Terminal { none, shared, given };

struct Command {
  std::vector<std::string> arguments;  ///< the program first: a path, or a name searched in PATH
  std::string folder = {};             ///< working folder; empty = ours
  std::string input = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< on top of ours
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
  std::size_t output_limit = 64ULL << 20U;  ///< bytes of output after which the child is stopped
  StandardError standard_error = StandardError::captured;
  Terminal terminal = Terminal::none;  ///< with `shared` there is no `input`
};

/// While it lives, signals that would end us wait: there is something to clean up first.
class SignalHold {
 public:
  SignalHold();
  ~SignalHold();
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;

 private:
  sigset_t before_{};
  struct sigaction child_before_ {};
};

struct Finished {
  int exit_code = 0;  ///< 128 + N when signal N ended it
  std::string output;
  std::string errors;
};

/// Runs a command, in a process group of its own unless it shares the terminal; on timeout or too
/// much output it is killed with its group. A non-zero exit code is not an error here. One that has
/// the terminal given has all the time it wants; what would end us is passed on to it, and ends us
/// when it has ended. Ctrl-C is for it alone.
/// @error command_failed  it could not be started, ran too long or said too much
/// @thread any; blocks
Result<Finished> run(const Command& command);

}  // namespace gpustack::process
