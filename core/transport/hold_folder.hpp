#pragma once
/// @file HoldFolder: where the sockets of held connections are; a folder that is its owner's alone.

#include "core/transport/file_io.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

/// A listening socket and what it is known by in its folder.
struct HoldListener {
  FileHandle socket;
  ino_t inode = 0;
};

/// Whether who is at the other end of a socket runs as our own user.
bool is_peer_own(int socket);

/// Sockets are reached through the open folder, so that a path of any length will do and nobody can
/// put another folder in its place.
class HoldFolder {
 public:
  enum class Missing : std::uint8_t { make, refuse };

  /// `$XDG_RUNTIME_DIR/gpustack` where that is a folder of ours, else
  /// `HOME/.cache/gpustack-connections`.
  static std::string default_path(const std::string& home);
  /// @error file_not_found   it is not there, and is not to be made
  /// @error file_unreadable  it cannot be made
  /// @error file_unwritable  it belongs to somebody else, or others may enter it
  static Result<HoldFolder> open(const std::string& path, Missing missing);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// A socket to whoever listens there as our user; not open where nobody does.
  [[nodiscard]] FileHandle connect(const std::string& name) const;
  /// Listens under `name`, in the place of who did so before.
  /// @error file_unwritable
  [[nodiscard]] Result<HoldListener> listen(const std::string& name) const;
  /// Whether `name` still leads to that listener.
  [[nodiscard]] bool leads_to(const std::string& name, ino_t inode) const;
  /// Removes `name` if it leads to that listener.
  void remove(const std::string& name, ino_t inode) const;
  /// The names of all sockets.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Removes the sockets where nobody listens any more.
  void sweep() const;

 private:
  HoldFolder(std::string path, FileHandle folder)
      : path_(std::move(path)), folder_(std::move(folder)) {}
  /// While it is open, nobody else changes names.
  [[nodiscard]] FileHandle lock() const;

  std::string path_;
  FileHandle folder_;
};

}  // namespace gpustack::transport
