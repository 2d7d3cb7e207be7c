#pragma once
/// @file The host as modules see it: SystemView reads, System also writes. Nothing else reaches the
/// host.

#include "core/base/value.hpp"
#include "modules/sdk/http.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

class Kernel;  // modules/sdk/kernel.hpp

enum class FileKind : std::uint8_t {
  regular,
  directory,
  symlink,
  character,
  block,
  fifo,
  socket,
  other
};

struct FileInfo {
  FileKind kind = FileKind::regular;
  std::uint32_t mode = 0;  ///< permission bits only (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::uint64_t links = 1;
  std::uint64_t raw_device = 0;
  std::uint64_t blocks = 0;
  std::uint64_t block_size = 4096;
  std::chrono::nanoseconds accessed{};  ///< since the epoch
  std::chrono::nanoseconds modified{};
  std::chrono::nanoseconds changed{};
};

/// A program to start: never a shell unless argv says so.
struct Command {
  std::vector<std::string> argv;                   ///< argv[0] is looked up in PATH
  std::string input;                               ///< standard input
  std::string directory;                           ///< working folder, empty = unchanged
  std::map<std::string, std::string> environment;  ///< added to the task's environment
  std::chrono::milliseconds timeout{0};            ///< 0 = none
  std::uint32_t umask = 022;
  bool inherit_umask = true;
  bool shares_output = false;  ///< also show the output while it runs
  bool must_finish = false;  ///< not stopped half-way when the run is cancelled: packages, firmware
};

struct CommandResult {
  int status = 0;  ///< exit code; 128 + signal when killed (`signal` then says which)
  int signal = 0;
  std::string
      output;  ///< stdout; when longer than the limit, head and tail around a line that says so
  std::string errors;  ///< stderr
  bool timed_out = false;
  std::chrono::system_clock::time_point started{};
  std::chrono::system_clock::time_point ended{};
};

/// Bytes a task brings along: inline when small, else by hash and fetched from the controller only
/// when needed.
struct Content {
  std::string bytes;   ///< the content itself, when `is_inline`
  std::string sha256;  ///< lower-case hex of the whole content
  std::uint64_t size = 0;
  bool is_inline = true;

  static Content of(std::string text);  ///< inline, hash computed
  static Result<Content> from_value(
      const Value& value);  ///< {sha256, size[, bytes]} as it travels in arguments
  [[nodiscard]] Value to_value() const;
};

enum class Algorithm : std::uint8_t { md5, sha1, sha224, sha256, sha384, sha512 };
Result<Algorithm> parse_algorithm(std::string_view name);
std::string hash_bytes(Algorithm algorithm, std::string_view bytes);  ///< lower-case hex

/// What the results of fetch and copy tell of a file; lower-case hex.
struct Digests {
  std::string sha256;
  std::string sha1;
  std::string md5;
};

/// What a dry run has: reading and nothing else. A query runs only the read-only commands a module
/// declared.
class SystemView {
 public:
  virtual ~SystemView() = default;

  /// Follows symlinks. Nothing when there is no such file. @error file_operation  for anything but
  /// "absent"
  [[nodiscard]] virtual Result<std::optional<FileInfo>> stat(const std::string& path) const = 0;
  /// Does not follow the last symlink.
  [[nodiscard]] virtual Result<std::optional<FileInfo>> lstat(const std::string& path) const = 0;
  /// The whole file. @error file_operation  absent, unreadable or larger than `limit` bytes
  [[nodiscard]] virtual Result<std::string> read(const std::string& path,
                                                 std::uint64_t limit = 64U << 20U) const = 0;
  /// Names in a folder, sorted, without `.` and `..`.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;
  [[nodiscard]] virtual Result<std::string> read_link(const std::string& path) const = 0;
  /// Lower-case hex digest of a file's content.
  [[nodiscard]] virtual Result<std::string> hash(const std::string& path,
                                                 Algorithm algorithm) const = 0;
  /// Symlinks, `.` and `..` resolved; the last component need not exist.
  [[nodiscard]] virtual Result<std::string> real_path(const std::string& path) const = 0;
  /// May the task's user do this (access(2))? `mode`: r, w and x in any combination.
  [[nodiscard]] virtual bool access(const std::string& path, std::string_view mode) const = 0;
  /// Extended file attributes as lsattr(1) prints them (letters only), empty when the file system
  /// has none.
  [[nodiscard]] virtual Result<std::string> attribute_flags(const std::string& path) const = 0;
  /// Runs a command that only reads. @error bug  when the module did not declare it in `queries`
  [[nodiscard]] virtual Result<CommandResult> query(const Command& command) const = 0;
  /// Where a program is found in PATH (with /sbin, /usr/sbin, /usr/local/sbin added); empty when
  /// absent.
  [[nodiscard]] virtual std::string find_program(std::string_view name) const = 0;
  /// All bytes of a task's content, fetched from the controller if need be. @error content_missing
  [[nodiscard]] virtual Result<std::string> content(const Content& content) const = 0;
  [[nodiscard]] virtual std::string environment(std::string_view name) const = 0;
  [[nodiscard]] virtual std::map<std::string, std::string> environment() const = 0;
  [[nodiscard]] virtual std::uint32_t effective_uid() const = 0;
  [[nodiscard]] virtual std::uint32_t effective_gid() const = 0;
  [[nodiscard]] virtual std::uint32_t umask() const = 0;
  [[nodiscard]] virtual std::chrono::system_clock::time_point now() const = 0;
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady_now() const = 0;
  /// Waits without blocking pings; returns early with `cancelled` when the task is cancelled.
  virtual Result<void> sleep(std::chrono::milliseconds time) const = 0;
  /// Tries a TCP connection. @return true when it was accepted
  [[nodiscard]] virtual bool can_connect(const std::string& host,
                                         std::uint16_t port,
                                         std::chrono::milliseconds timeout) const = 0;
  /// Connects over TCP and collects what the other side sends until `enough` says so, it closes, or
  /// the time is over.
  /// @return nothing when the connection was not accepted
  virtual std::optional<std::string> receive(
      const std::string& host,
      std::uint16_t port,
      std::chrono::milliseconds timeout,
      const std::function<bool(std::string_view)>& enough) const = 0;
  /// Sends a request that only reads from the host and keeps the answer's body in memory.
  /// @error module_failed  no answer; cancelled
  [[nodiscard]] virtual Result<HttpResponse> http(const HttpQuery& query) const;
  /// Whether this is a dry run, and whether the user asked for diffs.
  [[nodiscard]] virtual bool check_mode() const = 0;
  [[nodiscard]] virtual bool diff_mode() const = 0;
  /// Sends a file's bytes to the controller (fetch), which knows them by the task.
  /// @return the digests of what was sent: the file may change meanwhile
  [[nodiscard]] virtual Result<Digests> send_file(const std::string& path) const = 0;
  /// The same of a file that is not sent. By default one hash() after the other.
  [[nodiscard]] virtual Result<Digests> digests(const std::string& path) const;
  /// Tells which contents will be wanted next, in this order, so that they come without a round
  /// trip for each. By default each is asked for when it is wanted.
  virtual void expect_contents(const std::vector<Content>& /*contents*/) const {}
  /// Facts the module may want (`gpustack.*` and Ansible's), as gathered by `setup` on this
  /// connection; null if not yet.
  [[nodiscard]] virtual const Value& facts() const = 0;
  /// What the host's kernel tells by system call only. By default the kernel this program runs on.
  [[nodiscard]] virtual const Kernel& kernel() const;
};

