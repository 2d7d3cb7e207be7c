#pragma once
/// @file What the command line and the configuration ask of a run.

#include "core/base/value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gpustack::engine {

/// Settings of one run. Connection and become values here are the defaults below every variable
/// (precedence level 1).
struct RunOptions {
  bool check = false;
  bool diff = false;
  int verbosity = 0;
  std::size_t forks = 50;           ///< tasks running at once over all hosts
  Value extra_vars = Value(Map());  ///< `-e`, highest precedence
  std::vector<std::string> tags{"all"};
  std::vector<std::string> skip_tags;
  std::string limit;
  std::string start_at_task;
  bool step = false;  ///< ask before each task
  bool force_handlers = false;
  bool error_on_missing_handler = true;
  bool any_errors_fatal = false;  ///< where no keyword says otherwise; so the three that follow
  bool no_log = false;
  std::int64_t task_timeout = 0;    ///< seconds; 0 = none
  std::int64_t poll_interval = 15;  ///< seconds between looks at a background task
  std::int64_t remote_port = 0;     ///< 0 = ssh's own
  std::string become_executable, become_flags;
  bool become_same_user = false;  ///< also where the user is the one already
  bool show_custom_stats = false;
  bool recap_after_error = true;  ///< also when an error ended the run; Ansible shows none then
  std::string strategy = "linear";
  bool pipelining = true;      ///< tasks are sent before the results of those ahead are back
  bool timings = false;        ///< events say how long tasks took
  Value gather_subset;         ///< list; null = all
  bool facts_as_read = false;  ///< plays that do not ask for facts get those that the site reads
  std::string managed_text = "Ansible managed";  ///< ansible_managed
  std::string config_file;                       ///< the ansible.cfg that was read; empty = none
  std::optional<std::string> remote_user;
  std::optional<std::string> private_key_file;
  std::optional<std::string> connection;
  std::string ssh_args;  ///< as ansible_ssh_args; so the two that follow
  std::string ssh_common_args;
  std::string ssh_extra_args;
  std::optional<std::int64_t> timeout;  ///< seconds for the connection to stand
  std::optional<bool> become;
  std::optional<std::string> become_user;
  std::optional<std::string> become_method;
  Value become_password;      ///< secret; null = none
  Value connection_password;  ///< secret; null = none
  bool host_key_checking = true;
  std::string gathering = "implicit";  ///< implicit, explicit or smart
  bool merge_hashes = false;           ///< hash_behaviour=merge
  std::string fact_cache_folder;       ///< empty = facts last for one run
  std::string fact_cache_prefix;
  std::int64_t fact_cache_seconds = 0;  ///< 0 = for ever
  bool native_templates = false;        ///< jinja2_native
  std::vector<std::string> role_paths;
  std::vector<std::string> library_paths;
  std::vector<std::string>
      playbook_folders;  ///< whose group_vars and host_vars count as beside the playbook
};

}  // namespace gpustack::engine
