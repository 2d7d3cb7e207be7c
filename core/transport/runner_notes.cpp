#include "core/transport/runner_notes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <sstream>

namespace gpustack::transport {

namespace {

constexpr std::size_t kLargest = 64U << 10U;
/// Runners of old versions; more are forgotten, the most recent ones too.
constexpr std::size_t kMostKept = 32;
constexpr std::time_t kSettled = 2;
constexpr std::size_t kHashDigits = 64;

/// A file that only its owner, us, can write.
bool is_own(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         found.st_uid == ::geteuid() && (found.st_mode & 022U) == 0;
}

bool is_hash(const std::string& text) {
  return text.size() == kHashDigits && std::ranges::all_of(text, [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

}  // namespace

RunnerNotes::RunnerNotes(std::string path) : path_(std::move(path)) {
  if (path_.empty() || !is_own(path_)) return;
  const Result<std::string> text = read_file(path_, kLargest);
  std::istringstream lines(text ? *text : std::string());
  for (std::string hash, identity; lines >> hash && std::getline(lines >> std::ws, identity);) {
    if (is_hash(hash) && known_.size() < kMostKept) known_[identity] = hash;
  }
}

std::optional<std::string> RunnerNotes::identity_of(const FileHandle& file) {
  struct stat found {};
  if (!file.is_open() || ::fstat(file.get(), &found) != 0) return std::nullopt;
  if (std::time(nullptr) - found.st_ctim.tv_sec < kSettled) return std::nullopt;
  return fmt::format("{} {} {} {}.{} {}.{}",
                     found.st_dev,
                     found.st_ino,
                     found.st_size,
                     found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec,
                     found.st_ctim.tv_sec,
                     found.st_ctim.tv_nsec);
}

std::optional<std::string> RunnerNotes::find(const std::string& identity) const {
  const auto found = known_.find(identity);
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void RunnerNotes::keep(const std::string& identity, const std::string& sha256) {
  if (known_.size() >= kMostKept) known_.clear();
  known_[identity] = sha256;
  has_changed_ = true;
}

void RunnerNotes::save() const {
  if (path_.empty() || !has_changed_) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  const std::string fresh = fmt::format("{}.{}", path_, ::getpid());
  FileHandle file(
      ::open(fresh.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return;
  std::string text;
  for (const auto& [identity, hash] : known_) text += fmt::format("{} {}\n", hash, identity);
  if (write_all(file.get(), text) != 0 || ::rename(fresh.c_str(), path_.c_str()) != 0)
    ::unlink(fresh.c_str());
}

}  // namespace gpustack::transport
