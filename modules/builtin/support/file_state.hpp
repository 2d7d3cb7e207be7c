#pragma once
/// @file What stands at a path, in the words of the file modules, and small helpers around it.

#include "modules/sdk/module.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

/// Ansible's five states. A device, pipe or socket counts as a file; a file with more than one name
/// as `hard`.
enum class FileState : std::uint8_t { absent, file, directory, link, hard };

std::string_view state_name(FileState state);

/// A path with what is there, links not followed.
struct Found {
  std::string path;
  FileState state = FileState::absent;
  std::optional<FileInfo> info;
};
Result<Found> find_path(const SystemView& view, std::string path);

/// Whether something is at the path, links followed: a dangling link does not exist.
Result<bool> path_exists(const SystemView& view, const std::string& path);
Result<bool> is_folder(const SystemView& view, const std::string& path);

/// The path without slashes at its end ("/" stays).
std::string without_end_slash(std::string path);

/// Visits everything below `folder`, parents before children, links not followed.
/// `visit` says whether to enter a folder.
Result<void> walk(
    const SystemView& view,
    const std::string& folder,
    const std::function<Result<bool>(const std::string& path, const FileInfo& info)>& visit);

/// Adds a content diff where the user asked for diffs. Binary and very large content is shown by
/// size and hash.
void add_content_diff(Plan& plan,
                      const SystemView& view,
                      std::string_view before,
                      std::string_view after,
                      const std::string& before_header,
                      const std::string& after_header);

/// apply_steps(), then the keys that describe the file named by `dest` or `path` of the result.
/// @source module_utils/basic.py of ansible-core 2.14, which adds them to every result that names a
/// path
Result<Outcome> apply_with_path_info(const Plan& plan, System& system);
/// The dry run's part of the same: what is there now. Does nothing in a real run.
Result<void> add_present_path_info(Plan& plan, const SystemView& view);

/// The folders above `path` that are missing, outermost first.
Result<std::vector<std::string>> missing_parents(const SystemView& view, const std::string& path);

}  // namespace gpustack::modules
