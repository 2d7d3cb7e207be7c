#pragma once
/// @file RunnerNotes: which of this controller's files has which SHA-256, from one run to the next.

#include "core/transport/file_io.hpp"

#include <map>
#include <optional>
#include <string>

namespace gpustack::transport {

/// Hashing the runners costs as much as applying sixty tasks to a host. What they hashed to is kept
/// in a file of the user's own, by inode, size and times; a runner is hashed again whenever it is
/// sent to a host. A file that cannot be read or written costs the hashing, and says nothing.
class RunnerNotes {
 public:
  /// @param path  empty: nothing is known, nothing is kept
  explicit RunnerNotes(std::string path);

  /// What tells an open file from others, and from what it was before a change. Nothing for a file
  /// that was changed so lately that another change could go unnoticed.
  static std::optional<std::string> identity_of(const FileHandle& file);

  /// 64 digits, or nothing.
  [[nodiscard]] std::optional<std::string> find(const std::string& identity) const;
  void keep(const std::string& identity, const std::string& sha256);
  /// Writes what was kept since the notes were read.
  void save() const;

 private:
  std::string path_;
  std::map<std::string, std::string> known_;
  bool has_changed_ = false;
};

}  // namespace gpustack::transport
