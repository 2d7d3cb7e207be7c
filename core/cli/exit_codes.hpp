#pragma once
/// @file The exit codes of `gpustack`; docs/exit-codes.md is their documentation.

#include "core/base/error.hpp"

namespace gpustack::cli {

enum ExitCode : int {
  kOk = 0,
  kOtherError = 1,
  kFailedHosts = 2,
  kUnreachable = 4,  ///< wins over kFailedHosts
  kUsage = 5,
  kSiteDoesNotLoad = 7,
  kFailureBudget = 8,
  kChanges = 10,  ///< with --detailed-exitcode
  kGuard = 12,
  kLocked = 13,
  kStopped = 99,  ///< by the first Ctrl-C
  kInterrupted = 130,
  kTerminated = 143,
  kBug = 250,
};

/// A command line that does not parse ends Ansible's programs, and so our verbs in their place,
/// with argparse's code. Options that do not go together are kUsage for them, too.
inline constexpr int kAnsibleUsage = 2;

/// What ansible-playbook ends with for the same reason.
/// @source ansible-core 2.14: bin/ansible (exceptions) and executor/task_queue_manager.py
constexpr int ansible_exit_code(ExitCode code) {
  switch (code) {
    case kSiteDoesNotLoad:
      return 4;
    case kGuard:
    case kLocked:
      return 2;
    default:
      return code;
  }
}

/// The code for an error found before any host was touched: what stands on the command line itself
/// is its fault, what stands in a file is the site's.
inline ExitCode code_before_run(const Error& error) {
  const SourceFile* file = error.span().file;
  const bool from_options = file != nullptr && file->path().starts_with("--");
  return error.code() == ErrorCode::usage || from_options ? kUsage : kSiteDoesNotLoad;
}

/// The same for the verbs in Ansible's manner, before ansible_exit_code(): an inventory or a
/// pattern that fails is no fault of the playbook.
inline ExitCode ansible_code_before_run(const Error& error) {
  switch (error.code()) {
    case ErrorCode::inventory_syntax:
    case ErrorCode::inventory_script:
    case ErrorCode::inventory_loop:
    case ErrorCode::host_pattern:
    case ErrorCode::unknown_host:
    case ErrorCode::file_not_found:
    case ErrorCode::file_unreadable:
      return kOtherError;
    case ErrorCode::config_invalid:
      return kUsage;
    default:
      return code_before_run(error);
  }
}

}  // namespace gpustack::cli
