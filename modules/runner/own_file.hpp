#pragma once
/// @file The runner's own file, as another user may execute it.

#include "core/base/result.hpp"
#include "modules/sdk/descriptor.hpp"

#include <string>

namespace gpustack::runner {

/// A path under which a user can execute this program; a copy is removed with the object. A copy
/// is locked while its runner lives; the next one to need a copy removes those of killed runners.
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
  modules::Descriptor lock_;
};

}  // namespace gpustack::runner
