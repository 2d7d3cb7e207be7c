#include "modules/runner/own_file.hpp"

#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/remove_tree.hpp"
#include "modules/sdk/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <memory>
#include <vector>

namespace gpustack::runner {

namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr long kNfsMagic = 0x6969;
constexpr std::array<const char*, 3> kBases = {"/var/tmp", "/tmp", "/dev/shm"};
constexpr std::string_view kPrefix = "gpustack-copy-";
/// Between its creation and its lock a copy is young.
constexpr std::time_t kYoung = 60;

std::string own_path() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink(kSelf, path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

bool is_same_file(const std::string& path) {
  // Opened, not examined by name: qemu's user emulation answers stat() of its own program, but
  // opens ours.
  const modules::Descriptor self(::open(kSelf, O_RDONLY | O_CLOEXEC));
  struct stat ours {};
  struct stat found {};
  return self.is_open() && ::fstat(self.get(), &ours) == 0 && ::stat(path.c_str(), &found) == 0 &&
         ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

// Others may pass through every folder and execute the file.
bool is_open_to_all(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || (found.st_mode & 05U) != 05U) return false;
  for (std::string folder = modules::parent_folder(path);;
       folder = modules::parent_folder(folder)) {
    if (::stat(folder.c_str(), &found) != 0 || (found.st_mode & 01U) == 0) return false;
    if (folder == "/" || folder == ".") return true;
  }
}

// An NFS server may treat root as nobody.
bool is_on_nfs(const std::string& path) {
  struct statfs found {};
  return ::statfs(path.c_str(), &found) == 0 && found.f_type == kNfsMagic;
}

bool copy_file(const std::string& to) {
  const modules::Descriptor from(::open(kSelf, O_RDONLY | O_CLOEXEC));
  const modules::Descriptor into(
      ::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0700));
  if (!from.is_open() || !into.is_open()) return false;
  std::string buffer(256U << 10U, '\0');
  while (true) {
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0) return false;
    if (got == 0) break;
    if (modules::write_fully(into.get(),
                             std::string_view(buffer.data(), static_cast<std::size_t>(got))) != 0)
      return false;
  }
  return ::fchmod(into.get(), 0755) == 0;
}

modules::Descriptor open_folder(const std::string& path) {
  return modules::Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// A copy whose runner was killed: ours, not young, and nobody holds its lock.
bool is_stale(const std::string& path) {
  const modules::Descriptor folder = open_folder(path);
  struct stat found {};
  return folder.is_open() && ::fstat(folder.get(), &found) == 0 && found.st_uid == ::geteuid() &&
         std::time(nullptr) - found.st_mtime > kYoung &&
         ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_stale_copies(const char* base) {
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  std::vector<std::string> stale;
  const std::unique_ptr<DIR, Close> open(::opendir(base));
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    const std::string path = std::string(base) + "/" + entry->d_name;
    if (std::string_view(entry->d_name).starts_with(kPrefix) && is_stale(path))
      stale.push_back(path);
  }
  for (const std::string& path : stale) modules::remove_tree_at(path);
}

}  // namespace

Result<std::string> OwnFile::path_for(Reader reader) {
  if (reader == Reader::same_user) return std::string(kSelf);
  const std::string path = own_path();
  const bool usable = !path.empty() && is_same_file(path);
  if (usable && (is_open_to_all(path) || (reader == Reader::root && !is_on_nfs(path)))) return path;
  if (reader == Reader::root && !usable) return "/proc/" + std::to_string(::getpid()) + "/exe";
  return copy();
}

Result<std::string> OwnFile::copy() {
  remove_copy();
  for (const char* base : kBases) remove_stale_copies(base);
  for (const char* base : kBases) {
    std::string folder = std::string(base) + "/" + std::string(kPrefix) + "XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) continue;
    copy_folder_ = folder;
    lock_ = open_folder(folder);
    const std::string path = folder + "/gpustack-runner";
    // access() also knows file systems that execute nothing.
    if (lock_.is_open() && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0 &&
        ::chmod(folder.c_str(), 0755) == 0 && copy_file(path) && ::access(path.c_str(), X_OK) == 0)
      return path;
    remove_copy();
  }
  return Error(ErrorCode::become_failed,
               "no folder for a copy of the runner that the other user can execute")
      .hint(
          "/var/tmp, /tmp and /dev/shm were tried; one of them must be writable and not mounted "
          "noexec");
}

void OwnFile::remove_copy() {
  if (!copy_folder_.empty()) modules::remove_tree_at(copy_folder_);
  copy_folder_.clear();
  lock_.reset();
}

}  // namespace gpustack::runner
