#pragma once
/// @file The host's part of copy, template and assemble: put content at a destination.

#include "modules/sdk/module.hpp"

#include <set>
#include <string>

namespace gpustack::modules {

/// What the controller hands over, besides the user's own arguments. One of the first two is there
/// unless `remote_src` is set:
///   _content  {sha256, size[, bytes]} of the one file; `_original_basename` names it, so that
///   `dest`
///             may be a folder; `_sha1` is there where `checksum` is and the bytes are not
///   _tree     what is below the folder `dest` (tree_list.hpp), with
///     _hashes  the content of its HashList: a host whose files are all as they should be makes the
///              same list of them, and nothing more travels
///     _bytes   the contents of all files one behind the other, where they are small
/// `mode: preserve` was replaced by the local file's mode on the way, except for remote_src.
Result<Plan> plan_copy(const Args& args, const SystemView& view);
/// Adds checksum, md5sum and what is now at `dest` to the result.
Result<Outcome> apply_copy(const Plan& plan, System& system);

/// The same arguments with one replaced.
Args with_argument(const Args& args, std::string_view name, Value value);

/// One file to place: content that came along, or a file of the host.
struct PlacedFile {
  std::optional<Content> content;
  std::string from;          ///< when there is no content
  std::string dest;          ///< the final path
  bool keeps_links = false;  ///< never writes through a link at `dest`
};

/// Plans writes and remembers which folders the plan makes, so that later files may go there.
class Placer {
 public:
  Placer(Plan& plan, const Args& args, const SystemView& view)
      : plan_(plan), args_(args), view_(view) {}

  /// Makes a folder and its parents with `directory_mode`, owner and group.
  Result<void> folder(const std::string& path, bool corrects_existing);
  /// @param known  whether what is there has this content, where the caller knows
  /// @return whether the file was placed or changed
  Result<bool> file(const PlacedFile& file,
                    const Args& attributes,
                    std::optional<bool> known = std::nullopt);
  Result<void> symlink(const std::string& target, const std::string& path);
  /// Whether the plan makes this folder.
  [[nodiscard]] bool makes(const std::string& path) const { return made_.contains(path); }
  void will_exist(const std::string& path) { made_.insert(path); }

 private:
  /// @param now what the destination leads to, if anything
  Result<void> write(PlacedFile file,
                     const Args& attributes,
                     const std::optional<FileInfo>& now,
                     bool replaces_link);
  /// What had to be fetched for it becomes inline: it need not travel again.
  Result<void> diff(PlacedFile& file, const std::optional<FileInfo>& now);
  Result<void> require_parent(const std::string& path) const;

  Plan& plan_;
  const Args& args_;
  const SystemView& view_;
  std::set<std::string> made_;
};

/// Up to this size a diff shows texts, beyond it sizes.
inline constexpr std::uint64_t kLargestShown = 104448;

/// copy of a folder of the controller.
Result<Plan> plan_copy_folder(const Args& args, const SystemView& view);

/// copy with remote_src of a folder.
Result<Plan> plan_copy_tree(const Args& args, const SystemView& view, const std::string& source);

/// Whether a file of the host has this content.
Result<bool> has_content(const SystemView& view,
                         const std::string& path,
                         const FileInfo& info,
                         const PlacedFile& file);

}  // namespace gpustack::modules
