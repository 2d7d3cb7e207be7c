#pragma once
/// @file The host's part of copy, template and assemble: put content at a destination.

#include "modules/sdk/module.hpp"

#include <set>
#include <string>

namespace gpustack::modules {

/// What the controller hands over, besides the user's own arguments. One of these is there unless
/// `remote_src` is set:
///   _content            {sha256, size[, bytes]} of the one file; `_original_basename` names it, so
///   that `dest` may be a folder _files              [{path, _content, mode?} or {path, link}]
///   below the folder `dest` _directories        [path]  below the folder `dest`
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
  /// @return whether the file was placed or changed
  Result<bool> file(const PlacedFile& file, const Args& attributes);
  Result<void> symlink(const std::string& target, const std::string& path);
  /// Whether the plan makes this folder.
  [[nodiscard]] bool makes(const std::string& path) const { return made_.contains(path); }
  void will_exist(const std::string& path) { made_.insert(path); }

 private:
  /// @param now what the destination leads to, if anything
  Result<void> write(const PlacedFile& file,
                     const Args& attributes,
                     const std::optional<FileInfo>& now,
                     bool replaces_link);
  Result<void> diff(const PlacedFile& file, const std::optional<FileInfo>& now);
  Result<void> require_parent(const std::string& path) const;

  Plan& plan_;
  const Args& args_;
  const SystemView& view_;
  std::set<std::string> made_;
};

/// copy with remote_src of a folder.
Result<Plan> plan_copy_tree(const Args& args, const SystemView& view, const std::string& source);

/// Whether a file of the host has this content.
Result<bool> has_content(const SystemView& view,
                         const std::string& path,
                         const FileInfo& info,
                         const PlacedFile& file);

}  // namespace gpustack::modules
