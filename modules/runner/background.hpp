#pragma once
/// @file Tasks that go on when the connection is gone (`async`).

#include "core/wire/session.hpp"

#include <string>

namespace gpustack::runner {

/// Starts the task in a process of its own. @return what async_status would say now, or a failure
Value start_in_background(const wire::Task& task);

/// That process: reads the task from standard input, runs it, writes the result to `file`. @return
/// the exit status
int run_background(const std::string& file);

}  // namespace gpustack::runner
