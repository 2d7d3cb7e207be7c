#include "modules/sdk/attribute_flags.hpp"
#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/remove_tree.hpp"
#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace gpustack::modules {

namespace {

constexpr int kTries = 100;

timespec timespec_of(std::optional<std::chrono::nanoseconds> time) {
  if (!time) return timespec{0, UTIME_OMIT};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
  return timespec{static_cast<time_t>(seconds.count()),
                  static_cast<long>((*time - seconds).count())};
}

/// Runs `make(name)` with fresh names beside `path` until one is not taken, then moves the result
/// over `path`.
template <typename Make>
int replace_by(const std::string& path, Make make) {
  for (int i = 0; i < kTries; ++i) {
    const std::string temporary = join_path(parent_folder(path), ".gpustack-" + random_name());
    if (make(temporary) != 0) {
      if (errno == EEXIST) continue;
      return errno;
    }
    if (::rename(temporary.c_str(), path.c_str()) == 0) {
      // Two names of one file: rename() then does nothing and leaves both.
      ::unlink(temporary.c_str());
      return 0;
    }
    const int problem = errno;
    ::unlink(temporary.c_str());
    return problem;
  }
  return EEXIST;
}

}  // namespace

Result<void> RealSystem::make_directory(const std::string& path, std::uint32_t mode) {
  const std::string full = in_root(path);
  if (::mkdir(full.c_str(), mode & 0777U) != 0) {
    struct stat found {};
    const int problem = errno;
    if (problem == EEXIST && ::stat(full.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
    return system_error("make the folder", path, problem);
  }
  // mkdir() is subject to the umask and knows no special bits; a set-group-ID bit from the parent
  // stays.
  struct stat made {};
  if (::stat(full.c_str(), &made) == 0 &&
      ::chmod(full.c_str(), mode | (made.st_mode & S_ISGID)) == 0)
    return {};
  return system_error("set the mode of", path, errno);
}

Result<void> RealSystem::remove_file(const std::string& path) {
  if (::unlink(in_root(path).c_str()) != 0) return system_error("remove", path, errno);
  return {};
}

Result<void> RealSystem::remove_tree(const std::string& path) {
  const int problem = remove_tree_at(in_root(path));
  if (problem != 0) return system_error("remove", path, problem);
  return {};
}

Result<void> RealSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(in_root(from).c_str(), in_root(to).c_str()) != 0)
    return system_error("rename", from, errno);
  return {};
}

Result<void> RealSystem::make_symlink(const std::string& target, const std::string& path) {
  const std::string full = in_root(path);
  if (::symlink(target.c_str(), full.c_str()) == 0) return {};
  int problem = errno;
  if (problem == EEXIST) {
    problem = replace_by(
        full, [&](const std::string& name) { return ::symlink(target.c_str(), name.c_str()); });
  }
  if (problem != 0) return system_error("make the link", path, problem);
  return {};
}

Result<void> RealSystem::make_hardlink(const std::string& target, const std::string& path) {
  const std::string source = in_root(target);
  const std::string full = in_root(path);
  if (::link(source.c_str(), full.c_str()) == 0) return {};
  int problem = errno;
  if (problem == EEXIST) {
    problem = replace_by(
        full, [&](const std::string& name) { return ::link(source.c_str(), name.c_str()); });
  }
  if (problem != 0) return system_error("make the hard link", path, problem);
  return {};
}

Result<void> RealSystem::set_mode(const std::string& path, std::uint32_t mode) {
  if (::chmod(in_root(path).c_str(), mode) != 0)
    return system_error("set the mode of", path, errno);
  return {};
}

Result<void> RealSystem::set_owner(const std::string& path, Ownership owner, bool follow) {
  const uid_t uid = owner.uid.value_or(static_cast<uid_t>(-1));
  const gid_t gid = owner.gid.value_or(static_cast<gid_t>(-1));
  const int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fchownat(AT_FDCWD, in_root(path).c_str(), uid, gid, flags) != 0)
    return system_error("set the owner of", path, errno);
  return {};
}

Result<void> RealSystem::set_times(const std::string& path,
                                   std::optional<std::chrono::nanoseconds> accessed,
                                   std::optional<std::chrono::nanoseconds> modified) {
  const std::array<timespec, 2> times{timespec_of(accessed), timespec_of(modified)};
  if (::utimensat(AT_FDCWD, in_root(path).c_str(), times.data(), 0) != 0)
    return system_error("set the times of", path, errno);
  return {};
}

Result<void> RealSystem::set_attribute_flags(const std::string& path, std::string_view flags) {
  const Descriptor file(
      ::open(in_root(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  int bits = 0;
  if (!file.is_open() || ::ioctl(file.get(), FS_IOC_GETFLAGS, &bits) != 0) {
    return system_error("read the attributes of", path, errno);
  }
  GS_TRY(const std::uint32_t wanted, apply_attribute_text(static_cast<std::uint32_t>(bits), flags));
  bits = static_cast<int>(wanted);
  if (::ioctl(file.get(), FS_IOC_SETFLAGS, &bits) != 0)
    return system_error("set the attributes of", path, errno);
  return {};
}

Result<void> RealSystem::write_kernel_file(const std::string& path, std::string_view text) {
  const Descriptor file(::open(in_root(path).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) return system_error("write", path, errno);
  // The kernel takes a value in one write() or refuses it.
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written < 0) return system_error("write '" + std::string(trim(text)) + "' to", path, errno);
  if (static_cast<std::size_t>(written) != text.size()) {
    return Error(ErrorCode::file_operation,
                 "the kernel took only a part of what was written to '" + path + "'");
  }
  return {};
}

Result<std::string> RealSystem::make_temporary(const std::string& folder,
                                               std::string_view prefix,
                                               std::string_view suffix,
                                               FileKind kind) {
  std::string where = folder;
  if (where.empty() && options_.hooks.temporary_folder) {
    GS_TRY(where, options_.hooks.temporary_folder());
  }
  if (where.empty()) where = environment("TMPDIR");
  if (where.empty()) where = "/tmp";
  for (int i = 0; i < kTries; ++i) {
    const std::string path =
        join_path(where, std::string(prefix) + random_name() + std::string(suffix));
    const std::string full = in_root(path);
    if (kind == FileKind::directory) {
      if (::mkdir(full.c_str(), 0700) == 0) return path;
    } else {
      const Descriptor file(
          ::open(full.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (file.is_open()) return path;
    }
    if (errno != EEXIST) return system_error("make a temporary file in", where, errno);
  }
  return system_error("make a temporary file in", where, EEXIST);
}

}  // namespace gpustack::modules
