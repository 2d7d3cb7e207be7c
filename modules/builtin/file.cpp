#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/timestamps.hpp"
#include "modules/sdk/text.hpp"

#include <set>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path",
     .type = ArgType::path,
     .required = true,
     .aliases = "dest,name",
     .doc = "The file, folder or link to manage."},
    {.name = "state",
     .choices = "absent,directory,file,hard,link,touch",
     .doc = "What the path shall be. Without it: what it already is, a folder with `recurse`, else "
            "a file."},
    {.name = "src",
     .type = ArgType::path,
     .doc =
         "What a link points to (state link or hard); a relative one starts at the link's folder."},
    {.name = "recurse",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Give everything below a folder the same owner, group, mode and times."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make a link even if its source is absent, or in place of a file or an empty folder."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Act on what a link points to."},
    {.name = "access_time",
     .doc = "preserve, now, or a time; touch defaults to now, the rest to preserve."},
    {.name = "access_time_format",
     .fallback = "%Y%m%d%H%M.%S",
     .doc = "How access_time is written (strptime)."},
    {.name = "modification_time",
     .doc = "preserve, now, or a time; touch defaults to now, the rest to preserve."},
    {.name = "modification_time_format",
     .fallback = "%Y%m%d%H%M.%S",
     .doc = "How modification_time is written (strptime)."},
};

constexpr Example kExamples[] = {
    {.title = "A folder with its parents",
     .yaml = "file:\n  path: /etc/cdi\n  state: directory\n  mode: \"0755\""},
    {.title = "A link",
     .yaml = "file:\n  src: /usr/local/cuda-12.4\n  path: /usr/local/cuda\n  state: link"},
    {.title = "Leave a mark without touching its time again",
     .yaml = "file:\n  path: /var/lib/gpu-ready\n  state: touch\n  access_time: preserve\n  "
             "modification_time: preserve"},
    {.title = "Remove a folder with all it holds",
     .yaml = "file:\n  path: /tmp/build\n  state: absent"},
};

constexpr ResultKey kResults[] = {
    {"path", "The managed path (states absent, directory, file)."},
    {"dest", "The managed path (states hard, link, touch)."},
    {"src", "What the link points to."},
    {"state", "What stands there now."},
    {"mode", "Permissions, as in \"0644\"."},
    {"owner", "Name of the owner."},
    {"group", "Name of the group."},
    {"uid", "Number of the owner."},
    {"gid", "Number of the group."},
    {"size", "Size in bytes."},
};

/// One call of the module: its arguments, what is there, and the plan as it grows.
class Job {
 public:
  Job(const Args& args, const SystemView& view) : args_(args), view_(view) {}

  Result<Plan> run() {
    GS_TRY_VOID(settle_path_and_state());
    GS_TRY(times_.modification, time_request("modification_time"));
    GS_TRY(times_.access, time_request("access_time"));
    if (state_ == "absent") {
      GS_TRY_VOID(absent());
    } else if (state_ == "directory") {
      GS_TRY_VOID(directory());
    } else if (state_ == "link") {
      GS_TRY_VOID(link());
    } else if (state_ == "hard") {
      GS_TRY_VOID(hard_link());
    } else if (state_ == "touch") {
      GS_TRY_VOID(touch());
    } else {
      GS_TRY_VOID(file());
    }
    plan_.diff(std::move(diff_.before), std::move(diff_.after));
    GS_TRY_VOID(add_present_path_info(plan_, view_));
    return std::move(plan_);
  }

 private:
  static Error refused(std::string message) {
    return Error(ErrorCode::module_failed, std::move(message));
  }

  Result<TimeRequest> time_request(const std::string& name) const {
    const std::string text = args_.text(name, state_ == "touch" ? "now" : "preserve");
    return parse_time_request(text, args_.text(name + "_format"));
  }

