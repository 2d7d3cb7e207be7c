#include "modules/sdk/descriptor.hpp"

#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gpustack::modules {

void Descriptor::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("make a pipe", {}, errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Error system_error(const std::string& what, const std::string& path, int number) {
  std::string reason = std::strerror(number);
  if (!reason.empty()) reason[0] = lower(reason.substr(0, 1))[0];
  const bool full = number == ENOSPC || number == EDQUOT;
  std::string message = "cannot " + what;
  if (!path.empty()) message += " '" + path + "'";
  return Error(full ? ErrorCode::no_space : ErrorCode::file_operation, message + ": " + reason);
}

int write_fully(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace gpustack::modules
