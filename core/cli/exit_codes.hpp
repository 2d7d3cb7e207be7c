#pragma once
/// @file The exit codes of `gpustack`; docs/exit-codes.md is their documentation.

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

}  // namespace gpustack::cli
