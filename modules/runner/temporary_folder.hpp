#pragma once
/// @file The runner's own temporary folder: made when first needed, gone when the runner ends.

#include "core/base/result.hpp"

#include <mutex>
#include <string>

namespace gpustack::runner {

/// Thread: path() from any.
class TemporaryFolder {
 public:
  /// @param home  the user's home folder; where it cannot be written, /tmp serves
  explicit TemporaryFolder(std::string home);
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  /// Mode 0700. @error file_operation, no_space
  Result<std::string> path();
  /// Removes folders of runners that are no longer alive, and uploads that have not grown for an
  /// hour.
  void remove_stale() const;

 private:
  std::string base_;
  std::mutex mutex_;
  std::string path_;
};

}  // namespace gpustack::runner