  Result<void> settle_path_and_state() {
    state_ = args_.text("state");
    std::string path = without_end_slash(args_.text("path"));
    if (state_ != "link" && state_ != "absent") {
      const std::string inside(base_name(args_.text("src")));
      if (!inside.empty()) {
        GS_TRY(const bool folder, is_folder(view_, path));
        if (folder) path = join_path(path, inside);
      }
    }
    GS_TRY(found_, find_path(view_, path));
    const bool recurse = args_.boolean("recurse");
    if (state_.empty()) {
      state_ = found_.state != FileState::absent ? std::string(state_name(found_.state))
               : recurse                         ? "directory"
                                                 : "file";
    }
    if (recurse && state_ != "directory") {
      return Error(ErrorCode::argument_conflict,
                   "recurse needs state 'directory', found state '" + state_ + "'");
    }
    if (args_.has("src") && state_ != "link" && state_ != "hard") {
      return Error(ErrorCode::argument_conflict,
                   "src needs state 'link' or 'hard', found state '" + state_ + "'");
    }
    return {};
  }

  void begin_diff(std::string_view wanted) {
    diff_.before.set("path", Value(found_.path));
    diff_.after.set("path", Value(found_.path));
    if (wanted == state_name(found_.state)) return;
    diff_.before.set("state", Value(state_name(found_.state)));
    diff_.after.set("state", Value(wanted));
  }

  Result<void> follow_found() {
    if (!args_.boolean("follow") || found_.state != FileState::link) return {};
    GS_TRY(std::string real, view_.real_path(found_.path));
    GS_TRY(found_, find_path(view_, std::move(real)));
    return {};
  }

  /// Owner, group, mode, attributes and times of something that exists, or will by then.
  Result<void> attributes(const std::string& path, const FileInfo& now, AttributeDiff* diff) {
    GS_TRY_VOID(plan_file_attributes(
        plan_, args_, view_, path, now, diff, AttributeOptions{.follow = false}));
    FileInfo timed = now;
    if (now.kind == FileKind::symlink) {
      GS_TRY(const auto followed, view_.stat(path));
      if (!followed) return {};
      timed = *followed;
    }
    GS_TRY_VOID(plan_times(plan_, view_, path, timed, times_, diff));
    return {};
  }

  Result<void> absent() {
    plan_.set("path", found_.path);
    plan_.set("state", "absent");
    if (found_.state == FileState::absent) {
      begin_diff("absent");
      return {};
    }
    begin_diff("absent");
    plan_.changed = true;
    if (found_.state != FileState::directory) {
      plan_.step(RemoveFile{found_.path});
      return {};
    }
    if (view_.diff_mode()) {
      List folders;
      List files;
      GS_TRY_VOID(walk(
          view_, found_.path, [&](const std::string& path, const FileInfo& info) -> Result<bool> {
            (info.kind == FileKind::directory ? folders : files).emplace_back(path);
            return true;
          }));
      diff_.before.set("path_content",
                       Value::map({{"directories", Value(std::move(folders))},
                                   {"files", Value(std::move(files))}}));
    }
    plan_.step(RemoveTree{found_.path});
    return {};
  }

  Result<void> file() {
    GS_TRY_VOID(follow_found());
    if (found_.state != FileState::file && found_.state != FileState::hard) {
      return refused("file (" + found_.path + ") is " + std::string(state_name(found_.state)) +
                     ", cannot continue");
    }
    plan_.set("path", found_.path);
    begin_diff(found_.state == FileState::hard ? "hard" : "file");
    return attributes(found_.path, *found_.info, &diff_);
  }

  Result<void> touch() {
    plan_.set("dest", found_.path);
    if (found_.state == FileState::absent) {
      begin_diff("touch");
      plan_.changed = true;
      GS_TRY(const bool parent, is_folder(view_, parent_folder(found_.path)));
      if (!parent && !view_.check_mode()) {
        return refused("could not touch '" + found_.path + "': its folder does not exist");
      }
      GS_TRY(WriteOptions options, write_options(args_, view_, std::nullopt));
      plan_.step(WriteFile{found_.path, Content::of(""), options});
      GS_TRY_VOID(plan_file_attributes(plan_,
                                       args_,
                                       view_,
                                       found_.path,
                                       new_file_info(view_),
                                       nullptr,
                                       AttributeOptions{.follow = false, .already_written = true}));
      return new_times(found_.path, FileKind::regular);
    }
    GS_TRY_VOID(follow_found());
    if (found_.state == FileState::absent)
      return refused("'" + found_.path + "' is a link to nothing, cannot touch it");
    begin_diff("touch");
    return attributes(found_.path, *found_.info, &diff_);
  }

