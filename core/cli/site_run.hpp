#pragma once
/// @file Loading a site and running it: what `apply`, `run` and `facts` have in common.

#include "core/cli/session.hpp"
#include "core/engine/state.hpp"
#include "core/play/loader.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gpustack::cli {

/// Loads playbooks and checks everything that can be checked before a host is touched.
struct LoadedSite {
  std::unique_ptr<play::Loader> loader;
  std::unique_ptr<play::Site> site;
  /// What a run of it begins with: the templates that were compiled to be checked.
  std::unique_ptr<engine::RunState> state = std::make_unique<engine::RunState>();
};

/// Prints every finding on stderr. @return nothing when the site does not load
std::optional<LoadedSite> load_site(const std::vector<std::string>& playbooks, Session& session);

/// Reads what includes will bring, too, and prints what is wrong with it. @return whether all is
/// well
bool check_includes(LoadedSite& site, Teller& teller);

/// @error usage  `--start-at-task` names no task that is known before the run, or one that the tags
/// leave out; with a hint
Result<void> check_start_task(const play::Site& site, const engine::RunOptions& options);

/// Runs the site on its hosts. @return the exit code
int run_site(Session& session,
             LoadedSite& site,
             const CommonOptions& options,
             report::Sink& output);

/// The folders of playbooks, for their group_vars and host_vars. @error file_not_found
Result<std::vector<std::string>> playbook_folders(const std::vector<std::string>& playbooks);

}  // namespace gpustack::cli
