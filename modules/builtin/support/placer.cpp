#include "modules/builtin/support/copy_plan.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

Args with_argument(const Args& args, std::string_view name, Value value) {
  Value values = args.values();
  values.set(name, std::move(value));
  return Args(std::move(values));
}

Result<bool> has_content(const SystemView& view,
                         const std::string& path,
                         const FileInfo& info,
                         const PlacedFile& file) {
  if (info.kind != FileKind::regular) return false;
  if (file.content) {
    if (info.size != file.content->size) return false;
    if (!view.access(path, "r")) return false;
    GS_TRY(const std::string present, view.hash(path, Algorithm::sha256));
    return present == file.content->sha256;
  }
  GS_TRY(const auto source, view.stat(file.from));
  if (!source || source->size != info.size) return false;
  if (source->inode == info.inode && source->device == info.device) return true;
  GS_TRY(const std::string present, view.hash(path, Algorithm::sha256));
  GS_TRY(const std::string wanted, view.hash(file.from, Algorithm::sha256));
  return present == wanted;
}

Result<void> Placer::folder(const std::string& path, bool corrects_existing) {
  if (makes(path)) return {};
  const Args attributes = with_argument(args_, "mode", args_.get("directory_mode"));
  GS_TRY(const auto now, view_.stat(path));
  if (now) {
    if (now->kind != FileKind::directory)
      return Error(ErrorCode::module_failed, "'" + path + "' exists and is no folder");
    if (corrects_existing) {
      GS_TRY_VOID(plan_file_attributes(
          plan_, attributes, view_, path, *now, nullptr, AttributeOptions{.follow = true}));
    }
    return {};
  }
  const std::string parent = parent_folder(path);
  if (parent != path && parent != "/" && parent != ".") GS_TRY_VOID(folder(parent, false));
  const FileInfo fresh = new_file_info(view_, FileKind::directory);
  plan_.changed = true;
  plan_.step(MakeDirectory{path, fresh.mode});
  GS_TRY_VOID(plan_file_attributes(
      plan_, attributes, view_, path, fresh, nullptr, AttributeOptions{.follow = true}));
  plan_.diff(Value::map({{"path", path}, {"state", "absent"}}),
             Value::map({{"path", path}, {"state", "directory"}}));
  made_.insert(path);
  return {};
}

Result<void> Placer::require_parent(const std::string& path) const {
  const std::string parent = parent_folder(path);
  // A dry run cannot know which folders earlier tasks would have made.
  if (makes(parent) || view_.check_mode()) return {};
  GS_TRY(const bool there, is_folder(view_, parent));
  if (!there)
    return Error(ErrorCode::module_failed,
                 "the destination folder '" + parent + "' does not exist");
  return {};
}

Result<void> Placer::diff(PlacedFile& file, const std::optional<FileInfo>& now) {
  if (!view_.diff_mode()) return {};
  std::uint64_t size = 0;
  if (file.content) {
    size = file.content->size;
  } else {
    GS_TRY(const auto source, view_.stat(file.from));
    if (source) size = source->size;
  }
  const bool had_file = now && now->kind == FileKind::regular;
  const std::string after_header = file.content ? file.dest : file.from;
  if (size > kLargestShown || (had_file && now->size > kLargestShown)) {
    Value before =
        had_file ? Value::map({{"size", Value(now->size)}}) : Value::map({{"state", "absent"}});
    plan_.diff(std::move(before), Value::map({{"size", Value(size)}}), file.dest, after_header);
    return {};
  }
  std::string before;
  if (had_file) {
    GS_TRY(before, view_.read(file.dest));
  }
  std::string after;
  if (file.content) {
    GS_TRY(after, view_.content(*file.content));
    file.content->bytes = after;
    file.content->is_inline = true;
  } else {
    GS_TRY(after, view_.read(file.from));
  }
  add_content_diff(plan_, view_, before, after, had_file ? file.dest : "", after_header);
  return {};
}

