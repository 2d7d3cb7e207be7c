#pragma once
/// @file Reads and replaces the files that hold vault text, so that no fault leaves half a file and
/// no plain text stays behind.

#include "core/base/result.hpp"

#include <string>
#include <string_view>

namespace gpustack::vault {

/// The whole of a file, or of anything else that can be read to an end.
/// @error file_not_found, file_unreadable
Result<std::string> read_file(const std::string& path);

/// Who may read a file that is replaced: whoever could before, or its owner alone. A new file is
/// its owner's alone either way.
enum class Readers { as_before, owner };

/// What becomes of the bytes that a file had before.
enum class OldBytes { forgotten, overwritten };

/// Puts `content` in the place of `path` in one step; the owner stays, symbolic links are followed.
/// Until that step, and on every error, the file is as it was.
/// @error file_unwritable
Result<void> replace_file(const std::string& path,
                          std::string_view content,
                          Readers readers,
                          OldBytes old_bytes = OldBytes::forgotten);

/// Makes a file that is not there yet. @error file_unwritable  also when there is one
Result<void> create_file(const std::string& path, std::string_view content);

/// `path` with its first `~` replaced by the user's home.
std::string home_expanded(std::string path);

/// `path` with all symbolic links followed, for a file that may not exist.
std::string real_path(const std::string& path);

/// A folder for plain text that a program works on: ours alone, in memory where the system offers
/// it. When it dies every file in it is overwritten and removed, those included that an editor
/// left.
class PrivateFolder {
 public:
  /// @error file_unwritable
  static Result<PrivateFolder> make();
  PrivateFolder(PrivateFolder&& other) noexcept;
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit PrivateFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace gpustack::vault
