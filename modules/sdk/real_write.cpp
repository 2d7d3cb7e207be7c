#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/hash.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/real_system.hpp"
#include "modules/sdk/text.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace gpustack::modules {

struct RealSystem::Source {
  std::uint64_t size = 0;
  std::function<Result<void>(const SystemHooks::Sink&)> deliver;
};

namespace {

constexpr std::uint64_t kWorthAsking = 1U << 20U;

Error full_disk(const std::string& path,
                const std::string& folder,
                std::uint64_t need,
                int number) {
  Error error = system_error("write", path, number);
  struct statvfs space {};
  std::string message = error.message() + "; it needs " + std::to_string(need) + " bytes";
  if (::statvfs(folder.c_str(), &space) == 0) {
    message += ", " + std::to_string(static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize) +
               " are free";
    if (space.f_files > 0 && space.f_favail == 0) message += ", and no inode is left";
  }
  return Error(error.code(), std::move(message));
}

/// The new file before it takes its destination's place. Where the file system can, it has no name
/// until the last moment, so that not even a power failure leaves one behind.
class Candidate {
 public:
  static constexpr int kTries = 100;

  /// @return 0 or errno
  int open(const std::string& folder) {
    folder_ = folder;
    file_.reset(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (file_.is_open()) return 0;
    if (errno == ENOSPC || errno == EDQUOT || errno == EROFS) return errno;
    return with_fresh_name([&](const char* path) {
      file_.reset(::open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
      return file_.is_open() ? 0 : errno;
    });
  }
  Candidate() = default;
  Candidate(const Candidate&) = delete;
  Candidate& operator=(const Candidate&) = delete;
  ~Candidate() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  [[nodiscard]] int file() const { return file_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Gives the file a name, for those who need one. @return 0 or errno
  int publish() {
    if (!path_.empty()) return 0;
    const std::string own = "/proc/self/fd/" + std::to_string(file_.get());
    return with_fresh_name([&](const char* path) {
      return ::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
    });
  }
  /// @return 0 or errno
  int move_to(const std::string& destination) {
    if (const int problem = publish(); problem != 0) return problem;
    if (::rename(path_.c_str(), destination.c_str()) != 0) return errno;
    path_.clear();
    return 0;
  }

 private:
  template <typename Make>
  int with_fresh_name(Make make) {
    int problem = EEXIST;
    for (int i = 0; i < kTries && problem == EEXIST; ++i) {
      path_ = join_path(folder_, ".gpustack-" + random_name());
      problem = make(path_.c_str());
    }
    if (problem != 0) path_.clear();
    return problem;
  }

  std::string folder_;
  std::string path_;
  Descriptor file_;
};

// Labels and access lists of the old file go with the name; what a file system does not know is
// left out.
void copy_extended_attributes(const std::string& from, int to) {
  std::string names(4096, '\0');
  const ssize_t size = ::listxattr(from.c_str(), names.data(), names.size());
  for (ssize_t at = 0; at < size;) {
    const std::string name(names.c_str() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (name != "security.selinux" && name != "system.posix_acl_access" &&
        !name.starts_with("user."))
      continue;
    std::array<char, 4096> value{};
    const ssize_t length = ::getxattr(from.c_str(), name.c_str(), value.data(), value.size());
    if (length >= 0)
      ::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(length), 0);
  }
}

struct Wanted {
  std::uint32_t mode;
  uid_t uid;
  gid_t gid;
};

Result<void> dress(int file, const std::string& shown, const Wanted& wanted) {
  struct stat now {};
  if (::fstat(file, &now) != 0) return system_error("look at", shown, errno);
  if ((wanted.uid != static_cast<uid_t>(-1) && wanted.uid != now.st_uid) ||
      (wanted.gid != static_cast<gid_t>(-1) && wanted.gid != now.st_gid)) {
    if (::fchown(file, wanted.uid, wanted.gid) != 0)
      return system_error("set the owner of", shown, errno);
  }
  // After the owner: changing that clears set-user-ID and set-group-ID bits.
  if (::fchmod(file, wanted.mode) != 0) return system_error("set the mode of", shown, errno);
  return {};
}

std::string backup_name(const std::string& path) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 40> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y-%m-%d@%H:%M:%S~", &parts);
  return path + "." + std::to_string(::getpid()) + "." + stamp.data();
}

Result<void> copy_bytes(int from, int to, const std::string& shown) {
  std::string buffer(256U << 10U, '\0');
  while (true) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", shown, errno);
    if (got == 0) return {};
    const int problem =
        write_fully(to, std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    if (problem != 0) return system_error("write a copy of", shown, problem);
  }
}

// A second name for the old file costs nothing and loses nothing; where links are not possible it
// is copied.
Result<void> back_up(const std::string& path,
                     const std::string& backup,
                     const struct stat& old,
                     bool copy) {
  if (!copy && ::link(path.c_str(), backup.c_str()) == 0) return {};
  const Descriptor from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from.is_open()) return system_error("read", path, errno);
  const Descriptor to(
      ::open(backup.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to.is_open()) return system_error("make the backup", backup, errno);
  const auto copied = copy_bytes(from.get(), to.get(), path);
  const std::array<timespec, 2> times{old.st_atim, old.st_mtim};
  const bool complete = copied &&
                        (::fchown(to.get(), old.st_uid, old.st_gid) == 0 || errno == EPERM) &&
                        ::fchmod(to.get(), old.st_mode & 07777U) == 0 &&
                        ::futimens(to.get(), times.data()) == 0 && ::fsync(to.get()) == 0;
  if (complete) return {};
  const int problem = errno;
  ::unlink(backup.c_str());
  if (!copied) return Error(copied.error());
  return system_error("make the backup", backup, problem);
}

bool is_mount_trouble(int number) {
  return number == EBUSY || number == EXDEV || number == EPERM || number == ETXTBSY;
}

Error refused_move(const std::string& path, int number) {
  Error error = system_error("replace", path, number);
  if (!is_mount_trouble(number)) return error;
  std::string_view why = "it is in use by the system";
  if (number == EBUSY) why = "it is a mount point, as files mounted into containers are";
  if (number == EXDEV) why = "it lies on another file system than its folder";
  if (number == EPERM) why = "it may be immutable (lsattr shows 'i')";
  return Error(error.code(), error.message() + "; " + std::string(why))
      .hint("unsafe_writes: true writes it in place, not atomically");
}

void sync_folder(const std::string& folder) {
  const Descriptor open_folder(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (open_folder.is_open()) ::fsync(open_folder.get());
}

}  // namespace

Result<void> RealSystem::validate(const std::string& candidate,
                                  const std::vector<std::string>& argv) const {
  Command command;
  for (const std::string& word : argv) command.argv.push_back(replace_all(word, "%s", candidate));
  GS_TRY(const CommandResult done, start(command, false));
  if (done.status == 0) return {};
  return Error(ErrorCode::module_failed,
               "failed to validate: rc:" + std::to_string(done.status) +
                   " error:" + std::string(trim(done.errors + done.output)));
}

/// One file taking the place of another: all of it or nothing, unless in place is the only way.
class RealSystem::Replacement {
 public:
  Replacement(const RealSystem& system, const Source& source, const WriteOptions& options)
      : system_(system), source_(source), options_(options) {}

  Result<WriteReport> run(const std::string& path) {
    GS_TRY_VOID(settle_destination(path));
    if (const int problem = candidate_.open(folder_); problem != 0) {
      if (may_write_in_place() && options_.validate.empty()) return write_in_place();
      if (problem == ENOSPC || problem == EDQUOT) return no_room(problem);
      return system_error("write", report_.path, problem);
    }
    GS_TRY_VOID(reserve_room());
    GS_TRY_VOID(deliver_to(candidate_.file()));
    GS_TRY_VOID(complete_candidate());
    GS_TRY_VOID(validate_candidate());
    GS_TRY_VOID(keep_backup(false));
    if (const int problem = candidate_.move_to(destination_); problem != 0) {
      if (!may_write_in_place() || !is_mount_trouble(problem))
        return refused_move(report_.path, problem);
      if (!report_.backup_file.empty()) ::unlink(system_.in_root(report_.backup_file).c_str());
      return write_in_place();
    }
    if (options_.fsync) sync_folder(folder_);
    return std::move(report_);
  }

 private:
  Result<void> settle_destination(const std::string& path) {
    report_.path = path;
    struct stat link {};
    if (options_.follow && ::lstat(system_.in_root(path).c_str(), &link) == 0 &&
        S_ISLNK(link.st_mode)) {
      GS_TRY(report_.path, system_.real_path(path));
    }
    destination_ = system_.in_root(report_.path);
    folder_ = parent_folder(destination_);
    const bool existed = ::lstat(destination_.c_str(), &old_) == 0;
    if (existed && S_ISDIR(old_.st_mode)) return system_error("write", report_.path, EISDIR);
    replaces_file_ = existed && S_ISREG(old_.st_mode);
    return {};
  }

  [[nodiscard]] bool may_write_in_place() const { return options_.unsafe_writes && replaces_file_; }

  [[nodiscard]] Error no_room(int problem) const {
    return full_disk(report_.path, folder_, source_.size, problem);
  }

  // Asking for the room first finds a full disk before any byte is fetched; file systems that
  // cannot tell say so.
  [[nodiscard]] Result<void> reserve_room() const {
    if (source_.size < kWorthAsking) return {};
    if (::fallocate(candidate_.file(), 0, 0, static_cast<off_t>(source_.size)) == 0) return {};
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) return no_room(errno);
    return {};
  }

  [[nodiscard]] Result<void> deliver_to(int file) const {
    return source_.deliver([&](std::string_view piece) -> Result<void> {
      const int problem = write_fully(file, piece);
      if (problem != 0) return no_room(problem);
      return {};
    });
  }

  [[nodiscard]] Wanted wanted() const {
    constexpr auto kAsItIs = static_cast<uid_t>(-1);
    Wanted out{};
    out.mode = options_.mode.value_or(replaces_file_ ? old_.st_mode & 07777U
                                                     : 0666U & ~system_.options_.umask);
    out.uid = options_.owner.uid.value_or(replaces_file_ ? old_.st_uid : kAsItIs);
    out.gid = options_.owner.gid.value_or(replaces_file_ ? old_.st_gid : kAsItIs);
    return out;
  }

  [[nodiscard]] Result<void> complete_candidate() const {
    if (replaces_file_) copy_extended_attributes(destination_, candidate_.file());
    GS_TRY_VOID(dress(candidate_.file(), report_.path, wanted()));
    if (options_.fsync && ::fsync(candidate_.file()) != 0) return no_room(errno);
    return {};
  }

  Result<void> validate_candidate() {
    if (options_.validate.empty()) return {};
    if (const int problem = candidate_.publish(); problem != 0)
      return system_error("write", report_.path, problem);
    return system_.validate(system_.out_of_root(candidate_.path()), options_.validate);
  }

  Result<void> keep_backup(bool copy) {
    if (!options_.backup || !replaces_file_) return {};
    report_.backup_file = backup_name(report_.path);
    return back_up(destination_, system_.in_root(report_.backup_file), old_, copy);
  }

  Result<WriteReport> write_in_place() {
    // A second name would show the new bytes too.
    GS_TRY_VOID(keep_backup(true));
    const Descriptor file(
        ::open(destination_.c_str(), O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return system_error("write", report_.path, errno);
    GS_TRY_VOID(deliver_to(file.get()));
    if (options_.mode && ::fchmod(file.get(), *options_.mode) != 0)
      return system_error("set the mode of", report_.path, errno);
    ::fsync(file.get());
    return std::move(report_);
  }

  const RealSystem& system_;
  const Source& source_;
  const WriteOptions& options_;
  WriteReport report_;  ///< its path is the one that messages show
  std::string destination_;
  std::string folder_;
  struct stat old_ {};
  bool replaces_file_ = false;
  Candidate candidate_;
};

Result<WriteReport> RealSystem::put(const std::string& path,
                                    const Source& source,
                                    const WriteOptions& options) {
  return Replacement(*this, source, options).run(path);
}

Result<WriteReport> RealSystem::write(const std::string& path,
                                      const Content& content,
                                      const WriteOptions& options) {
  Source source;
  source.size = content.size;
  source.deliver = [&](const SystemHooks::Sink& sink) -> Result<void> {
    if (content.is_inline) return sink(content.bytes);
    if (!options_.hooks.fetch_content) {
      return Error(ErrorCode::content_missing,
                   "there is no controller to ask for content " + content.sha256);
    }
    Hasher hasher(Algorithm::sha256);
    GS_TRY_VOID(options_.hooks.fetch_content(content, [&](std::string_view piece) -> Result<void> {
      hasher.update(piece);
      return sink(piece);
    }));
    if (hasher.finish() == content.sha256) return {};
    return Error(ErrorCode::content_missing,
                 "the content that arrived for '" + path + "' does not match its sha256");
  };
  return put(path, source, options);
}

Result<WriteReport> RealSystem::copy_file(const std::string& from,
                                          const std::string& to,
                                          const WriteOptions& options) {
  const Descriptor file(::open(in_root(from).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat found {};
  if (!file.is_open() || ::fstat(file.get(), &found) != 0) return system_error("read", from, errno);
  if (S_ISDIR(found.st_mode)) return system_error("read", from, EISDIR);
  Source source;
  source.size = S_ISREG(found.st_mode) ? static_cast<std::uint64_t>(found.st_size) : 0;
  source.deliver = [&](const SystemHooks::Sink& sink) -> Result<void> {
    if (::lseek(file.get(), 0, SEEK_SET) < 0 && errno != ESPIPE)
      return system_error("read", from, errno);
    std::string buffer(256U << 10U, '\0');
    while (true) {
      const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("read", from, errno);
      if (got == 0) return {};
      GS_TRY_VOID(sink(std::string_view(buffer.data(), static_cast<std::size_t>(got))));
    }
  };
  return put(to, source, options);
}

}  // namespace gpustack::modules
