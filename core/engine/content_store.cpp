#include "core/engine/content_store.hpp"

#include "modules/sdk/hash.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

namespace gpustack::engine {

namespace {

constexpr std::size_t kReadPiece = 256U << 10U;
constexpr std::string_view kVaultHead = "$ANSIBLE_VAULT;";
// A file that was written this short a time ago may be written again without its time moving on.
constexpr std::chrono::nanoseconds kTick = std::chrono::milliseconds(50);

/// An open file of the controller.
class ReadFile {
 public:
  explicit ReadFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;
  ~ReadFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// @return the number of bytes, 0 at the end, below 0 with errno
ssize_t read_at(int file, char* into, std::size_t size, std::uint64_t offset) {
  while (true) {
    const ssize_t got = ::pread(file, into, size, static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got;
  }
}

Error unreadable(const std::string& path) {
  return Error(errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::file_unreadable,
               "'" + path + "' cannot be read: " + std::strerror(errno));
}

Result<KnownFile> hash_file(const std::string& path) {
  const ReadFile file(path);
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return unreadable(path);
  thread_local std::string buffer(kReadPiece, '\0');
  modules::Hasher hasher(modules::Algorithm::sha256);
  KnownFile known;
  known.stamp = FileStamp::of(info);
  known.mode = info.st_mode & 07777U;
  known.stamp.size = 0;
  while (true) {
    const ssize_t got = read_at(file.get(), buffer.data(), buffer.size(), known.stamp.size);
    if (got < 0) return unreadable(path);
    if (got == 0) break;
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    if (known.stamp.size == 0) known.is_vault = piece.starts_with(kVaultHead);
    hasher.update(piece);
    known.stamp.size += piece.size();
  }
  known.sha256 = hasher.finish();
  return known;
}

bool is_unchanged(int file, const FileStamp& stamp) {
  struct stat info {};
  return ::fstat(file, &info) == 0 && FileStamp::of(info) == stamp;
}

Error changed(const std::string& path) {
  return Error(ErrorCode::content_missing,
               "'" + path + "' changed after it was hashed, and before it was sent");
}

bool is_settled(const FileStamp& stamp) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::nanoseconds(stamp.modified_ns) + kTick < now;
}

}  // namespace

FileStamp FileStamp::of(const struct stat& info) {
  FileStamp stamp;
  stamp.device = info.st_dev;
  stamp.inode = info.st_ino;
  stamp.size = static_cast<std::uint64_t>(info.st_size);
  stamp.modified_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
  return stamp;
}

modules::Content ContentStore::add_text(std::string text) {
  if (text.size() > kInlineLimit) return keep_text(std::move(text));
  return modules::Content::of(std::move(text));
}

modules::Content ContentStore::keep_text(std::string text) {
  modules::Content content = modules::Content::of(std::move(text));
  content.is_inline = false;
  Entry entry;
  entry.size = content.size;
  entry.text = std::move(content.bytes);
  content.bytes.clear();
  entries_.insert_or_assign(content.sha256, std::move(entry));
  return content;
}

Result<KnownFile> ContentStore::keep_special(const std::string& path, const struct stat& info) {
  const ReadFile file(path);
  if (file.get() < 0) return unreadable(path);
  std::string text;
  std::string buffer(kReadPiece, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path);
    if (got == 0) break;
    text.append(buffer, 0, static_cast<std::size_t>(got));
  }
  KnownFile known;
  known.mode = info.st_mode & 07777U;
  known.stamp.size = text.size();
  known.is_vault = text.starts_with(kVaultHead);
  known.sha256 = keep_text(std::move(text)).sha256;
  return known;
}

Result<KnownFile> ContentStore::know_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return unreadable(path);
  if (S_ISDIR(info.st_mode))
    return Error(ErrorCode::file_unreadable, "'" + path + "' is a folder, expected a file");
  const FileStamp stamp = FileStamp::of(info);
  if (const auto known = files_.find(path); known != files_.end() && known->second.stamp == stamp) {
    known->second.mode = info.st_mode & 07777U;
    return known->second;
  }
  if (!S_ISREG(info.st_mode) || info.st_size == 0) return keep_special(path, info);
  GS_TRY(KnownFile known, hash_file(path));
  add_place(path, known);
  if (is_settled(known.stamp)) {
    files_.insert_or_assign(path, known);
  } else {
    files_.erase(path);
  }
  return known;
}

void ContentStore::add_place(const std::string& path, const KnownFile& known) {
  Entry& entry = entries_[known.sha256];
  entry.size = known.stamp.size;
  // A text that is kept stays: it cannot change, and it may be on its way.
  if (entry.text.empty()) entry.places.insert_or_assign(path, known.stamp);
}

void ContentStore::forget(const std::string& path, const std::string& sha256) {
  files_.erase(path);
  const auto entry = entries_.find(sha256);
  if (entry == entries_.end() || entry->second.places.erase(path) == 0) return;
  if (entry->second.places.empty()) entries_.erase(entry);
}