struct Ownership {
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

/// How a file is put in place: temp file in the same folder, owner and mode before the content is
/// visible, fsync, rename, fsync of the folder.
struct WriteOptions {
  std::optional<std::uint32_t>
      mode;             ///< absent: the old file's, or 0666 less the umask for a new one
  Ownership owner;      ///< absent parts: the old file's, or the task's user
  bool follow = true;   ///< write through a symlink to its target
  bool backup = false;  ///< keep `path.PID.YYYY-MM-DD@HH:MM:SS~` beside it
  std::vector<std::string>
      validate;  ///< argv with `%s` for the temp file; a non-zero exit leaves the old file
  bool unsafe_writes = false;  ///< allowed to write in place when rename is impossible
  bool fsync = true;
};

struct WriteReport {
  std::string path;         ///< the file written (after following links)
  std::string backup_file;  ///< empty when none was made
};

struct Dialogue;  // terminal.hpp

/// What a real run has in addition. Every change passes here, so that pre-images can be journaled
/// later.
class System : public SystemView {
 public:
  virtual Result<WriteReport> write(const std::string& path,
                                    const Content& content,
                                    const WriteOptions& options) = 0;
  /// Places a copy of a file that is already on the host.
  virtual Result<WriteReport> copy_file(const std::string& from,
                                        const std::string& to,
                                        const WriteOptions& options) = 0;
  virtual Result<void> make_directory(const std::string& path, std::uint32_t mode) = 0;
  virtual Result<void> remove_file(const std::string& path) = 0;
  virtual Result<void> remove_tree(
      const std::string& path) = 0;  ///< never leaves the tree through a symlink
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Replaces an existing link atomically.
  virtual Result<void> make_symlink(const std::string& target, const std::string& path) = 0;
  virtual Result<void> make_hardlink(const std::string& target, const std::string& path) = 0;
  virtual Result<void> set_mode(const std::string& path, std::uint32_t mode) = 0;
  virtual Result<void> set_owner(const std::string& path, Ownership owner, bool follow) = 0;
  virtual Result<void> set_times(const std::string& path,
                                 std::optional<std::chrono::nanoseconds> accessed,
                                 std::optional<std::chrono::nanoseconds> modified) = 0;
  virtual Result<void> set_attribute_flags(const std::string& path, std::string_view flags) = 0;
  /// Writes a kernel file (sysfs, procfs) in place.
  virtual Result<void> write_kernel_file(const std::string& path, std::string_view text) = 0;
  /// A fresh file or folder only the task's user can read. @return its path
  virtual Result<std::string> make_temporary(const std::string& folder,
                                             std::string_view prefix,
                                             std::string_view suffix,
                                             FileKind kind) = 0;
  /// Like http(), with any method.
  [[nodiscard]] virtual Result<HttpResponse> send(const HttpRequest& request);
  /// Like send(), but the body of a good answer goes into `file`, which exists (make_temporary()).
  virtual Result<HttpResponse> download(const HttpRequest& request, const std::string& file);
  virtual Result<CommandResult> run(const Command& command) = 0;
  /// Starts a command that outlives the task and the connection. @return its process id
  virtual Result<int> start_detached(const Command& command) = 0;
  /// Runs a program on a terminal of its own until it ends, and answers its questions. Its output
  /// is everything that the terminal shows; see terminal.hpp.
  /// @return `timed_out` when a question or the end took too long: the program was then ended
  /// @error command_failed  it could not be started, or there are no terminals here; cancelled;
  ///   what `dialogue.answer` returned
  virtual Result<CommandResult> converse(const Command& command, const Dialogue& dialogue);
};

}  // namespace gpustack::modules
