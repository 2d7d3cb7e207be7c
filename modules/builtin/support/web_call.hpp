#pragma once
/// @file The request that `uri` sends, and its answer as Ansible reports it.

#include "modules/sdk/module.hpp"

namespace gpustack::modules {

/// What can be said of the arguments before anything is sent.
/// @error invalid_argument
Result<void> check_web_call(const Args& args, const SystemView& view);

/// Sends the request, puts the answer into `dest` where there is one, and tells of it. No answer is
/// a failed outcome with status -1.
/// @error invalid_argument, file_operation, cancelled
/// @source ansible-core 2.14, modules/uri.py
Result<Outcome> web_call(const Args& args, System& system);

}  // namespace gpustack::modules
