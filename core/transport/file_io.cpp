#include "core/transport/file_io.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace gpustack::transport {

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  if (this != &other) reset(other.release());
  return *this;
}

int FileHandle::release() { return std::exchange(descriptor_, -1); }

void FileHandle::reset(int descriptor) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = descriptor;
}

std::string errno_text(int number) { return std::generic_category().message(number); }

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) {
    const int reason = errno;
    const ErrorCode code =
        reason == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unreadable;
    return Error(code, fmt::format("cannot read '{}': {}", path, errno_text(reason)));
  }
  std::string text;
  char piece[65536];
  for (;;) {
    const ssize_t count = ::read(file.get(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Error(ErrorCode::file_unreadable,
                   fmt::format("cannot read '{}': {}", path, errno_text(errno)));
    }
    if (count == 0) return text;
    text.append(piece, static_cast<std::size_t>(count));
    if (text.size() > limit) {
      return Error(ErrorCode::file_unreadable,
                   fmt::format("'{}' is larger than {} bytes", path, limit));
    }
  }
}

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace gpustack::transport