  /// A new file is as young as it gets: only exact times need a step.
  Result<void> new_times(const std::string& path, FileKind kind) {
    TimeRequests exact = times_;
    if (exact.access.kind == TimeRequest::Kind::now)
      exact.access.kind = TimeRequest::Kind::preserve;
    if (exact.modification.kind == TimeRequest::Kind::now)
      exact.modification.kind = TimeRequest::Kind::preserve;
    GS_TRY_VOID(plan_times(plan_, view_, path, new_file_info(view_, kind), exact, nullptr));
    return {};
  }

  Result<void> new_folder(const std::string& path) {
    const FileInfo now = new_file_info(view_, FileKind::directory);
    plan_.step(MakeDirectory{path, now.mode});
    GS_TRY_VOID(plan_file_attributes(
        plan_, args_, view_, path, now, nullptr, AttributeOptions{.follow = false}));
    return new_times(path, FileKind::directory);
  }

  Result<void> directory() {
    GS_TRY_VOID(follow_found());
    plan_.set("path", found_.path);
    begin_diff("directory");
    if (found_.state == FileState::absent) {
      plan_.changed = true;
      GS_TRY(auto folders, missing_parents(view_, found_.path));
      folders.push_back(found_.path);
      for (const std::string& folder : folders) GS_TRY_VOID(new_folder(folder));
      return {};
    }
    if (found_.state != FileState::directory) {
      return refused(found_.path + " already exists as a " + std::string(state_name(found_.state)));
    }
    GS_TRY_VOID(attributes(found_.path, *found_.info, &diff_));
    if (args_.boolean("recurse")) return everything_below(found_.path);
    return {};
  }

  Result<void> everything_below(const std::string& folder) {
    return walk(
        view_, folder, [this](const std::string& path, const FileInfo& info) -> Result<bool> {
          GS_TRY_VOID(attributes(path, info, nullptr));
          if (info.kind == FileKind::symlink && args_.boolean("follow"))
            GS_TRY_VOID(behind_link(path));
          return true;
        });
  }

  Result<void> behind_link(const std::string& path) {
    GS_TRY(const auto target, view_.stat(path));
    if (!target) return {};
    // A link to a folder above it would otherwise never end.
    if (!visited_.emplace(target->device, target->inode).second) return {};
    GS_TRY(const std::string real, view_.real_path(path));
    if (target->kind == FileKind::directory) GS_TRY_VOID(everything_below(real));
    return attributes(real, *target, nullptr);
  }

  Result<void> link() {
    const std::string& path = found_.path;
    const bool has_source = args_.has("src");
    std::string src = args_.text("src");
    if (!has_source && found_.state == FileState::link && args_.boolean("follow")) {
      GS_TRY(src, view_.read_link(path));
    }
    const std::string folder = found_.state == FileState::directory ? path : parent_folder(path);
    const std::string target = src.starts_with('/') ? src : join_path(folder, src);
    if (has_source) GS_TRY_VOID(check_link_target(target));
    GS_TRY_VOID(check_place_for_link());
    plan_.set("dest", path);
    plan_.set("src", src);
    begin_diff("link");
    if (found_.state != FileState::link) {
      if (!has_source) return refused("src is required for creating new symlinks");
      plan_.changed = true;
    } else if (has_source) {
      GS_TRY_VOID(note_other_target(src));
    }
    if (plan_.changed) {
      if (found_.state == FileState::directory) plan_.step(RemoveTree{path});
      plan_.step(MakeSymlink{src, path});
    }
    return link_attributes(target);
  }

  Result<void> check_link_target(const std::string& target) const {
    if (args_.boolean("force")) return {};
    GS_TRY(const bool exists, path_exists(view_, target));
    // A dry run cannot know what earlier tasks would have made.
    if (exists || view_.check_mode()) return {};
    return refused("src '" + target +
                   "' does not exist; use force: yes to make the link all the same");
  }

