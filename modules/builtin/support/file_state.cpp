#include "modules/builtin/support/file_state.hpp"

#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr std::size_t kLargestDiff = 104448;  // Ansible's default for max_diff_size

Value shown(std::string_view content) {
  if (content.size() <= kLargestDiff && content.find('\0') == std::string_view::npos)
    return Value(content);
  return Value::map(
      {{"size", Value(content.size())}, {"sha256", Value(hash_bytes(Algorithm::sha256, content))}});
}

}  // namespace

std::string_view state_name(FileState state) {
  switch (state) {
    case FileState::absent:
      return "absent";
    case FileState::file:
      return "file";
    case FileState::directory:
      return "directory";
    case FileState::link:
      return "link";
    case FileState::hard:
      return "hard";
  }
  return "file";
}

Result<Found> find_path(const SystemView& view, std::string path) {
  Found found;
  GS_TRY(found.info, view.lstat(path));
  found.path = std::move(path);
  if (!found.info) return found;
  if (found.info->kind == FileKind::symlink) {
    found.state = FileState::link;
  } else if (found.info->kind == FileKind::directory) {
    found.state = FileState::directory;
  } else {
    found.state = found.info->links > 1 ? FileState::hard : FileState::file;
  }
  return found;
}

Result<bool> path_exists(const SystemView& view, const std::string& path) {
  GS_TRY(const auto info, view.stat(path));
  return info.has_value();
}

Result<bool> is_folder(const SystemView& view, const std::string& path) {
  GS_TRY(const auto info, view.stat(path));
  return info && info->kind == FileKind::directory;
}

std::string without_end_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Result<void> walk(const SystemView& view,
                  const std::string& folder,
                  const std::function<Result<bool>(const std::string&, const FileInfo&)>& visit) {
  GS_TRY(const auto names, view.list(folder));
  for (const std::string& name : names) {
    const std::string path = join_path(folder, name);
    GS_TRY(const auto info, view.lstat(path));
    if (!info) continue;  // gone since it was listed
    GS_TRY(const bool enter, visit(path, *info));
    if (enter && info->kind == FileKind::directory) GS_TRY_VOID(walk(view, path, visit));
  }
  return {};
}

void add_content_diff(Plan& plan,
                      const SystemView& view,
                      std::string_view before,
                      std::string_view after,
                      const std::string& before_header,
                      const std::string& after_header) {
  if (!view.diff_mode()) return;
  Value old_value = shown(before);
  Value new_value = shown(after);
  if (old_value.is_map() && !new_value.is_map()) {
    new_value = Value::map(
        {{"size", Value(after.size())}, {"sha256", Value(hash_bytes(Algorithm::sha256, after))}});
  } else if (new_value.is_map() && !old_value.is_map()) {
    old_value = Value::map(
        {{"size", Value(before.size())}, {"sha256", Value(hash_bytes(Algorithm::sha256, before))}});
  }
  plan.diff(std::move(old_value), std::move(new_value), before_header, after_header);
}

namespace {

std::string described_path(const Value& result) {
  for (const std::string_view key : {"path", "dest"}) {
    if (result.get(key).is_string()) return result.get(key).as_string();
  }
  return {};
}

}  // namespace

Result<Outcome> apply_with_path_info(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  const std::string path = described_path(outcome.result);
  if (!path.empty()) GS_TRY_VOID(add_path_info(outcome.result, system, path));
  return outcome;
}

Result<void> add_present_path_info(Plan& plan, const SystemView& view) {
  if (!view.check_mode()) return {};
  const std::string path = described_path(plan.result);
  if (path.empty()) return {};
  return add_path_info(plan.result, view, path);
}

Result<std::vector<std::string>> missing_parents(const SystemView& view, const std::string& path) {
  std::vector<std::string> missing;
  for (std::string folder = parent_folder(path); folder != "/" && folder != ".";
       folder = parent_folder(folder)) {
    GS_TRY(const bool exists, path_exists(view, folder));
    if (exists) break;
    missing.push_back(folder);
  }
  std::ranges::reverse(missing);
  return missing;
}

}  // namespace gpustack::modules
