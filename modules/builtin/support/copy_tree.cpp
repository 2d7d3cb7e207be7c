#include "modules/builtin/support/copy_plan.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

/// Copies a folder of the host into another place, as `copy` with remote_src does: what differs or
/// is missing is copied with its mode, what only the destination has stays.
class TreeCopy {
 public:
  TreeCopy(Plan& plan, const Args& args, const SystemView& view)
      : plan_(plan),
        args_(args),
        view_(view),
        placer_(plan, args, view),
        follows_(args.boolean("local_follow")) {}

  Result<void> run(const std::string& source,
                   const std::string& dest,
                   const std::optional<std::uint32_t>& mode) {
    GS_TRY_VOID(folder(dest, mode));
    return below(source, dest);
  }

 private:
  /// The attributes that count for everything inside: owner and group, not mode.
  [[nodiscard]] Args inside(std::optional<std::uint32_t> mode) const {
    return with_argument(args_, "mode", mode ? Value(mode_text(*mode)) : Value());
  }

  Result<void> folder(const std::string& path, std::optional<std::uint32_t> mode) {
    GS_TRY(const auto now, view_.stat(path));
    if (now && now->kind != FileKind::directory) {
      return Error(ErrorCode::module_failed, "'" + path + "' exists and is no folder");
    }
    if (now) {
      GS_TRY_VOID(plan_file_attributes(plan_,
                                       inside(std::nullopt),
                                       view_,
                                       path,
                                       *now,
                                       nullptr,
                                       AttributeOptions{.follow = true}));
      return {};
    }
    const FileInfo fresh = new_file_info(view_, FileKind::directory);
    plan_.changed = true;
    plan_.step(MakeDirectory{path, fresh.mode});
    placer_.will_exist(path);
    plan_.diff(Value::map({{"path", path}, {"state", "absent"}}),
               Value::map({{"path", path}, {"state", "directory"}}));
    GS_TRY_VOID(plan_file_attributes(
        plan_, inside(mode), view_, path, fresh, nullptr, AttributeOptions{.follow = true}));
    return {};
  }

  Result<void> below(const std::string& source, const std::string& dest) {
    GS_TRY(const auto names, view_.list(source));
    for (const std::string& name : names) {
      const std::string from = join_path(source, name);
      const std::string to = join_path(dest, name);
      GS_TRY(const auto unfollowed, view_.lstat(from));
      if (!unfollowed) continue;
      if (unfollowed->kind == FileKind::symlink && !follows_) {
        GS_TRY(const std::string target, view_.read_link(from));
        GS_TRY_VOID(placer_.symlink(target, to));
        continue;
      }
      GS_TRY(const auto info, view_.stat(from));
      if (!info)
        return Error(ErrorCode::module_failed,
                     "'" + from + "' is a link to nothing, cannot copy it");
      if (info->kind == FileKind::directory) {
        GS_TRY_VOID(folder(to, info->mode));
        GS_TRY_VOID(below(from, to));
      } else if (info->kind == FileKind::regular) {
        GS_TRY_VOID(file(from, to, info->mode));
      }
    }
    return {};
  }

  Result<void> file(const std::string& from, const std::string& to, std::uint32_t mode) {
    PlacedFile placed{.content = std::nullopt, .from = from, .dest = to, .keeps_links = false};
    GS_TRY(const auto now, view_.stat(to));
    bool same = false;
    if (now) {
      GS_TRY(same, has_content(view_, to, *now, placed));
    }
    // A file that is equal keeps the mode it has.
    GS_TRY_VOID(placer_.file(placed, inside(same ? std::optional<std::uint32_t>() : mode)));
    return {};
  }

  Plan& plan_;
  const Args& args_;
  const SystemView& view_;
  Placer placer_;
  bool follows_;
};

}  // namespace

Result<Plan> plan_copy_tree(const Args& args, const SystemView& view, const std::string& source) {
  const std::string asked = without_end_slash(args.text("dest"));
  const bool contents_only = source.ends_with('/');
  const std::string from = without_end_slash(source);
  std::string dest = asked;
  Plan plan;
  GS_TRY(const bool dest_exists, path_exists(view, asked));
  GS_TRY(const auto info, view.stat(from));
  std::optional<std::uint32_t> root_mode = info->mode;
  TreeCopy copy(plan, args, view);
  GS_TRY(const auto parents, missing_parents(view, asked));
  for (const std::string& parent : parents)
    plan.step(MakeDirectory{parent, new_file_info(view, FileKind::directory).mode});
  if (!contents_only) {
    dest = join_path(asked, base_name(from));
    if (!dest_exists) {
      plan.step(MakeDirectory{asked, new_file_info(view, FileKind::directory).mode});
      root_mode.reset();
    }
  }
  plan.set("src", Value(source));
  plan.set("dest", Value(dest));
  GS_TRY_VOID(copy.run(from, dest, root_mode));
  if (args.has("mode") && args.text("mode") != "preserve") {
    GS_TRY(const auto now, view.stat(dest));
    FileInfo base = now ? *now : new_file_info(view, FileKind::directory);
    if (!now && root_mode) base.mode = *root_mode;
    const Args only_mode(Value::map({{"mode", args.get("mode")}}));
    GS_TRY_VOID(plan_file_attributes(plan, only_mode, view, dest, base));
  }
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

}  // namespace gpustack::modules
