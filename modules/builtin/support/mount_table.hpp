#pragma once
/// @file /etc/fstab and the kernel's list of mounts.

#include "modules/sdk/system.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// One entry of fstab; fields are as in the file, escapes included.
struct FstabEntry {
  std::string source;
  std::string path;
  std::string type;
  std::string options = "defaults";
  std::string dump = "0";
  std::string pass = "0";

  [[nodiscard]] std::string line() const;
};

/// Spaces, backslashes and ampersands as fstab writes them.
std::string escape_fstab(std::string_view text);
std::optional<FstabEntry> parse_fstab_line(std::string_view line);

/// The text with the entry in place of the one for the same path (for swap: the same source), or
/// added at the end. An entry that is the same already leaves its line as it stands.
std::string with_entry(std::string_view fstab, const FstabEntry& entry);
/// The text without the entry for that path.
std::string without_entry(std::string_view fstab, const FstabEntry& entry);

struct Mount {
  std::string path;
  std::string source;  ///< the device; for a bind mount the folder it shows
  std::string type;
  std::string options;
};

/// @source proc(5), mountinfo; a later mount at the same place hides the earlier one
std::vector<Mount> mounts(const SystemView& view);
std::optional<Mount> mount_at(const SystemView& view, const std::string& path);

}  // namespace gpustack::modules
