#include "core/vault/files.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

namespace gpustack::vault {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kModeBits = 07777;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

Error read_error(const std::string& path, int code) {
  return Error(code == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unreadable,
               "cannot read '" + path + "': " + std::strerror(code));
}

Error write_error(const std::string& path, const std::string& step, int code) {
  return Error(ErrorCode::file_unwritable,
               "cannot write '" + path + "': " + step + ": " + std::strerror(code));
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A file beside the one it is to replace: in the same folder, so that a rename does it.
class Beside {
 public:
  explicit Beside(const fs::path& target)
      : path_((target.parent_path() / ("." + target.filename().string().substr(0, 200) + ".XXXXXX"))
                  .string()),
        file_(::mkostemp(path_.data(), O_CLOEXEC)) {}
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside() {
    if (file_.is_open() && !is_placed_) ::unlink(path_.c_str());
  }

  [[nodiscard]] bool is_open() const { return file_.is_open(); }
  [[nodiscard]] int number() const { return file_.number(); }
  [[nodiscard]] const char* path() const { return path_.c_str(); }
  void placed() { is_placed_ = true; }

 private:
  std::string path_;
  Descriptor file_;
  bool is_placed_ = false;
};

void sync_folder(const fs::path& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.is_open()) ::fsync(opened.number());
}

/// Owner and mode come before the content, which is nobody else's until then.
Result<void> fill(const Beside& file,
                  const std::string& target,
                  std::string_view content,
                  const struct stat* like,
                  Readers readers) {
  const int number = file.number();
  if (like != nullptr) {
    struct stat made {};
    const bool is_known = ::fstat(number, &made) == 0;
    const bool is_ours = is_known && made.st_uid == like->st_uid && made.st_gid == like->st_gid;
    if (!is_ours && ::fchown(number, like->st_uid, like->st_gid) != 0) {
      return write_error(target, "its owner cannot be kept", errno)
          .hint("run as its owner, or as root");
    }
    const mode_t mode = readers == Readers::owner ? kOwnerOnly : like->st_mode & kModeBits;
    if (::fchmod(number, mode) != 0) return write_error(target, "its mode cannot be set", errno);
  }
  if (!write_all(number, content) || ::fsync(number) != 0)
    return write_error(target, "the new content", errno);
  return {};
}

/// Random bytes over a file's own; as far as that goes: a disk or file system may keep copies.
void overwrite(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || ::lseek(descriptor, 0, SEEK_SET) != 0) return;
  std::array<unsigned char, 65536> noise{};
  for (off_t left = status.st_size; left > 0; left -= static_cast<off_t>(noise.size())) {
    if (RAND_bytes(noise.data(), noise.size()) != 1) return;
    const auto size = std::min<std::size_t>(noise.size(), static_cast<std::size_t>(left));
    if (!write_all(descriptor, {reinterpret_cast<const char*>(noise.data()), size})) return;
  }
  ::fsync(descriptor);
}

/// Overwrites what `descriptor` refers to, once no name leads there any more: another hard link is
/// another's file.
void overwrite_if_unlinked(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || status.st_nlink != 0) return;
  ::fchmod(descriptor, kOwnerOnly);  // it may have been read-only
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const Descriptor writable(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (writable.is_open()) overwrite(writable.number());
}

/// `path` if it is a folder that nobody else can look into.
std::optional<std::string> private_base(const char* path) {
  struct stat status {};
  if (path == nullptr || ::stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) return {};
  if (status.st_uid != ::geteuid() || (status.st_mode & 0077U) != 0) return {};
  return path;
}

std::string base_folder() {
  if (const char* chosen = std::getenv("ANSIBLE_LOCAL_TEMP")) {
    std::error_code problem;
    fs::create_directories(chosen, problem);
    if (fs::is_directory(chosen, problem)) return chosen;
  }
  if (auto runtime = private_base(std::getenv("XDG_RUNTIME_DIR"))) return *runtime;
  std::error_code problem;
  if (fs::is_directory("/dev/shm", problem) && ::access("/dev/shm", W_OK) == 0) return "/dev/shm";
  const fs::path temporary = fs::temp_directory_path(problem);
  return problem ? "/tmp" : temporary.string();
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return read_error(path, errno);
  std::string content;
  std::vector<char> buffer(65536);
  while (true) {
    const ssize_t got = ::read(file.number(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_error(path, errno);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string home_expanded(std::string path) {
  const char* home = std::getenv("HOME");
  if (home != nullptr && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, home);
  return path;
}

std::string real_path(const std::string& path) {
  std::error_code problem;
  const fs::path real = fs::weakly_canonical(fs::absolute(path, problem), problem);
  return problem ? path : real.string();
}

Result<void> replace_file(const std::string& path,
                          std::string_view content,
                          Readers readers,
                          OldBytes old_bytes) {
  const std::string target = real_path(path);
  struct stat before {};
  const bool is_there = ::stat(target.c_str(), &before) == 0;
  if (is_there && !S_ISREG(before.st_mode)) {
    return Error(ErrorCode::file_unwritable, "cannot write '" + path + "': it is no regular file")
        .hint("'-' is standard output");
  }
  const bool overwrites = is_there && old_bytes == OldBytes::overwritten;
  const Descriptor old(overwrites ? ::open(target.c_str(), O_RDONLY | O_CLOEXEC) : -1);
  Beside file(target);
  if (!file.is_open()) return write_error(path, "no file can be made in its folder", errno);
  GS_TRY_VOID(fill(file, path, content, is_there ? &before : nullptr, readers));
  if (::rename(file.path(), target.c_str()) != 0) return write_error(path, "rename", errno);
  file.placed();
  sync_folder(fs::path(target).parent_path());
  if (old.is_open()) overwrite_if_unlinked(old.number());
  return {};
}

Result<void> create_file(const std::string& path, std::string_view content) {
  const fs::path target = fs::absolute(path);
  Beside file(target);
  if (!file.is_open()) return write_error(path, "no file can be made in its folder", errno);
  GS_TRY_VOID(fill(file, path, content, nullptr, Readers::owner));
  // A link fails where a rename would take the place of what came in the meantime.
  if (::link(file.path(), target.c_str()) != 0) {
    if (errno != EPERM && errno != EOPNOTSUPP) return write_error(path, "link", errno);
    struct stat status {};
    if (::lstat(target.c_str(), &status) == 0) return write_error(path, "link", EEXIST);
    if (::rename(file.path(), target.c_str()) != 0) return write_error(path, "rename", errno);
    file.placed();
  }
  sync_folder(target.parent_path());
  return {};
}

Result<PrivateFolder> PrivateFolder::make() {
  std::string path = base_folder() + "/gpustack-vault-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr)
    return write_error(path, "a folder for the plain text", errno);
  return PrivateFolder(std::move(path));
}

PrivateFolder::PrivateFolder(PrivateFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

PrivateFolder::~PrivateFolder() {
  if (path_.empty()) return;
  std::error_code problem;
  fs::recursive_directory_iterator entry(path_, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    std::error_code unknown;
    if (!entry->is_regular_file(unknown) || entry->is_symlink(unknown)) continue;
    const Descriptor file(::open(entry->path().c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (file.is_open()) overwrite(file.number());
  }
  fs::remove_all(path_, problem);
}

}  // namespace gpustack::vault
