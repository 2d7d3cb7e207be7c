#include "modules/builtin/support/sync_list.hpp"

#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <set>

namespace gpustack::modules {

namespace {

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

class SourceList {
 public:
  SourceList(const SystemView& view, const SyncRules& rules) : view_(view), rules_(rules) {}

  Result<std::vector<SyncEntry>> run(const std::string& source) {
    GS_TRY_VOID(list(source));
    // At the end, so that the numbers of files are the same without them.
    for (SyncEntry& entry : left_out_) entries_.push_back(std::move(entry));
    return std::move(entries_);
  }

 private:
  Result<void> list(const std::string& source) {
    const bool is_contents = source.ends_with('/');
    std::string root = source;
    while (root.size() > 1 && root.ends_with('/')) root.pop_back();
    GS_TRY(const auto info,
           is_contents || rules_.copy_links ? view_.stat(root) : view_.lstat(root));
    if (!info) return failed("the source '" + source + "' does not exist");
    if (is_contents && info->kind != FileKind::directory)
      return failed("the source '" + source + "' is no folder");
    if (!is_contents) return add(root, std::string(base_name(root)), *info);
    if (!rules_.recursive && !rules_.dirs) {
      leave_out("skipping directory .");
      return {};
    }
    GS_TRY_VOID(add_entry(root, ".", *info));
    return below(root, "");
  }

  Result<void> add(const std::string& path, const std::string& shown, const FileInfo& info) {
    const bool is_folder = info.kind == FileKind::directory;
    if (rules_.filter.excludes(shown, is_folder)) return {};
    if (is_folder && !rules_.recursive && !rules_.dirs) {
      leave_out("skipping directory " + shown);
      return {};
    }
    GS_TRY_VOID(add_entry(path, shown, info));
    return is_folder && rules_.recursive ? below(path, shown + "/") : Result<void>();
  }

  Result<void> below(const std::string& folder, const std::string& prefix) {
    GS_TRY(const auto names, view_.list(folder));
    for (const std::string& name : names) {
      const std::string path = join_path(folder, name);
      if (name == ".rsync-filter" && rules_.looks_for_filters)
        return failed("'" + path +
                      "' has rules for rsync, which are not supported here; "
                      "'delay_updates: false' takes it for a file as any other");
      GS_TRY(auto info, view_.lstat(path));
      if (!info) continue;
      if (info->kind == FileKind::symlink && rules_.copy_links) {
        GS_TRY(info, view_.stat(path));
        if (!info) return failed("'" + path + "' is a link to nothing");
      }
      GS_TRY_VOID(add(path, prefix + name, *info));
    }
    return {};
  }

  void leave_out(std::string why) {
    SyncEntry entry;
    entry.kind = SyncEntry::Kind::left_out;
    entry.target = std::move(why);
    left_out_.push_back(std::move(entry));
  }

  Result<void> add_entry(const std::string& path, std::string shown, const FileInfo& info) {
    SyncEntry entry;
    entry.path = std::move(shown);
    entry.source = path;
    entry.mode = info.mode;
    entry.modified = info.modified;
    entry.uid = info.uid;
    entry.gid = info.gid;
    if (info.kind == FileKind::directory) {
      entry.kind = SyncEntry::Kind::folder;
    } else if (info.kind == FileKind::symlink) {
      if (!rules_.links) {
        leave_out("skipping non-regular file \"" + entry.path + "\"");
        return {};
      }
      entry.kind = SyncEntry::Kind::link;
      GS_TRY(entry.target, view_.read_link(path));
    } else if (info.kind == FileKind::regular) {
      entry.size = info.size;
      if (rules_.checksum) {
        GS_TRY(entry.sha256, view_.hash(path, Algorithm::sha256));
      }
    } else {
      if (!rules_.devices) {
        leave_out("skipping non-regular file \"" + entry.path + "\"");
        return {};
      }
      return failed("'" + path +
                    "' is a device, pipe or socket, and only files, folders and links travel; "
                    "leave it out with rsync_opts: --exclude");
    }
    GS_TRY_VOID(name_owner(entry));
    entries_.push_back(std::move(entry));
    return {};
  }

  Result<void> name_owner(SyncEntry& entry) {
    if (users_.empty()) {
      GS_TRY(users_, users(view_));
      GS_TRY(groups_, groups(view_));
    }
    for (const User& user : users_)
      if (user.uid == entry.uid && entry.user.empty()) entry.user = user.name;
    for (const Group& group : groups_)
      if (group.gid == entry.gid && entry.group.empty()) entry.group = group.name;
    return {};
  }

