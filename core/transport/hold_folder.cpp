#include "core/transport/hold_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

namespace gpustack::transport {

namespace {

constexpr std::string_view kLock = ".lock";
constexpr int kBacklog = 16;

FileHandle make_socket() {
  return FileHandle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// Through the open folder. @return nothing when the name is too long
std::optional<sockaddr_un> address_of(int folder, const std::string& name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", folder, name);
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// @return 0 or errno
int connect_to(int socket, int folder, const std::string& name) {
  const auto address = address_of(folder, name);
  if (!address) return ENAMETOOLONG;
  const auto* raw = reinterpret_cast<const sockaddr*>(&*address);
  return ::connect(socket, raw, sizeof *address) == 0 ? 0 : errno;
}

Error unwritable(const std::string& path, std::string_view what, int reason) {
  return Error(ErrorCode::file_unwritable,
               fmt::format("cannot {} in '{}': {}", what, path, errno_text(reason)));
}

/// What is wrong with a folder that should be ours alone; empty when nothing is.
std::string fault_of(const struct stat& info) {
  if (info.st_uid != ::geteuid()) return fmt::format("it belongs to user {}", info.st_uid);
  if ((info.st_mode & 077U) != 0)
    return fmt::format("its mode is {:04o}, so that others may enter it", info.st_mode & 07777U);
  return {};
}

}  // namespace

bool is_peer_own(int socket) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

std::string HoldFolder::default_path(const std::string& home) {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  struct stat info = {};
  if (runtime != nullptr && *runtime == '/' && ::stat(runtime, &info) == 0 &&
      info.st_uid == ::geteuid())
    return std::string(runtime) + "/gpustack";
  return home + "/.cache/gpustack-connections";
}

Result<HoldFolder> HoldFolder::open(const std::string& path, Missing missing) {
  if (missing == Missing::make) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return Error(ErrorCode::file_unreadable,
                   fmt::format("cannot make the folder '{}': {}", path, errno_text(errno)));
    }
  }
  FileHandle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.is_open()) {
    const int reason = errno;
    return Error(reason == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unwritable,
                 fmt::format("cannot open the folder '{}': {}", path, errno_text(reason)));
  }
  struct stat info = {};
  const std::string fault = ::fstat(folder.get(), &info) == 0 ? fault_of(info) : errno_text(errno);
  if (!fault.empty()) {
    return Error(ErrorCode::file_unwritable,
                 fmt::format("the folder '{}' is not ours alone: {}", path, fault))
        .hint("remove it, or set 'persist: false' in gpustack.yml");
  }
  return HoldFolder(path, std::move(folder));
}

FileHandle HoldFolder::connect(const std::string& name) const {
  FileHandle socket = make_socket();
  if (!socket.is_open() || connect_to(socket.get(), folder_.get(), name) != 0 ||
      !is_peer_own(socket.get()))
    return FileHandle();
  return socket;
}

FileHandle HoldFolder::lock() const {
  FileHandle file(::openat(
      folder_.get(), kLock.data(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600));
  while (file.is_open() && ::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) file.reset();
  }
  return file;
}

Result<HoldListener> HoldFolder::listen(const std::string& name) const {
  const FileHandle held = lock();
  if (!held.is_open()) return unwritable(path_, "lock names", errno);
  const std::string fresh = fmt::format("new.{}", ::getpid());
  HoldListener listener;
  listener.socket = make_socket();
  if (!listener.socket.is_open()) return unwritable(path_, "make a socket", errno);
  const auto address = address_of(folder_.get(), fresh);
  if (!address) return unwritable(path_, "name a socket", ENAMETOOLONG);
  ::unlinkat(folder_.get(), fresh.c_str(), 0);
  if (::bind(listener.socket.get(),
             reinterpret_cast<const sockaddr*>(&*address),
             sizeof *address) != 0 ||
      ::listen(listener.socket.get(), kBacklog) != 0)
    return unwritable(path_, "listen", errno);
  struct stat info = {};
  if (::fstatat(folder_.get(), fresh.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fchmodat(folder_.get(), fresh.c_str(), 0600, 0) != 0 ||
      ::renameat(folder_.get(), fresh.c_str(), folder_.get(), name.c_str()) != 0) {
    const int reason = errno;
    ::unlinkat(folder_.get(), fresh.c_str(), 0);
    return unwritable(path_, "name a socket", reason);
  }
  listener.inode = info.st_ino;
  return listener;
}

bool HoldFolder::leads_to(const std::string& name, ino_t inode) const {
  struct stat info = {};
  return ::fstatat(folder_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         info.st_ino == inode;
}

void HoldFolder::remove(const std::string& name, ino_t inode) const {
  const FileHandle held = lock();
  if (held.is_open() && leads_to(name, inode)) ::unlinkat(folder_.get(), name.c_str(), 0);
}

std::vector<std::string> HoldFolder::names() const {
  std::vector<std::string> names;
  // A descriptor of its own: reading moves a place that all copies share.
  FileHandle copy(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* folder = copy.is_open() ? ::fdopendir(copy.get()) : nullptr;
  if (folder == nullptr) return names;
  copy.release();
  while (const dirent* entry = ::readdir(folder)) {
    struct stat info = {};
    if (::fstatat(folder_.get(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISSOCK(info.st_mode))
      names.emplace_back(entry->d_name);
  }
  ::closedir(folder);
  return names;
}

void HoldFolder::sweep() const {
  const FileHandle held = lock();
  if (!held.is_open()) return;
  for (const std::string& name : names()) {
    const FileHandle probe = make_socket();
    if (probe.is_open() && connect_to(probe.get(), folder_.get(), name) == ECONNREFUSED)
      ::unlinkat(folder_.get(), name.c_str(), 0);
  }
}

}  // namespace gpustack::transport
