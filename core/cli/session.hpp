#pragma once
/// @file What the options of the command line come to: an inventory and a run's options.

#include "core/cli/options.hpp"
#include "core/config/site_config.hpp"
#include "core/engine/state.hpp"
#include "core/play/loader.hpp"
#include "core/report/timings.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gpustack::transport {
struct HeldConnections;
}

namespace gpustack::cli {

/// Where runners and shipped roles are: beside the program as built, or as installed.
struct Places {
  std::string runners;
  std::string roles;
};

/// What a run needs beyond its playbooks.
struct Session {
  engine::RunOptions run;
  config::SiteConfig settings;
  Places places;
  std::unique_ptr<Teller> teller;
  std::unique_ptr<yaml::VaultReader> vault;
  inventory::Inventory inventory;
  std::vector<std::string> collection_paths;
  /// Where a run leaves its connections for the next one; null = it closes them. Outlives it.
  std::unique_ptr<transport::HeldConnections>* left = nullptr;
  engine::TaskObserver* observer = nullptr;  ///< looks on at runs; outlives them
  report::Timings* timings = nullptr;        ///< asked for; outlives runs
  play::TaskFaults task_faults = play::TaskFaults::refuse;
  bool warns_of_localhost = true;  ///< in Ansible's manner, of an inventory without hosts
};

/// @param playbook_folders  folders of the playbooks named: their group_vars and host_vars count,
/// and the gpustack.yml of the first; without any, the one of the current folder
Result<Session> make_session(const CommonOptions& options,
                             const std::vector<std::string>& playbook_folders);

/// Prints what the inventory warns of and was not printed before.
void tell_warnings(inventory::Inventory& inventory, Teller& teller);

/// What a host pattern of the command line means. @error usage  no host or group fits it
Result<void> check_pattern(const Session& session, const std::string& pattern);

/// The renderer of `--output` or gpustack.yml, or the one that fits stdout. @error usage
Result<std::unique_ptr<report::Sink>> make_output(const CommonOptions& options,
                                                  const Session& session);

}  // namespace gpustack::cli
