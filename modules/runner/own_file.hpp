#pragma once
/// @file The runner's own file, as another user may execute it.

#include "core/base/result.hpp"

#include <string>

namespace gpustack::runner {

/// A path under which a user can execute this program; a copy is removed with the object.
class OwnFile {
 public:
  enum class Reader { same_user, root, other };

  OwnFile() = default;
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;
  ~OwnFile() { remove_copy(); }

  /// @error become_failed  no folder allows a copy that others can execute
  Result<std::string> path_for(Reader reader);
  /// The child runs: its file needs no name any more.
  void remove_copy();

 private:
  Result<std::string> copy();
  std::string copy_folder_;
};

}  // namespace gpustack::runner
