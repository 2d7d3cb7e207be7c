#include "modules/sdk/real_system.hpp"

#include "modules/sdk/attribute_flags.hpp"
#include "modules/sdk/connect.hpp"
#include "modules/sdk/descriptor.hpp"
#include "modules/sdk/hash.hpp"
#include "modules/sdk/queries.hpp"
#include "modules/sdk/remove_tree.hpp"
#include "modules/sdk/scratch.hpp"
#include "modules/sdk/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX's name

namespace gpustack::modules {

namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kPiece = 256U << 10U;
constexpr std::size_t kSmallPiece = 16U << 10U;

FileKind kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileKind::regular;
    case S_IFDIR:
      return FileKind::directory;
    case S_IFLNK:
      return FileKind::symlink;
    case S_IFCHR:
      return FileKind::character;
    case S_IFBLK:
      return FileKind::block;
    case S_IFIFO:
      return FileKind::fifo;
    case S_IFSOCK:
      return FileKind::socket;
    default:
      return FileKind::other;
  }
}

std::chrono::nanoseconds time_of(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

FileInfo info_of(const struct stat& found) {
  FileInfo info;
  info.kind = kind_of(found.st_mode);
  info.mode = found.st_mode & 07777U;
  info.uid = found.st_uid;
  info.gid = found.st_gid;
  info.size = static_cast<std::uint64_t>(found.st_size);
  info.inode = found.st_ino;
  info.device = found.st_dev;
  info.links = found.st_nlink;
  info.raw_device = found.st_rdev;
  info.blocks = static_cast<std::uint64_t>(found.st_blocks);
  info.block_size = static_cast<std::uint64_t>(found.st_blksize);
  info.accessed = time_of(found.st_atim);
  info.modified = time_of(found.st_mtim);
  info.changed = time_of(found.st_ctim);
  return info;
}

Result<std::optional<FileInfo>> stat_with(const std::string& path,
                                          const std::string& shown,
                                          int flags) {
  struct stat found {};
  if (::fstatat(AT_FDCWD, path.c_str(), &found, flags) == 0) return std::optional(info_of(found));
  // A component that is no folder means that the path is not there, as for Python's
  // os.path.exists().
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<FileInfo>();
  return system_error("look at", shown, errno);
}

struct ReadFile {
  Descriptor descriptor;
  std::size_t size =
      0;  ///< as told at its opening; 0 for files that the kernel writes as they are read
};

Result<ReadFile> open_for_reading(const std::string& path, const std::string& shown) {
  ReadFile file{Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY))};
  if (!file.descriptor.is_open()) return system_error("read", shown, errno);
  struct stat found {};
  if (::fstat(file.descriptor.get(), &found) != 0) return file;
  if (S_ISDIR(found.st_mode)) return system_error("read", shown, EISDIR);
  file.size = static_cast<std::size_t>(found.st_size);
  return file;
}

/// Hands the file's bytes on in pieces until it ends. Most files are small, and a buffer of a big
/// one's size costs more than reading them: it is as large as needed, and not filled before.
template <typename Take>
Result<void> for_each_piece(const ReadFile& file, const std::string& shown, Take take) {
  const std::size_t piece = std::clamp(file.size + 1, kSmallPiece, kPiece);
  const auto buffer = std::make_unique_for_overwrite<char[]>(piece);
  while (true) {
    const ssize_t got = ::read(file.descriptor.get(), buffer.get(), piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", shown, errno);
    if (got == 0) return {};
    GS_TRY_VOID(take(std::string_view(buffer.get(), static_cast<std::size_t>(got))));
  }
}

/// Removes a tree at the end, whatever comes before it.
class Removal {
 public:
  explicit Removal(std::string path) : path_(std::move(path)) {}
  Removal(const Removal&) = delete;
  Removal& operator=(const Removal&) = delete;
  ~Removal() { remove_tree_at(path_); }

 private:
  std::string path_;
};

}  // namespace

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      out[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  if (out["PATH"].empty()) out["PATH"] = kDefaultPath;
  return out;
}

RealSystem::RealSystem(RealSystemOptions options) : options_(std::move(options)) {
  while (options_.root.ends_with('/')) options_.root.pop_back();
  if (options_.environment["PATH"].empty()) options_.environment["PATH"] = kDefaultPath;
}

std::string RealSystem::in_root(const std::string& path) const {
  if (options_.root.empty() || !path.starts_with('/')) return path;
  return options_.root + path;
}

std::string RealSystem::out_of_root(const std::string& path) const {
  if (options_.root.empty() || !path.starts_with(options_.root)) return path;
  const std::string rest = path.substr(options_.root.size());
  return rest.empty() ? "/" : rest;
}

Result<std::optional<FileInfo>> RealSystem::stat(const std::string& path) const {
  return stat_with(in_root(path), path, 0);
}