void ContentStore::remember(const std::string& path, const std::string& sha256) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  KnownFile known;
  known.sha256 = sha256;
  known.stamp = FileStamp::of(info);
  known.mode = info.st_mode & 07777U;
  add_place(path, known);
  // Nobody else writes it: its own age does not count.
  files_.insert_or_assign(path, std::move(known));
}

Result<modules::Content> ContentStore::add_file(const std::string& path) {
  return add_file(path, true);
}

Result<modules::Content> ContentStore::add_file(const std::string& path, bool may_retry) {
  GS_TRY(const KnownFile known, know_file(path));
  modules::Content content;
  content.sha256 = known.sha256;
  content.size = known.stamp.size;
  content.is_inline = content.size <= kInlineLimit;
  if (content.is_inline) {
    auto bytes = read(content.sha256, 0, kInlineLimit);
    if (!bytes && may_retry) return add_file(path, false);  // written between the two
    if (!bytes) return bytes.error();
    content.bytes = std::move(*bytes);
  }
  return content;
}

Result<std::string> ContentStore::read(const std::string& sha256,
                                       std::uint64_t offset,
                                       std::size_t limit) const {
  const auto found = entries_.find(sha256);
  if (found == entries_.end())
    return Error(ErrorCode::content_missing, "no content with hash " + sha256);
  const Entry& entry = found->second;
  if (entry.places.empty())
    return entry.text.substr(std::min<std::uint64_t>(offset, entry.text.size()), limit);
  std::optional<Error> problem;
  for (const auto& [path, stamp] : entry.places) {
    auto bytes = read_file(path, stamp, offset, limit);
    if (bytes) return bytes;
    if (!problem) problem = bytes.error();
  }
  return *problem;
}

Result<std::string> ContentStore::read_file(const std::string& path,
                                            const FileStamp& stamp,
                                            std::uint64_t offset,
                                            std::size_t limit) {
  const ReadFile file(path);
  if (file.get() < 0) return unreadable(path);
  if (!is_unchanged(file.get(), stamp)) return changed(path);
  std::string bytes(limit, '\0');
  std::size_t size = 0;
  while (size < limit) {
    const ssize_t got = read_at(file.get(), bytes.data() + size, limit - size, offset + size);
    if (got < 0) return unreadable(path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

std::uint64_t ContentStore::size(const std::string& sha256) const {
  const auto found = entries_.find(sha256);
  return found == entries_.end() ? 0 : found->second.size;
}

ContentCursor::ContentCursor(const ContentStore& store,
                             std::vector<wire::NeedContent::Wanted> wanted)
    : store_(store), wanted_(std::move(wanted)) {}

ContentCursor::~ContentCursor() { close(); }

void ContentCursor::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  text_ = nullptr;
  is_open_ = false;
  offset_ = 0;
}

Result<void> ContentCursor::check_unchanged() const {
  if (is_unchanged(file_, stamp_)) return {};
  return changed(path_);
}

Result<void> ContentCursor::open() {
  const wire::NeedContent::Wanted& wanted = wanted_[index_];
  const auto found = store_.entries_.find(wanted.sha256);
  if (found == store_.entries_.end())
    return Error(ErrorCode::content_missing, "no content with hash " + wanted.sha256);
  const ContentStore::Entry& entry = found->second;
  if (entry.size != wanted.size) {
    return Error(ErrorCode::content_missing,
                 "content " + wanted.sha256 + " has " + std::to_string(entry.size) +
                     " bytes, not " + std::to_string(wanted.size));
  }
  is_open_ = true;
  if (entry.places.empty()) {
    text_ = &entry.text;
    return {};
  }
  // Any file that still is what it was will do: they have the same bytes.
  std::optional<Error> problem;
  for (const auto& [path, stamp] : entry.places) {
    auto opened = open_file(path, stamp);
    if (opened) return opened;
    if (!problem) problem = opened.error();
  }
  return *problem;
}

Result<void> ContentCursor::open_file(const std::string& path, const FileStamp& stamp) {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  ReadFile file(path);
  if (file.get() < 0) return unreadable(path);
  file_ = file.release();
  path_ = path;
  stamp_ = stamp;
  return check_unchanged();
}

Result<void> ContentCursor::append(std::string& out, std::size_t limit) {
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(limit, wanted_[index_].size - offset_));
  if (text_ != nullptr) {
    out.append(*text_, static_cast<std::size_t>(offset_), size);
    offset_ += size;
    return {};
  }
  const std::size_t before = out.size();
  out.resize(before + size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = read_at(file_, out.data() + before + done, size - done, offset_ + done);
    if (got < 0) return unreadable(path_);
    if (got == 0)
      return Error(ErrorCode::content_missing, "'" + path_ + "' became shorter while it was sent");
    done += static_cast<std::size_t>(got);
  }
  offset_ += size;
  return check_unchanged();
}

Result<std::string> ContentCursor::next(std::size_t limit) {
  std::string out;
  while (out.size() < limit && index_ < wanted_.size()) {
    if (!is_open_) GS_TRY_VOID(open());
    GS_TRY_VOID(append(out, limit - out.size()));
    if (offset_ < wanted_[index_].size) continue;
    close();
    ++index_;
  }
  return out;
}

}  // namespace gpustack::engine
