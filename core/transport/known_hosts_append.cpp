#include "core/transport/file_io.hpp"
#include "core/transport/known_hosts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace gpustack::transport {

namespace {

constexpr std::size_t kLargestFile = 64U << 20U;

Error cannot_write(const std::string& path, int reason) {
  return Error(ErrorCode::file_unreadable,
               fmt::format("cannot write '{}': {}", path, errno_text(reason)));
}

/// A known_hosts file that is a symbolic link stays one: its target is what gets replaced.
std::string resolved(const std::string& path) {
  std::error_code failure;
  const auto real = std::filesystem::canonical(path, failure);
  return failure ? path : real.string();
}

/// The temporary file, removed unless it was renamed.
class Replacement {
 public:
  explicit Replacement(const std::string& path) : path_(path), temporary_(path + ".XXXXXX") {
    file_.reset(::mkostemp(temporary_.data(), O_CLOEXEC));
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() {
    if (file_.is_open() && !is_done_) ::unlink(temporary_.c_str());
  }

  Result<void> fill(std::string_view text, const struct stat* like) {
    if (!file_.is_open()) return cannot_write(path_, errno);
    if (const int reason = write_all(file_.get(), text); reason != 0)
      return cannot_write(path_, reason);
    if (::fchmod(file_.get(), like == nullptr ? 0600 : like->st_mode & 07777) != 0)
      return cannot_write(path_, errno);
    if (like != nullptr && (like->st_uid != ::geteuid() || like->st_gid != ::getegid()) &&
        ::fchown(file_.get(), like->st_uid, like->st_gid) != 0) {
      return cannot_write(path_, errno);
    }
    if (::fsync(file_.get()) != 0) return cannot_write(path_, errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot_write(path_, errno);
    is_done_ = true;
    return {};
  }

 private:
  std::string path_;
  std::string temporary_;
  FileHandle file_;
  bool is_done_ = false;
};

}  // namespace

Result<void> append_known_hosts(const std::string& named_path,
                                const std::vector<NewHostKey>& lines) {
  const std::string path = resolved(named_path);
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code failure;
  if (!folder.empty() && std::filesystem::create_directories(folder, failure) &&
      folder.filename() == ".ssh") {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failure);
  }
  // The folder is what gets locked: the file itself is replaced, so a lock on it would guard the
  // old one.
  const std::string lock_path = folder.empty() ? "." : folder.string();
  const FileHandle lock(::open(lock_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.is_open()) return cannot_write(path, errno);
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return cannot_write(path, errno);
  }
  struct stat status = {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) return {};
  std::string text;
  if (exists) {
    GS_TRY(text, read_file(path, kLargestFile));
  }
  KnownHosts present;
  present.add_text(path, text);
  const std::size_t size_before = text.size();
  for (const NewHostKey& line : lines) {
    if (present.check(line.host, line.port, line.key).kind == HostKeyVerdict::Kind::known) continue;
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    text += fmt::format(
        "{} {} {}\n", known_hosts_name(line.host, line.port), line.key.type, line.key.base64);
  }
  if (text.size() == size_before) return {};
  Replacement replacement(path);
  GS_TRY_VOID(replacement.fill(text, exists ? &status : nullptr));
  ::fsync(lock.get());
  return {};
}

}  // namespace gpustack::transport
