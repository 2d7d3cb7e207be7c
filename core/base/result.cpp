#include "core/base/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace gpustack {

void assertion_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(
      stderr, "gpustack: bug at %s:%d: '%s' does not hold: %s\n", file, line, condition, why);
  std::abort();
}

}  // namespace gpustack
