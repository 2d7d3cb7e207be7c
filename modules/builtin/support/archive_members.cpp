#include "modules/builtin/support/archive_members.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <set>

namespace gpustack::modules {

namespace {

struct Expanded {
  std::vector<std::string> paths;
  bool has_patterns = false;
};

Expanded expand(const SystemView& view, const std::vector<std::string>& wanted) {
  Expanded out;
  for (const std::string& path : wanted) {
    if (path.find_first_of("*?") == std::string::npos) {
      out.paths.push_back(path);
      continue;
    }
    out.has_patterns = true;
    const auto found = matching_paths(view, path);
    out.paths.insert(out.paths.end(), found.begin(), found.end());
  }
  return out;
}

/// With a slash at its end, as os.path.dirname() finds it: what ends with one is its own folder.
std::string folder_of(const std::string& path) {
  if (path.ends_with('/')) return without_end_slash(path) + "/";
  const std::string folder = parent_folder(path);
  return folder.ends_with('/') ? folder : folder + "/";
}

std::string common_root(const std::vector<std::string>& paths) {
  std::string root = folder_of(paths.front());
  for (const std::string& path : paths) {
    const std::string other = folder_of(path);
    const auto differs = std::ranges::mismatch(root, other);
    root.erase(differs.in1, root.end());
  }
  // Half a name is no folder.
  return root.substr(0, root.rfind('/') + 1);
}

std::string below_root(const std::string& root, const std::string& path) {
  return path.starts_with(root) ? path.substr(root.size()) : path;
}

/// Both lists of a folder as os.walk() gives them: folders first.
class Collector {
 public:
  Collector(const Args& args, const SystemView& view, const ArchiveSources& sources)
      : view_(view),
        sources_(sources),
        patterns_(args.texts("exclusion_patterns")),
        whole_paths_(args.text("format") == "zip") {}

  void add(const std::string& path) {
    const std::string name = below_root(sources_.root, path);
    if (path == sources_.destination || name.empty()) return;
    const bool excluded = std::ranges::any_of(patterns_, [&](const std::string& pattern) {
      return name_matches(pattern, whole_paths_ ? path : std::string(trim_left(name, "/")));
    });
    if (!excluded && seen_.insert(name).second) members_.push_back(name);
  }

  Result<void> add_tree(const std::string& folder) {
    GS_TRY(const auto names, view_.list(folder));
    std::vector<std::string> folders;
    std::vector<std::string> files;
    std::vector<std::string> to_enter;
    for (const std::string& name : names) {
      const std::string path = join_path(folder, name);
      GS_TRY(const auto info, view_.lstat(path));
      if (!info) continue;  // it went meanwhile
      GS_TRY(const bool folder_behind, is_folder(view_, path));
      (folder_behind ? folders : files).push_back(path);
      if (info->kind == FileKind::directory) to_enter.push_back(path);
    }
    for (const std::string& path : folders) add(path);
    for (const std::string& path : files) add(path);
    for (const std::string& path : to_enter) GS_TRY_VOID(add_tree(path));
    return {};
  }

  std::vector<std::string> take() { return std::move(members_); }

 private:
  const SystemView& view_;
  const ArchiveSources& sources_;
  std::vector<std::string> patterns_;
  bool whole_paths_;
  std::vector<std::string> members_;
  std::set<std::string> seen_;
};

Result<void> check_removal(const SystemView& view, const ArchiveSources& sources) {
  for (const std::string& path : sources.paths) {
    GS_TRY(const bool folder, is_folder(view, path));
    if (folder && sources.destination.starts_with(without_end_slash(path) + "/")) {
      return Error(ErrorCode::module_failed,
                   "Error, created archive can not be contained in source paths when remove=true")
          .hint("put dest outside of '" + path + "'");
    }
  }
  return {};
}

}  // namespace

Result<ArchiveSources> archive_sources(const Args& args, const SystemView& view) {
  ArchiveSources out;
  const auto wanted = args.texts("path");
  for (const std::string& path : wanted) {
    if (!path.starts_with('/')) {
      return Error(ErrorCode::invalid_argument,
                   "path is '" + path + "', expected an absolute path or pattern");
    }
  }
  Expanded expanded = expand(view, wanted);
  out.expanded = std::move(expanded.paths);
  out.expanded_excludes = expand(view, args.texts("exclude_path")).paths;
  std::set<std::string> paths(out.expanded.begin(), out.expanded.end());
  for (const std::string& path : out.expanded_excludes) paths.erase(path);
  out.paths.assign(paths.begin(), paths.end());
  if (out.paths.empty()) {
    return Error(ErrorCode::module_failed,
                 "Error, no source paths were found: path is " + join(wanted, ", "));
  }
  out.root = common_root(out.paths);
  GS_TRY(const bool first_is_folder, is_folder(view, out.paths.front()));
  out.is_archive = args.boolean("force_archive") || expanded.has_patterns || first_is_folder ||
                   out.paths.size() > 1;
  out.destination = args.text("dest");
  if (out.destination.empty()) {
    if (out.is_archive) {
      return Error(ErrorCode::missing_argument,
                   "Error, must specify \"dest\" when archiving multiple files or trees");
    }
    out.destination = out.paths.front() + "." + args.text("format");
  }
  for (const std::string& path : out.paths) {
    GS_TRY(const auto info, view.lstat(path));
    (info ? out.targets : out.missing).push_back(path);
  }
  if (args.boolean("remove")) GS_TRY_VOID(check_removal(view, out));
  return out;
}

Result<std::vector<std::string>> archive_members(const Args& args,
                                                 const SystemView& view,
                                                 const ArchiveSources& sources) {
  Collector collector(args, view, sources);
  for (const std::string& target : sources.targets) {
    GS_TRY(const bool folder, is_folder(view, target));
    if (folder) {
      GS_TRY_VOID(collector.add_tree(without_end_slash(target)));
    } else {
      collector.add(target);
    }
  }
  return collector.take();
}

}  // namespace gpustack::modules