Result<std::optional<FileInfo>> RealSystem::lstat(const std::string& path) const {
  return stat_with(in_root(path), path, AT_SYMLINK_NOFOLLOW);
}

Result<std::string> RealSystem::read(const std::string& path, std::uint64_t limit) const {
  GS_TRY(const ReadFile file, open_for_reading(in_root(path), path));
  std::string out;
  GS_TRY_VOID(for_each_piece(file, path, [&](std::string_view piece) -> Result<void> {
    if (out.size() + piece.size() > limit) {
      return Error(
          ErrorCode::file_operation,
          "cannot read '" + path + "': it is larger than " + std::to_string(limit) + " bytes");
    }
    out += piece;
    return {};
  }));
  return out;
}

Result<std::vector<std::string>> RealSystem::list(const std::string& path) const {
  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  const std::unique_ptr<DIR, Close> folder(::opendir(in_root(path).c_str()));
  if (!folder) return system_error("list", path, errno);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return system_error("list", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> RealSystem::read_link(const std::string& path) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(in_root(path).c_str(), target.data(), target.size());
  if (size < 0) return system_error("read the link", path, errno);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Result<std::string> RealSystem::hash(const std::string& path, Algorithm algorithm) const {
  GS_TRY(const ReadFile file, open_for_reading(in_root(path), path));
  Hasher hasher(algorithm);
  GS_TRY_VOID(for_each_piece(file, path, [&](std::string_view piece) -> Result<void> {
    hasher.update(piece);
    return {};
  }));
  return hasher.finish();
}

Result<std::string> RealSystem::real_path(const std::string& path) const {
  std::array<char, PATH_MAX> resolved{};
  const std::string full = in_root(path);
  if (::realpath(full.c_str(), resolved.data()) != nullptr) return out_of_root(resolved.data());
  if (errno != ENOENT) return system_error("resolve", path, errno);
  // The last component may be absent, or a link that points to something absent.
  std::string target = full;
  struct stat found {};
  for (int links = 0; ::lstat(target.c_str(), &found) == 0 && S_ISLNK(found.st_mode) && links < 40;
       ++links) {
    GS_TRY(const std::string next, read_link(out_of_root(target)));
    target = next.starts_with('/') ? in_root(next) : join_path(parent_folder(target), next);
  }
  const std::string folder = parent_folder(target);
  if (::realpath(folder.c_str(), resolved.data()) == nullptr)
    return system_error("resolve", path, errno);
  return out_of_root(join_path(resolved.data(), base_name(trim_right(target, "/"))));
}

bool RealSystem::access(const std::string& path, std::string_view mode) const {
  int wanted = F_OK;
  for (const char letter : mode) wanted |= letter == 'r' ? R_OK : letter == 'w' ? W_OK : X_OK;
  return ::faccessat(AT_FDCWD, in_root(path).c_str(), wanted, AT_EACCESS) == 0;
}

Result<std::string> RealSystem::attribute_flags(const std::string& path) const {
  const Descriptor file(
      ::open(in_root(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open()) return system_error("read the attributes of", path, errno);
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0) return std::string();
  return attribute_letters(static_cast<std::uint32_t>(flags));
}

std::string RealSystem::environment(std::string_view name) const {
  const auto found = options_.environment.find(std::string(name));
  return found == options_.environment.end() ? std::string() : found->second;
}

std::uint32_t RealSystem::effective_uid() const { return ::geteuid(); }
std::uint32_t RealSystem::effective_gid() const { return ::getegid(); }

std::string RealSystem::find_program(std::string_view name) const {
  const auto usable = [&](const std::string& path) {
    const auto info = stat(path);
    return info && *info && (*info)->kind == FileKind::regular && access(path, "x");
  };
  if (name.empty()) return {};
  if (name.find('/') != std::string_view::npos)
    return usable(std::string(name)) ? std::string(name) : std::string();
  std::vector<std::string> folders = split(environment("PATH"), ':');
  for (const char* more : {"/sbin", "/usr/sbin", "/usr/local/sbin"}) folders.emplace_back(more);
  for (const std::string& folder : folders) {
    std::string path = join_path(folder.empty() ? "." : folder, name);
    if (usable(path)) return path;
  }
  return {};
}

Result<std::string> RealSystem::content(const Content& content) const {
  if (content.is_inline) return content.bytes;
  if (!options_.hooks.fetch_content) {
    return Error(ErrorCode::content_missing,
                 "there is no controller to ask for content " + content.sha256);
  }
  std::string out;
  GS_TRY_VOID(options_.hooks.fetch_content(content, [&](std::string_view piece) -> Result<void> {
    out += piece;
    return {};
  }));
  if (hash_bytes(Algorithm::sha256, out) != content.sha256) {
    return Error(ErrorCode::content_missing,
                 "the content that arrived does not match sha256 " + content.sha256);
  }
  return out;
}

Result<void> RealSystem::sleep(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return {};
    pollfd wanted{options_.hooks.cancel_descriptor, POLLIN, 0};
    const int ready =
        ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000)));
    if (ready > 0 && wanted.revents != 0) return Error(ErrorCode::cancelled, "stopped on request");
  }
}

