#pragma once
/// @file A site of one play with one task, for `gpustack run`, `adhoc` and `facts`.

#include "core/cli/site_run.hpp"
#include "core/play/model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::cli {

/// @param arguments  a map, checked as far as literals can be
/// @error unknown_module, unknown_argument and the other argument errors
Result<std::unique_ptr<play::Site>> single_task_site(const std::string& pattern,
                                                     const std::string& module,
                                                     Value arguments);

/// Adds a task to such a site, behind the others: one that may fail. The caller may set more on it.
/// @error as single_task_site()
Result<play::Task*> add_task(play::Site& site,
                             const std::string& name,
                             const std::string& module,
                             Value arguments);

/// A task as the command line has it.
struct SingleTask {
  std::string pattern;
  std::string module = "command";
  std::string arguments;                           ///< `key=value`, or a dictionary as YAML or JSON
  std::string folder;                              ///< `--playbook-dir`; empty = the current one
  std::optional<std::int64_t> background_seconds;  ///< `async`
  std::optional<std::int64_t> poll_seconds;
  std::optional<std::int64_t> timeout_seconds;
};

/// @error as single_task_site(), and faults of the arguments' text
Result<LoadedSite> load_single_task(const SingleTask& task, const Session& session);

/// Does the module need something to run, as `command` does?
bool needs_command(const std::string& module);

}  // namespace gpustack::cli
