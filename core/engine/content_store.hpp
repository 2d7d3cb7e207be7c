#pragma once
/// @file The bytes that tasks refer to by hash, where they are on the controller, and one stream of
/// several of them.

#include "core/wire/session.hpp"
#include "modules/sdk/system.hpp"

#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::engine {

/// What tells that a file is still the one that was hashed.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;

  static FileStamp of(const struct stat& info);
};

/// A file of the controller.
struct KnownFile {
  std::string sha256;
  FileStamp stamp;
  std::uint32_t mode = 0;
  bool is_vault = false;  ///< begins as Ansible's vault files do
};

/// Bytes that tasks refer to by hash; a runner asks for them when it needs them.
/// Thread: the run's executor.
class ContentStore {
 public:
  /// Up to this size the bytes ride in the task's own frame: a round trip costs more.
  static constexpr std::uint64_t kInlineLimit = 16U << 10U;

  /// A text made by the controller (a rendered template).
  modules::Content add_text(std::string text);
  /// A controller file, inline when small. @error file_not_found, file_unreadable
  Result<modules::Content> add_file(const std::string& path);
  /// The same without the bytes. A file is read once in a run for all hosts, unless its size,
  /// modification time (in nanoseconds) or inode has changed. What is no regular file, or does not
  /// tell its size (/proc), is read at once and kept. @error file_not_found, file_unreadable
  Result<KnownFile> know_file(const std::string& path);
  /// A text that never rides in a task's frame.
  modules::Content keep_text(std::string text);
  /// A file of the controller as it was hashed elsewhere, for later know_file().
  void remember(const std::string& path, const std::string& sha256);
  /// The file is about to go, or to become another. Others with its bytes stand for them.
  void forget(const std::string& path, const std::string& sha256);

  /// Bytes of a known hash, from `offset` on, at most `limit`. @error content_missing
  [[nodiscard]] Result<std::string> read(const std::string& sha256,
                                         std::uint64_t offset,
                                         std::size_t limit) const;
  [[nodiscard]] std::uint64_t size(const std::string& sha256) const;

 private:
  friend class ContentCursor;
  Result<KnownFile> keep_special(const std::string& path, const struct stat& info);
  Result<modules::Content> add_file(const std::string& path, bool may_retry);
  static Result<std::string> read_file(const std::string& path,
                                       const FileStamp& stamp,
                                       std::uint64_t offset,
                                       std::size_t limit);
  /// A file has the bytes of this hash.
  void add_place(const std::string& path, const KnownFile& known);
  struct Entry {
    std::uint64_t size = 0;
    std::string text;                         ///< where there is no file
    std::map<std::string, FileStamp> places;  ///< files, as they were when they were hashed
  };
  std::map<std::string, Entry> entries_;
  std::map<std::string, KnownFile> files_;
};

/// Several contents one behind the other, read piece by piece. Holds one open file and one piece.
/// Thread: the run's executor. Outlived by: the store.
class ContentCursor {
 public:
  ContentCursor(const ContentStore& store, std::vector<wire::NeedContent::Wanted> wanted);
  ContentCursor(const ContentCursor&) = delete;
  ContentCursor& operator=(const ContentCursor&) = delete;
  ~ContentCursor();

  /// The next `limit` bytes, fewer only at the end, none behind it.
  /// @error content_missing  unknown, or of another size; a file that has changed since it was
  /// hashed
  Result<std::string> next(std::size_t limit);

 private:
  Result<void> open();
  Result<void> open_file(const std::string& path, const FileStamp& stamp);
  Result<void> append(std::string& out, std::size_t limit);
  Result<void> check_unchanged() const;
  void close();

  const ContentStore& store_;
  std::vector<wire::NeedContent::Wanted> wanted_;
  std::size_t index_ = 0;
  bool is_open_ = false;      ///< wanted_[index_] is being read
  std::uint64_t offset_ = 0;  ///< in it
  const std::string* text_ = nullptr;
  int file_ = -1;     ///< where it is no text
  std::string path_;  ///< of the file, as it was when it was opened: the store goes on
  FileStamp stamp_;
};

}  // namespace gpustack::engine