bool RealSystem::can_connect(const std::string& host,
                             std::uint16_t port,
                             std::chrono::milliseconds timeout) const {
  return try_connect(*this, host, port, timeout, options_.hooks.cancel_descriptor);
}

std::optional<std::string> RealSystem::receive(
    const std::string& host,
    std::uint16_t port,
    std::chrono::milliseconds timeout,
    const std::function<bool(std::string_view)>& enough) const {
  return receive_from(*this, host, port, timeout, enough, options_.hooks.cancel_descriptor);
}

void RealSystem::expect_contents(const std::vector<Content>& contents) const {
  if (options_.hooks.expect_contents) options_.hooks.expect_contents(contents);
}

Result<Digests> RealSystem::digest(const std::string& path, const SystemHooks::Sink& also) const {
  GS_TRY(const ReadFile file, open_for_reading(in_root(path), path));
  Hasher sha256(Algorithm::sha256);
  Hasher sha1(Algorithm::sha1);
  Hasher md5(Algorithm::md5);
  GS_TRY_VOID(for_each_piece(file, path, [&](std::string_view piece) -> Result<void> {
    sha256.update(piece);
    sha1.update(piece);
    md5.update(piece);
    return also ? also(piece) : Result<void>();
  }));
  return Digests{sha256.finish(), sha1.finish(), md5.finish()};
}

Result<Digests> RealSystem::digests(const std::string& path) const { return digest(path, {}); }

Result<Digests> RealSystem::send_file(const std::string& path) const {
  if (!options_.hooks.send_piece)
    return Error(ErrorCode::content_missing, "there is no controller to send '" + path + "' to");
  GS_TRY(Digests sent, digest(path, options_.hooks.send_piece));
  GS_TRY_VOID(options_.hooks.send_piece({}));
  return sent;
}

Result<Launch> RealSystem::launch(const Command& command) const {
  if (command.argv.empty())
    return Error(ErrorCode::command_failed, "a command needs at least a program");
  Launch out;
  out.argv = command.argv;
  out.directory = command.directory;
  out.root = options_.root;
  out.umask = command.inherit_umask ? options_.umask : command.umask;
  std::map<std::string, std::string> environment = options_.environment;
  for (const auto& [name, value] : command.environment) environment[name] = value;
  out.environment = environment_words(environment);
  const std::string& name = command.argv[0];
  if (name.find('/') != std::string::npos) {
    out.program = name;
    return out;
  }
  RealSystemOptions lookup;
  lookup.root = options_.root;
  lookup.environment["PATH"] = environment["PATH"];
  out.program = RealSystem(std::move(lookup)).find_program(name);
  if (out.program.empty()) {
    return Error(ErrorCode::command_failed,
                 "no program '" + name + "' in PATH (" + environment["PATH"] + ")");
  }
  return out;
}

Result<CommandResult> RealSystem::start(const Command& command, bool live) const {
  GS_TRY(const Launch prepared, launch(command));
  ProcessHooks hooks;
  if (live) hooks.output = options_.hooks.output;
  hooks.cancel_descriptor = options_.hooks.cancel_descriptor;
  return run_process(prepared, command, hooks);
}

Result<CommandResult> RealSystem::query(const Command& command) const {
  GS_TRY_VOID(check_query(options_.queries, command.argv));
  const auto is_scratch = [](const auto& entry) { return entry.second == kScratchFolder; };
  if (std::ranges::none_of(command.environment, is_scratch)) return start(command, false);
  RealSystem own(options_);
  GS_TRY(const std::string folder, own.make_temporary("", "scratch.", "", FileKind::directory));
  const Removal removal(in_root(folder));
  Command placed = command;
  for (auto& [name, value] : placed.environment) {
    if (value == kScratchFolder) value = folder;
  }
  return start(placed, false);
}

Result<CommandResult> RealSystem::run(const Command& command) { return start(command, true); }

Result<CommandResult> RealSystem::converse(const Command& command, const Dialogue& dialogue) {
  GS_TRY(const Launch prepared, launch(command));
  return run_on_terminal(prepared, dialogue, options_.hooks.cancel_descriptor);
}

Result<int> RealSystem::start_detached(const Command& command) {
  GS_TRY(const Launch prepared, launch(command));
  return start_detached_process(prepared);
}

}  // namespace gpustack::modules