  /// What a link may take the place of: another link, with force a file or an empty folder.
  Result<void> check_place_for_link() const {
    const std::string& path = found_.path;
    const bool force = args_.boolean("force");
    if (found_.state == FileState::directory) {
      if (!force) return refused("refusing to convert from directory to symlink for " + path);
      GS_TRY(const auto names, view_.list(path));
      if (!names.empty())
        return refused("the directory " + path + " is not empty, refusing to convert it");
      return {};
    }
    const bool is_file = found_.state == FileState::file || found_.state == FileState::hard;
    if (!is_file || force) return {};
    return refused("refusing to convert from " + std::string(state_name(found_.state)) +
                   " to symlink for " + path);
  }

  /// For a link that is there: whether it leads elsewhere.
  Result<void> note_other_target(const std::string& src) {
    GS_TRY(const std::string old, view_.read_link(found_.path));
    if (old == src) return {};
    diff_.before.set("src", Value(old));
    diff_.after.set("src", Value(src));
    plan_.changed = true;
    return {};
  }

  Result<void> link_attributes(const std::string& target) {
    if (args_.boolean("follow")) {
      GS_TRY(const auto info, view_.stat(target));
      if (info) {
        GS_TRY(const std::string real, view_.real_path(target));
        return attributes(real, *info, &diff_);
      }
      if (!view_.check_mode()) {
        add_warning(plan_.result,
                    "cannot set owner, group or mode: the link '" + found_.path +
                        "' points to nothing; follow: no avoids this");
      }
      return {};
    }
    if (found_.state == FileState::link && !plan_.changed)
      return attributes(found_.path, *found_.info, &diff_);
    FileInfo made = new_file_info(view_, FileKind::symlink);
    made.mode = 0777;
    GS_TRY_VOID(plan_file_attributes(
        plan_, args_, view_, found_.path, made, nullptr, AttributeOptions{.follow = false}));
    return {};
  }

  Result<void> hard_link() {
    const std::string& path = found_.path;
    const std::string src = args_.text("src");
    const bool has_source = args_.has("src");
    if (found_.state != FileState::hard && !has_source)
      return refused("src is required for creating new hardlinks");
    std::optional<FileInfo> source;
    if (has_source) {
      GS_TRY(source, view_.stat(src));
      if (!source && !view_.check_mode()) return refused("src '" + src + "' does not exist");
    }
    begin_diff("hard");
    plan_.set("dest", path);
    plan_.set("src", has_source ? Value(src) : Value());
    if (found_.state == FileState::absent) {
      plan_.changed = true;
    } else if (found_.state == FileState::link) {
      GS_TRY_VOID(note_other_target(src));
    } else if (has_source && !is_found(source)) {
      GS_TRY_VOID(check_place_for_hard_link());
      plan_.changed = true;
    }
    if (plan_.changed) plan_.step(MakeHardlink{src, path});
    if (plan_.changed && source) return attributes(path, *source, &diff_);
    if (!plan_.changed && found_.info) return attributes(path, *found_.info, &diff_);
    return {};
  }

  /// Whether `file` is another name of what was found.
  [[nodiscard]] bool is_found(const std::optional<FileInfo>& file) const {
    return file && found_.info && found_.info->inode == file->inode &&
           found_.info->device == file->device;
  }

  Result<void> check_place_for_hard_link() const {
    const std::string& path = found_.path;
    if (found_.state == FileState::directory)
      return refused("cannot link, a directory exists at '" + path + "'");
    if (args_.boolean("force")) return {};
    return refused(found_.state == FileState::hard
                       ? "cannot link, different hard link exists at '" + path + "'"
                       : "cannot link, a file exists at '" + path + "'");
  }

  const Args& args_;
  const SystemView& view_;
  Found found_;
  std::string state_;
  TimeRequests times_;
  Plan plan_;
  AttributeDiff diff_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> visited_;
};

Result<Plan> plan(const Args& args, const SystemView& view) { return Job(args, view).run(); }

}  // namespace

extern const ModuleSpec file_module;
const ModuleSpec file_module{
    .name = "file",
    .summary = "Make or remove files, folders and links, and set their owner, mode and times.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply_with_path_info};

}  // namespace gpustack::modules