  const SystemView& view_;
  const SyncRules& rules_;
  std::vector<SyncEntry> entries_;
  std::vector<SyncEntry> left_out_;
  std::vector<User> users_;
  std::vector<Group> groups_;
};

/// A list that comes from a host must not lead out of the destination: neither by its names nor
/// through a link that it brings. So each entry stands below a folder of the list.
class TreeCheck {
 public:
  Result<void> take(const SyncEntry& entry) {
    using Kind = SyncEntry::Kind;
    if (entry.kind == Kind::left_out) return {};
    const bool is_top = entry.path == "." && seen_.empty() && entry.kind == Kind::folder;
    const std::size_t slash = entry.path.rfind('/');
    const std::string name = entry.path.substr(slash == std::string::npos ? 0 : slash + 1);
    const bool is_name =
        !name.empty() && name != "." && name != ".." && name.find('\0') == std::string::npos;
    const bool is_below =
        slash == std::string::npos || folders_.contains(entry.path.substr(0, slash));
    if ((!is_top && (!is_name || !is_below)) || !seen_.insert(entry.path).second)
      return failed("the list of files leads out of its folder: '" + entry.path + "'");
    if (entry.kind == Kind::folder) folders_.insert(entry.path);
    return {};
  }

 private:
  std::set<std::string> seen_;
  std::set<std::string> folders_;
};

}  // namespace

Result<SyncRules> SyncRules::of(const Args& args) {
  const bool archive = args.boolean("archive", true);
  SyncRules rules;
  rules.recursive = args.boolean("recursive", archive);
  rules.links = args.boolean("links", archive);
  rules.perms = args.boolean("perms", archive);
  rules.times = args.boolean("times", archive);
  rules.owner = args.boolean("owner", archive);
  rules.group = args.boolean("group", archive);
  rules.devices = archive;
  rules.copy_links = args.boolean("copy_links");
  rules.checksum = args.boolean("checksum");
  rules.dirs = args.boolean("dirs");
  rules.existing_only = args.boolean("existing_only");
  rules.removes = args.boolean("delete");
  rules.looks_for_filters = args.boolean("delay_updates", true);
  if (rules.removes && !rules.recursive && !rules.dirs)
    return Error(ErrorCode::invalid_argument, "delete does not work without recursive or dirs");
  GS_TRY(rules.filter, RsyncFilter::parse(args.texts("rsync_opts")));
  return rules;
}

Result<std::vector<SyncEntry>> list_source(const SystemView& view,
                                           const std::string& source,
                                           const SyncRules& rules) {
  return SourceList(view, rules).run(source);
}

Value sync_value(const std::vector<SyncEntry>& entries) {
  List out;
  for (const SyncEntry& entry : entries)
    out.push_back(Value::list({static_cast<int>(entry.kind),
                               entry.path,
                               entry.mode,
                               entry.modified.count(),
                               entry.size,
                               entry.uid,
                               entry.gid,
                               entry.user,
                               entry.group,
                               entry.target,
                               entry.sha256,
                               entry.source}));
  return Value(std::move(out));
}

Result<std::vector<SyncEntry>> sync_entries(const Value& list) {
  constexpr std::size_t kFields = 12;
  constexpr auto kLastKind = static_cast<std::int64_t>(SyncEntry::Kind::left_out);
  std::vector<SyncEntry> entries;
  TreeCheck tree;
  if (!list.is_list()) return Error(ErrorCode::content_missing, "the list of files is damaged");
  for (const Value& one : list.as_list()) {
    if (one.size() != kFields || !one.is_list())
      return Error(ErrorCode::content_missing, "the list of files is damaged");
    const List& fields = one.as_list();
    const auto number = [&](std::size_t at) {
      return fields[at].is_integer() ? fields[at].as_integer() : 0;
    };
    if (number(0) < 0 || number(0) > kLastKind)
      return Error(ErrorCode::content_missing, "the list of files is damaged");
    SyncEntry entry;
    entry.kind = static_cast<SyncEntry::Kind>(number(0));
    entry.path = to_text(fields[1]);
    entry.mode = static_cast<std::uint32_t>(number(2));
    entry.modified = std::chrono::nanoseconds(number(3));
    entry.size = static_cast<std::uint64_t>(number(4));
    entry.uid = static_cast<std::uint32_t>(number(5));
    entry.gid = static_cast<std::uint32_t>(number(6));
    entry.user = to_text(fields[7]);
    entry.group = to_text(fields[8]);
    entry.target = to_text(fields[9]);
    entry.sha256 = to_text(fields[10]);
    entry.source = to_text(fields[11]);
    GS_TRY_VOID(tree.take(entry));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace gpustack::modules