Result<void> Placer::write(PlacedFile file,
                           const Args& attributes,
                           const std::optional<FileInfo>& now,
                           bool replaces_link) {
  const std::optional<FileInfo> base = replaces_link ? std::optional<FileInfo>() : now;
  GS_TRY_VOID(require_parent(file.dest));
  plan_.changed = true;
  GS_TRY(WriteOptions options, write_options(attributes, view_, base));
  options.follow = !replaces_link;
  options.backup = options.backup && now.has_value();
  if (replaces_link) {
    // Nothing of the link is kept: the new file is as a fresh one would be.
    const FileInfo fresh = new_file_info(view_);
    if (!options.mode) options.mode = fresh.mode;
    if (!options.owner.uid) options.owner.uid = fresh.uid;
    if (!options.owner.gid) options.owner.gid = fresh.gid;
  }
  GS_TRY_VOID(diff(file, now));
  if (file.content) {
    plan_.step(WriteFile{file.dest, std::move(*file.content), std::move(options)});
    return {};
  }
  // A copy must not take the mode of its source: what is not asked for is the old file's, or a
  // fresh file's.
  if (!options.mode) options.mode = base ? base->mode : new_file_info(view_).mode;
  plan_.step(CopyFile{file.from, file.dest, std::move(options)});
  return {};
}

Result<bool> Placer::file(const PlacedFile& file,
                          const Args& attributes,
                          std::optional<bool> known) {
  GS_TRY(const auto unfollowed, view_.lstat(file.dest));
  GS_TRY(const auto now, view_.stat(file.dest));
  const bool replaces_link =
      file.keeps_links && unfollowed && unfollowed->kind == FileKind::symlink;
  if (now && now->kind == FileKind::directory && !replaces_link) {
    return Error(ErrorCode::module_failed, "'" + file.dest + "' is a folder, expected a file");
  }
  const std::optional<FileInfo> base = replaces_link ? std::optional<FileInfo>() : now;
  bool same = base && known.value_or(false);
  if (base && !known) {
    GS_TRY(same, has_content(view_, file.dest, *base, file));
  }
  if (!same) GS_TRY_VOID(write(file, attributes, now, replaces_link));
  AttributeDiff changes;
  const AttributeOptions how{.follow = true, .already_written = !same};
  GS_TRY(
      const bool differs,
      plan_file_attributes(
          plan_, attributes, view_, file.dest, base ? *base : new_file_info(view_), &changes, how));
  if (differs && base) {
    changes.before.set("path", Value(file.dest));
    changes.after.set("path", Value(file.dest));
    plan_.diff(std::move(changes.before), std::move(changes.after));
  }
  return !same || differs;
}

Result<void> Placer::symlink(const std::string& target, const std::string& path) {
  GS_TRY(const Found found, find_path(view_, path));
  if (found.state == FileState::directory)
    return Error(ErrorCode::module_failed, "'" + path + "' is a folder, expected a link");
  const Args attributes = with_argument(args_, "mode", Value());
  if (found.state == FileState::link) {
    GS_TRY(const std::string old, view_.read_link(path));
    if (old == target) {
      GS_TRY_VOID(plan_file_attributes(
          plan_, attributes, view_, path, *found.info, nullptr, AttributeOptions{.follow = false}));
      return {};
    }
  }
  plan_.changed = true;
  plan_.step(MakeSymlink{target, path});
  plan_.diff(Value::map({{"path", path}, {"state", Value(state_name(found.state))}}),
             Value::map({{"path", path}, {"state", "link"}, {"src", target}}));
  GS_TRY_VOID(plan_file_attributes(plan_,
                                   attributes,
                                   view_,
                                   path,
                                   new_file_info(view_, FileKind::symlink),
                                   nullptr,
                                   AttributeOptions{.follow = false}));
  return {};
}

}  // namespace gpustack::modules
