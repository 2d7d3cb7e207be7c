#include "modules/builtin/support/text_edit.hpp"

#include "modules/builtin/support/file_state.hpp"

namespace gpustack::modules {

Result<TextFile> open_text(const SystemView& view, const std::string& path) {
  TextFile file;
  file.path = path;
  GS_TRY(file.info, view.stat(path));
  GS_TRY(const auto unfollowed, view.lstat(path));
  file.is_link = unfollowed && unfollowed->kind == FileKind::symlink;
  if (!file.info) return file;
  if (file.info->kind == FileKind::directory)
    return Error(ErrorCode::module_failed, "Path " + path + " is a directory !");
  GS_TRY(file.content, view.read(path));
  return file;
}

namespace {

/// A module that has `follow` and was told not to: the link itself is replaced.
bool replaces_link(const Args& args, const TextFile& file) {
  return file.is_link && args.has("follow") && !args.boolean("follow");
}

Result<void> plan_write(Plan& plan,
                        const Args& args,
                        const SystemView& view,
                        const TextFile& file,
                        std::string content) {
  GS_TRY(const auto folders, missing_parents(view, file.path));
  for (const std::string& folder : folders) {
    plan.step(MakeDirectory{folder, new_file_info(view, FileKind::directory).mode});
  }
  GS_TRY(WriteOptions options, write_options(args, view, file.info));
  options.backup = options.backup && file.exists();
  if (replaces_link(args, file)) {
    if (!options.mode) options.mode = file.info ? file.info->mode : new_file_info(view).mode;
    if (file.info && !options.owner.uid) options.owner.uid = file.info->uid;
    if (file.info && !options.owner.gid) options.owner.gid = file.info->gid;
  } else if (file.is_link && !args.boolean("follow")) {
    // The content goes to the link's target, owner and mode to the link itself, as in Ansible.
    options.mode.reset();
    options.owner = Ownership{};
  }
  plan.step(WriteFile{file.path, Content::of(std::move(content)), std::move(options)});
  return {};
}

}  // namespace

Result<void> finish_edit(Plan& plan,
                         const Args& args,
                         const SystemView& view,
                         const TextFile& file,
                         std::string content,
                         std::string message,
                         Headers headers) {
  const bool writes = !file.exists() || content != file.content;
  const bool with_kind = headers == Headers::content_and_attributes;
  const std::string header = with_kind ? file.path + " (content)" : file.path;
  if (writes || with_kind) add_content_diff(plan, view, file.content, content, header, header);
  if (writes) {
    plan.changed = true;
    GS_TRY_VOID(plan_write(plan, args, view, file, std::move(content)));
  }
  // With `follow`, or once the link is replaced, owner and mode are those of the file.
  const bool acts_on_file =
      !file.is_link || args.boolean("follow") || (writes && replaces_link(args, file));
  std::optional<FileInfo> now = file.info;
  if (!acts_on_file) {
    GS_TRY(now, view.lstat(file.path));
  }
  AttributeDiff diff;
  const AttributeOptions options{.follow = args.boolean("follow"),
                                 .already_written = writes && acts_on_file};
  GS_TRY(const bool differs,
         plan_file_attributes(
             plan, args, view, file.path, now ? *now : new_file_info(view), &diff, options));
  // A dry run of a new file says nothing of its attributes: they come with it.
  if (differs && (file.exists() || !view.check_mode())) {
    if (!message.empty()) message += " and ";
    message += "ownership, perms or SE linux context changed";
    if (file.exists()) {
      const std::string attribute_header = with_kind ? file.path + " (file attributes)" : file.path;
      plan.diff(std::move(diff.before), std::move(diff.after), attribute_header, attribute_header);
    }
  }
  plan.set("msg", Value(std::move(message)));
  return {};
}

std::vector<std::string> lines_with_ends(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
    lines.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

std::vector<std::string> any_lines_with_ends(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
    if (end != std::string_view::npos && text.substr(end, 2) == "\r\n") ++length;
    lines.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace gpustack::modules
