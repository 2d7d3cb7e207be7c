#pragma once
/// @file How sudo, su and doas are asked to start a child runner, and how their prompts are told
/// from other text.

#include "core/wire/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gpustack::runner {

/// What is started, and what it will ask.
struct BecomeCommand {
  std::vector<std::string> argv;  ///< empty: the user stays, nobody is asked
  bool needs_terminal = false;
  bool may_ask = true;  ///< false: told never to ask (-n), so no line it prints is a question
  std::string prompt;  ///< sudo: the text it shows when it wants the password; empty: any line that
                       ///< asks for a password
};

/// @param runner  the child's command line
/// @error become_failed  unknown method
Result<BecomeCommand> make_become_command(const wire::OpenBecome& request,
                                          const std::vector<std::string>& runner,
                                          const std::string& nonce);

/// The command as a shell would take it; empty where nothing is started.
std::string shown_command(const BecomeCommand& command);

/// Whether `text`, what the method has printed so far, ends in a question for a password. The text
/// comes in pieces: "sudo: " alone is the start of a complaint and no question.
bool asks_for_password(const BecomeCommand& command, std::string_view text);

/// Whether sudo refused because there was no terminal.
bool insists_on_terminal(std::string_view text);

}  // namespace gpustack::runner
