#include "modules/sdk/random_name.hpp"

#include "core/base/result.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/random.h>

#include <array>
#include <string_view>

namespace gpustack::modules {

std::string random_name() {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyz012345";  // 32: every byte gives one without bias
  std::array<unsigned char, 16> bytes{};
  GS_ASSERT(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "the kernel gives up to 256 bytes at once");
  std::string out;
  for (const unsigned char byte : bytes) out += kLetters[byte % kLetters.size()];
  return out;
}

}  // namespace gpustack::modules
