#pragma once
/// @file Programs that talk to a terminal: started on a pseudo terminal, their questions answered.

#include "modules/sdk/process.hpp"
#include "modules/sdk/system.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::modules {

/// What is said to the program.
struct Dialogue {
  /// Looks for a question in what was written since the last answer.
  /// @param consumed  how much of the text the question and what stands before it are
  /// @return the answer; nothing while there is no question yet
  using Answer = std::function<Result<std::optional<std::string>>(std::string_view unread,
                                                                  std::size_t& consumed)>;
  Answer answer;
  bool echo = false;                      ///< whether the terminal shows what is typed
  std::chrono::milliseconds patience{0};  ///< for each next question or the end; 0 = any time
};

/// System::converse() of the host itself. @param cancel_descriptor  readable once the task is
/// cancelled
Result<CommandResult> run_on_terminal(const Launch& launch,
                                      const Dialogue& dialogue,
                                      int cancel_descriptor);

}  // namespace gpustack::modules
