#include "modules/builtin/support/copy_plan.hpp"

#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

// The sha1 of large content costs a second pass over it, so it is given for what came inline or is
// on the host.
constexpr std::uint64_t kHashedForResult = 16U << 20U;

Result<void> add_checksums(Value& result, const SystemView& view, const std::string& path) {
  GS_TRY(const auto info, view.stat(path));
  if (!info || info->kind != FileKind::regular || info->size > kHashedForResult ||
      !view.access(path, "r"))
    return {};
  GS_TRY(std::string sha1, view.hash(path, Algorithm::sha1));
  GS_TRY(std::string md5, view.hash(path, Algorithm::md5));
  result.set("checksum", Value(std::move(sha1)));
  result.set("md5sum", Value(std::move(md5)));
  return {};
}

Result<void> check_sum(const Args& args, const SystemView& view, const PlacedFile& file) {
  const std::string wanted = lower(args.text("checksum"));
  if (wanted.empty()) return {};
  // A content that is still on the controller was hashed there.
  std::string present = lower(args.text("_sha1"));
  if (!file.content) {
    GS_TRY(present, view.hash(file.from, Algorithm::sha1));
  } else if (file.content->is_inline) {
    present = hash_bytes(Algorithm::sha1, file.content->bytes);
  }
  if (present == wanted) return {};
  return Error(ErrorCode::module_failed,
               "the content has the checksum " + present + ", expected " + wanted);
}

/// The path of the file that `dest` stands for; makes the folder of a `dest` that ends with a
/// slash.
Result<std::string> final_path(Placer& placer,
                               const Args& args,
                               const SystemView& view,
                               const std::string& basename) {
  std::string dest = args.text("dest");
  if (dest.find('/') == std::string::npos) dest = "./" + dest;
  const bool named_folder = dest.ends_with('/');
  if (named_folder && !basename.empty()) {
    const std::string folder = without_end_slash(dest);
    GS_TRY_VOID(placer.folder(folder, false));
    dest = join_path(folder, basename);
  }
  GS_TRY(const bool folder, is_folder(view, dest));
  if (!folder) return dest;
  if (basename.empty())
    return Error(ErrorCode::module_failed,
                 "can not use content with a dir as dest: '" + dest + "'");
  dest = join_path(dest, basename);
  GS_TRY(const bool again, is_folder(view, dest));
  if (again) return Error(ErrorCode::module_failed, "'" + dest + "' is a folder, expected a file");
  return dest;
}

Result<Plan> plan_one(const Args& args,
                      const SystemView& view,
                      PlacedFile file,
                      const std::string& basename) {
  Plan plan;
  Placer placer(plan, args, view);
  GS_TRY(file.dest, final_path(placer, args, view, basename));
  const bool follow = args.boolean("follow");
  GS_TRY(const Found found, find_path(view, file.dest));
  if (found.state == FileState::link && follow) {
    GS_TRY(file.dest, view.real_path(file.dest));
  }
  file.keeps_links = !follow;
  if (!file.content) plan.set("src", Value(file.from));
  plan.set("dest", Value(file.dest));
  GS_TRY(const bool exists, path_exists(view, file.dest));
  if (exists && !args.boolean("force", true)) {
    plan.set("msg", "file already exists");
  } else {
    GS_TRY_VOID(check_sum(args, view, file));
    GS_TRY_VOID(placer.file(file, args));
  }
  if (file.content && file.content->is_inline) {
    plan.set("checksum", Value(hash_bytes(Algorithm::sha1, file.content->bytes)));
  }
  GS_TRY_VOID(add_present_path_info(plan, view));
  return plan;
}

Result<Plan> plan_remote(const Args& args, const SystemView& view) {
  const std::string source = args.text("src");
  GS_TRY(const auto info, view.stat(source));
  if (!info)
    return Error(ErrorCode::module_failed,
                 "the source '" + source + "' does not exist on the host");
  if (!view.access(without_end_slash(source), "r")) {
    return Error(ErrorCode::module_failed,
                 "the source '" + source + "' is not readable on the host");
  }
  if (info->kind == FileKind::directory) return plan_copy_tree(args, view, source);
  if (info->kind != FileKind::regular)
    return Error(ErrorCode::module_failed, "the source '" + source + "' is no file");
  const bool preserve = args.text("mode") == "preserve";
  const Args attributes =
      preserve ? with_argument(args, "mode", Value(mode_text(info->mode))) : args;
  PlacedFile file{.content = std::nullopt, .from = source, .dest = {}, .keeps_links = false};
  const std::string original = args.text("_original_basename");
  return plan_one(attributes,
                  view,
                  std::move(file),
                  original.empty() ? std::string(base_name(source)) : original);
}

}  // namespace

Result<Plan> plan_copy(const Args& args, const SystemView& view) {
  if (args.has("_tree")) return plan_copy_folder(args, view);
  if (args.has("_content")) {
    GS_TRY(Content content, Content::from_value(args.get("_content")));
    PlacedFile file{.content = std::move(content), .from = {}, .dest = {}, .keeps_links = false};
    return plan_one(args, view, std::move(file), args.text("_original_basename"));
  }
  if (args.boolean("remote_src") && args.has("src")) return plan_remote(args, view);
  return Error(ErrorCode::content_missing,
               "the content for '" + args.text("dest") + "' did not arrive");
}

Result<Outcome> apply_copy(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_with_path_info(plan, system));
  const std::string dest = to_text(outcome.result.get("dest"));
  if (!dest.ends_with('/')) GS_TRY_VOID(add_checksums(outcome.result, system, dest));
  return outcome;
}

}  // namespace gpustack::modules
