// The receiving side of `synchronize`: what a list of files changes here, in rsync's words.
#include "modules/builtin/support/sync_list.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace gpustack::modules {

namespace {

using Kind = SyncEntry::Kind;

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

FileKind kind_of(Kind kind) {
  return kind == Kind::folder ? FileKind::directory
         : kind == Kind::link ? FileKind::symlink
                              : FileKind::regular;
}

std::chrono::seconds seconds_of(std::chrono::nanoseconds time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

/// What differs, as rsync's --out-format shows it: `>f.st......`.
struct Item {
  char update = '.';
  char kind = 'f';
  bool is_new = false;
  std::string flags = ".........";  ///< cstpoguax

  void set(std::size_t at, char flag) { flags[at] = flag; }
  [[nodiscard]] bool is_change() const {
    return is_new || update != '.' || flags.find_first_not_of('.') != std::string::npos;
  }
  [[nodiscard]] std::string text() const {
    return std::string{update, kind} + (is_new ? std::string(9, '+') : flags);
  }
};

class Receiver {
 public:
  Receiver(const Args& args,
           const SystemView& view,
           const SyncRules& rules,
           std::vector<SyncEntry> entries)
      : args_(args),
        view_(view),
        rules_(rules),
        entries_(std::move(entries)),
        is_root_(view.effective_uid() == 0) {
    std::erase_if(entries_, [this](SyncEntry& entry) {
      if (entry.kind != Kind::left_out) return false;
      lines_.push_back(std::move(entry.target));
      return true;
    });
  }

  Result<Plan> run() {
    if (!entries_.empty()) {
      GS_TRY_VOID(find_root());
      for (std::size_t i = 0; i < entries_.size(); ++i) GS_TRY_VOID(receive(i));
      if (rules_.removes) GS_TRY_VOID(remove_extra());
      finish_folders();
    }
    if (!wanted_.empty() && !view_.check_mode()) {
      // The sender is asked for these contents and comes again; until then nothing is done.
      Plan waits;
      waits.set("_wanted", Value(std::move(wanted_)));
      return waits;
    }
    report();
    return std::move(plan_);
  }

 private:
  /// Where the list begins: in the destination, or at it when one name takes the place of another.
  Result<void> find_root() {
    const std::string dest = args_.text("dest");
    root_ = dest;
    while (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
    GS_TRY(const auto info, view_.stat(root_));
    if (info && info->kind == FileKind::directory) return {};
    const bool is_many = entries_.size() > 1 || dest.ends_with('/');
    if (info && is_many)
      return failed("'" + dest + "' is no folder, and more than one file is to be put there");
    if (!is_many) {
      is_renamed_ = true;
      return {};
    }
    GS_TRY(const auto parent, view_.stat(parent_folder(root_)));
    if (!parent && !view_.check_mode())
      return failed("the folder '" + parent_folder(root_) +
                    "' does not exist: as rsync, "
                    "synchronize makes the last folder of dest only");
    if (rules_.existing_only) {
      entries_.clear();
      return {};
    }
    if (entries_.front().path == ".") return {};  // made as an entry of the list
    plan_.step(MakeDirectory{root_, 0777U & ~view_.umask()});
    made_.insert(root_);
    plan_.changed = true;
    return {};
  }

  [[nodiscard]] std::string place_of(const SyncEntry& entry) const {
    return is_renamed_ || entry.path == "." ? root_ : join_path(root_, entry.path);
  }

  [[nodiscard]] bool is_in_new_folder(const std::string& path) const {
    return made_.contains(parent_folder(path));
  }

  Result<void> receive(std::size_t number) {
    const SyncEntry& entry = entries_[number];
    const std::string path = place_of(entry);
    if (left_out_.contains(parent_folder(path))) {
      left_out_.insert(path);
      return {};
    }
    std::optional<FileInfo> now;
    if (!is_in_new_folder(path)) {
      GS_TRY(now, view_.lstat(path));
      // The root of the transfer may be a link to a folder, nothing below may.
      if (now && now->kind == FileKind::symlink && entry.path == ".") {
        GS_TRY(now, view_.stat(path));
      }
    }
    if (now && now->kind != kind_of(entry.kind)) {
      GS_TRY_VOID(make_way(path, *now));
      now.reset();
    }
    if (!now && rules_.existing_only) {
      left_out_.insert(path);
      return {};
    }
    switch (entry.kind) {
      case Kind::folder:
        return folder(entry, path, now);
      case Kind::link:
        return link(entry, path, now);
      case Kind::file:
        return file(number, path, now);
      case Kind::left_out:
        break;
    }
    return {};
  }

  Result<void> make_way(const std::string& path, const FileInfo& now) {
    if (now.kind != FileKind::directory) {
      plan_.step(RemoveFile{path});
      return {};
    }
    GS_TRY(const auto names, view_.list(path));
    if (!names.empty() && !rules_.removes)
      return failed("could not make way for '" + path + "': a folder that is not empty is there");
    plan_.step(RemoveTree{path});
    return {};
  }

  /// Number of the owner here: by the name that the sender knows, else by its number.
  std::uint32_t own_number(bool is_user, const std::string& name, std::uint32_t number) {
    auto& known = is_user ? uids_ : gids_;
    if (name.empty()) return number;
    const auto found = known.find(name);
    if (found != known.end()) return found->second;
    std::uint32_t own = number;
    if (is_user) {
      const auto user = find_user(view_, std::string_view(name));
      if (user && *user) own = (*user)->uid;
    } else {
      const auto group = find_group(view_, std::string_view(name));
      if (group && *group) own = (*group)->gid;
    }
    known[name] = own;
    return own;
  }

  /// Owner and group as far as they are kept and may be set: by root alone.
  Ownership owner_of(const SyncEntry& entry) {
    Ownership owner;
    if (!is_root_) return owner;
    if (rules_.owner) owner.uid = own_number(true, entry.user, entry.uid);
    if (rules_.group) owner.gid = own_number(false, entry.group, entry.gid);
    return owner;
  }

  /// Notes what of mode, owner and group differs. @return whether they have to be set
  bool compare_attributes(const SyncEntry& entry,
                          const std::optional<FileInfo>& now,
                          const Ownership& owner,
                          Item& item) const {
    if (!now) return false;
    const bool mode = rules_.perms && entry.kind != Kind::link && now->mode != entry.mode;
    const bool user = owner.uid && *owner.uid != now->uid;
    const bool group = owner.gid && *owner.gid != now->gid;
    if (mode) item.set(3, 'p');
    if (user) item.set(4, 'o');
    if (group) item.set(5, 'g');
    return mode || user || group;
  }

  void add(const SyncEntry& entry, const Item& item, const std::string& path) {
    if (!item.is_change()) return;
    plan_.changed = true;
    touched_.insert(parent_folder(path));
    std::string line = item.text() + " " + entry.path;
    if (entry.kind == Kind::folder) line += "/";
    if (entry.kind == Kind::link) line += " -> " + entry.target;
    lines_.push_back(std::move(line));
  }

  Result<void> folder(const SyncEntry& entry,
                      const std::string& path,
                      const std::optional<FileInfo>& now) {
    Item item{.update = now ? '.' : 'c', .kind = 'd', .is_new = !now};
    const Ownership owner = owner_of(entry);
    const bool attributes = compare_attributes(entry, now, owner, item);
    const bool time =
        now && rules_.times && seconds_of(now->modified) != seconds_of(entry.modified);
    if (time) item.set(2, 't');
    if (!now) {
      // Its owner may write there until all is in it.
      plan_.step(MakeDirectory{path, (entry.mode & ~view_.umask()) | 0700U});
      made_.insert(path);
    }
    folders_.push_back({&entry, path, owner, !now || attributes, time || !now});
    add(entry, item, path);
    return {};
  }

  Result<void> link(const SyncEntry& entry,
                    const std::string& path,
                    const std::optional<FileInfo>& now) {
    Item item{.kind = 'L', .is_new = !now};
    if (!now) item.update = 'c';
    const Ownership owner = owner_of(entry);
    bool is_same = false;
    if (now) {
      GS_TRY(const std::string target, view_.read_link(path));
      is_same = target == entry.target;
    }
    if (now && !is_same) {
      item.update = 'c';
      item.set(0, 'c');
    }
    const bool attributes = compare_attributes(entry, now, owner, item);
    if (!is_same) plan_.step(MakeSymlink{entry.target, path});
    if ((!is_same || attributes) && (owner.uid || owner.gid))
      plan_.step(SetOwner{path, owner, false});
    add(entry, item, path);
    return {};
  }

  /// Whether a file has to be sent, as rsync tells by a quick look or by its content.
  Result<bool> differs(const SyncEntry& entry,
                       const std::string& path,
                       const FileInfo& now,
                       Item& item) const {
    const bool size = now.size != entry.size;
    const bool time = seconds_of(now.modified) != seconds_of(entry.modified);
    bool content = size;
    if (rules_.checksum && !size) {
      GS_TRY(const std::string present, view_.hash(path, Algorithm::sha256));
      content = present != entry.sha256;
    }
    const bool is_sent = rules_.checksum ? content : size || time;
    if (rules_.checksum && content) item.set(0, 'c');
    if (size) item.set(1, 's');
    if (rules_.times && time) item.set(2, 't');
    if (!rules_.times && is_sent) item.set(2, 'T');
    return is_sent;
  }

  [[nodiscard]] char sent_mark() const {
    return args_.text("mode") == "pull" || args_.get("_here").truthy() ? '>' : '<';
  }

  Result<void> file(std::size_t number,
                    const std::string& path,
                    const std::optional<FileInfo>& now) {
    const SyncEntry& entry = entries_[number];
    Item item{.kind = 'f', .is_new = !now};
    bool is_sent = !now;
    if (now) {
      GS_TRY(is_sent, differs(entry, path, *now, item));
    }
    const Ownership owner = owner_of(entry);
    const bool attributes = compare_attributes(entry, now, owner, item);
    if (is_sent) {
      item.update = sent_mark();
      GS_TRY_VOID(place(number, path, now, owner));
    } else if (attributes) {
      if (owner.uid || owner.gid) plan_.step(SetOwner{path, owner, false});
      if (rules_.perms) plan_.step(SetMode{path, entry.mode});
    }
    const bool time = now && rules_.times && item.flags[2] == 't';
    if (rules_.times && (is_sent || time)) plan_.step(SetTimes{path, std::nullopt, entry.modified});
    add(entry, item, path);
    return {};
  }

  Result<void> place(std::size_t number,
                     const std::string& path,
                     const std::optional<FileInfo>& now,
                     const Ownership& owner) {
    const SyncEntry& entry = entries_[number];
    WriteOptions options;
    options.follow = false;
    options.mode = rules_.perms ? entry.mode : now ? now->mode : entry.mode & ~view_.umask();
    options.owner = owner;
    if (args_.get("_here").truthy()) {
      plan_.step(CopyFile{entry.source, path, options});
      return {};
    }
    const Value& content = args_.get("_contents").get(std::to_string(number));
    if (!content.is_map()) {
      wanted_.push_back(Value(number));
      return {};
    }
    GS_TRY(Content bytes, Content::from_value(content));
    plan_.step(WriteFile{path, std::move(bytes), options});
    return {};
  }

  /// What only the destination has, in the folders that the list has with what is in them.
  Result<void> remove_extra() {
    std::set<std::string> listed;
    for (const SyncEntry& entry : entries_) listed.insert(place_of(entry));
    for (const SyncEntry& entry : entries_) {
      const std::string path = place_of(entry);
      if (entry.kind != Kind::folder || made_.contains(path) || left_out_.contains(path)) continue;
      if (!rules_.recursive && entry.path != ".") continue;
      GS_TRY(const auto now, view_.stat(path));
      if (!now || now->kind != FileKind::directory) continue;
      GS_TRY(const auto names, view_.list(path));
      for (const std::string& name : names) {
        if (listed.contains(join_path(path, name))) continue;
        GS_TRY_VOID(
            remove(join_path(path, name), entry.path == "." ? name : entry.path + "/" + name));
      }
    }
    return {};
  }

  /// @return whether it goes: what is excluded stays, and so do the folders above it
  Result<bool> remove(const std::string& path, const std::string& shown) {
    GS_TRY(const auto info, view_.lstat(path));
    if (!info) return true;
    const bool is_folder = info->kind == FileKind::directory;
    if (rules_.filter.excludes(shown, is_folder)) return false;
    bool goes = true;
    if (is_folder) {
      GS_TRY(const auto names, view_.list(path));
      for (const std::string& name : names) {
        std::string below = shown;
        below += '/';
        below += name;
        GS_TRY(const bool gone, remove(join_path(path, name), below));
        goes = goes && gone;
      }
    }
    if (!goes) {
      lines_.push_back("cannot delete non-empty directory: " + shown);
      return false;
    }
    if (is_folder)
      plan_.step(RemoveTree{path});
    else
      plan_.step(RemoveFile{path});
    plan_.changed = true;
    touched_.insert(parent_folder(path));
    lines_.push_back("*deleting   " + shown + (is_folder ? "/" : ""));
    return true;
  }

  /// Modes and times of folders, once nothing is put into them any more.
  void finish_folders() {
    for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
      const SyncEntry& entry = *folder->entry;
      if (folder->sets_attributes) {
        if (folder->owner.uid || folder->owner.gid)
          plan_.step(SetOwner{folder->path, folder->owner, true});
        const bool is_new = made_.contains(folder->path);
        if (rules_.perms || is_new)
          plan_.step(
              SetMode{folder->path, rules_.perms ? entry.mode : entry.mode & ~view_.umask()});
      }
      if (rules_.times && (folder->sets_time || touched_.contains(folder->path)))
        plan_.step(SetTimes{folder->path, std::nullopt, entry.modified});
    }
  }

  void report() {
    std::string text;
    List lines;
    for (std::string& line : lines_) {
      text += line + "\n";
      lines.push_back(Value(std::move(line)));
    }
    plan_.set("msg", Value(text));
    plan_.set("stdout_lines", Value(std::move(lines)));
    plan_.set("rc", 0);
    if (plan_.changed) plan_.diff("", Value(text), args_.text("dest"), args_.text("dest"));
  }

  struct ReceivedFolder {
    const SyncEntry* entry;
    std::string path;
    Ownership owner;
    bool sets_attributes;
    bool sets_time;
  };

  const Args& args_;
  const SystemView& view_;
  const SyncRules& rules_;
  std::vector<SyncEntry> entries_;
  bool is_root_;
  std::string root_;
  bool is_renamed_ = false;         ///< the one file of the list gets the destination's name
  std::set<std::string> made_;      ///< folders that the plan makes
  std::set<std::string> left_out_;  ///< with existing_only
  std::set<std::string> touched_;   ///< folders in which something changes
  std::vector<ReceivedFolder> folders_;
  std::map<std::string, std::uint32_t> uids_, gids_;
  std::vector<std::string> lines_;
  List wanted_;
  Plan plan_;
};

}  // namespace

Result<Plan> plan_receive(const Args& args,
                          const SystemView& view,
                          const SyncRules& rules,
                          std::vector<SyncEntry> entries) {
  return Receiver(args, view, rules, std::move(entries)).run();
}

}  // namespace gpustack::modules
