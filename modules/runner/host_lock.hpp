#pragma once
/// @file One run per host at a time, and no controller that was replaced.

#include "core/wire/session.hpp"
#include "modules/sdk/descriptor.hpp"

#include <cstdint>
#include <string>

namespace gpustack::runner {

/// The kernel frees the lock when this process ends, however it ends; there is nothing to unlock.
class HostLock {
 public:
  /// Exclusive: one holder. Shared (dry runs): several, and none beside an exclusive one; makes no
  /// file.
  /// @error locked  names the holder
  Result<void> take(const wire::Hello& hello);

 private:
  modules::Descriptor file_;
};

/// Keeps the highest fence seen on this host. @param writes  false in a dry run, which leaves no
/// trace
/// @return the highest fence now  @error locked  the hello's fence is lower
Result<std::int64_t> check_fence(const wire::Hello& hello, bool writes);

}  // namespace gpustack::runner
