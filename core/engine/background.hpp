#pragma once
/// @file Tasks with `async`: started on the host, asked for until they are done.

#include "core/engine/actions/action.hpp"

namespace gpustack::engine {

/// Starts the call's module in the background of the host. With `poll: 0` the result is the job's
/// (`ansible_job_id`, `started`, `finished`, `results_file`), and the play goes on; else the host
/// is asked every `poll` seconds and the result is the module's own, with the job's keys.
/// @param gate  the run's; left while nothing is asked
/// @cancel  the job goes on on the host
/// @source ansible-core 2.14, TaskExecutor._poll_async_result
Async<Value> run_in_background(ActionCall& call, async::Gate& gate);

}  // namespace gpustack::engine
