#include "modules/sdk/accounts.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

namespace gpustack::modules {

namespace {

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > 0xFFFFFFFFLL) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// NIS compatibility lines start with + or -.
bool is_entry(std::string_view line) {
  return !line.empty() && line[0] != '#' && line[0] != '+' && line[0] != '-';
}

Result<std::string> read_if_there(const SystemView& view, const std::string& path) {
  GS_TRY(const auto info, view.stat(path));
  if (!info) return std::string();
  return view.read(path);
}

constexpr int kName = 0;
constexpr int kNumber = 2;

std::string_view field_of(std::string_view line, int index) {
  for (; index > 0; --index) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    line.remove_prefix(colon + 1);
  }
  return line.substr(0, line.find(':'));
}

std::string_view take_line(std::string_view& left) {
  const std::size_t end = std::min(left.find('\n'), left.size());
  const std::string_view line = left.substr(0, end);
  left.remove_prefix(std::min(end + 1, left.size()));
  return line;
}

/// The first line that matches and counts; only that one is taken apart.
template <typename T, typename Matches>
Result<std::optional<T>> find_line(const SystemView& view,
                                   const std::string& path,
                                   std::vector<T> (*parse)(std::string_view),
                                   Matches matches) {
  GS_TRY(const std::string text, read_if_there(view, path));
  std::string_view left = text;
  while (!left.empty()) {
    const std::string_view line = take_line(left);
    if (!matches(line)) continue;
    auto found = parse(line);
    if (!found.empty()) return std::optional<T>(std::move(found.front()));
  }
  return std::optional<T>();
}

auto with_name(std::string_view name) {
  return [name](std::string_view line) { return field_of(line, kName) == name; };
}

auto with_number(std::uint32_t number) {
  return [number](std::string_view line) { return parse_id(field_of(line, kNumber)) == number; };
}

/// Names that were read from an account file, for as long as it is that file: the state of a path
/// tells owner and group, most often the same ones task after task.
class KnownNames {
 public:
  explicit KnownNames(std::string path) : path_(std::move(path)) {}

  template <typename Read>
  std::string name(const SystemView& view, std::uint32_t number, Read read) {
    const auto now = view.stat(path_);
    const FileInfo* file = now && *now ? &**now : nullptr;
    if (file == nullptr || !file_ || !is_same(*file_, *file)) {
      names_.clear();
      file_.reset();
      // A change right after another may leave the times as they are.
      if (file != nullptr && file->inode != 0 &&
          view.now().time_since_epoch() - file->changed > kSettled)
        file_ = *file;
    }
    if (!file_) return read();
    const auto known = names_.find(number);
    if (known != names_.end()) return known->second;
    if (names_.size() >= kMost) names_.clear();
    return names_[number] = read();
  }

 private:
  static constexpr std::chrono::seconds kSettled{2};
  static constexpr std::size_t kMost = 100;

  static bool is_same(const FileInfo& one, const FileInfo& other) {
    return one.inode == other.inode && one.device == other.device && one.size == other.size &&
           one.modified == other.modified && one.changed == other.changed;
  }

  std::string path_;
  std::optional<FileInfo> file_;
  std::map<std::uint32_t, std::string> names_;
};

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::string expand_variables(const SystemView& view, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    std::size_t start = i + 1;
    std::size_t end = start;
    std::size_t next = start;
    if (text[start] == '{') {
      ++start;
      end = text.find('}', start);
      if (end == std::string_view::npos) return out.append(text.substr(i));
      next = end + 1;
    } else {
      while (end < text.size() && is_name_char(text[end])) ++end;
      next = end;
    }
    const std::string value =
        end > start ? view.environment(text.substr(start, end - start)) : std::string();
    out += value.empty() ? std::string(text.substr(i, std::max(next, i + 1) - i)) : value;
    i = std::max(next, i + 1);
  }
  return out;
}

}  // namespace

std::vector<User> parse_passwd(std::string_view text) {
  std::vector<User> out;
  for (const std::string& line : split_lines(text)) {
    if (!is_entry(line)) continue;
    const auto fields = split(line, ':');
    if (fields.size() < 7) continue;
    const auto uid = parse_id(fields[2]);
    const auto gid = parse_id(fields[3]);
    if (!uid || !gid) continue;
    out.push_back(User{fields[0], fields[1], *uid, *gid, fields[4], fields[5], fields[6]});
  }
  return out;
}

std::vector<Group> parse_group(std::string_view text) {
  std::vector<Group> out;
  for (const std::string& line : split_lines(text)) {
    if (!is_entry(line)) continue;
    const auto fields = split(line, ':');
    if (fields.size() < 3) continue;
    const auto gid = parse_id(fields[2]);
    if (!gid) continue;
    Group group{fields[0], fields[1], *gid, {}};
    if (fields.size() > 3) {
      for (std::string& member : split(fields[3], ',')) {
        if (!trim(member).empty()) group.members.emplace_back(trim(member));
      }
    }
    out.push_back(std::move(group));
  }
  return out;
}

std::vector<Shadow> parse_shadow(std::string_view text) {
  std::vector<Shadow> out;
  for (const std::string& line : split_lines(text)) {
    if (!is_entry(line)) continue;
    auto fields = split(line, ':');
    if (fields.size() < 2) continue;
    fields.resize(9);
    out.push_back(Shadow{fields[0],
                         fields[1],
                         parse_integer(fields[2]),
                         parse_integer(fields[3]),
                         parse_integer(fields[4]),
                         parse_integer(fields[5]),
                         parse_integer(fields[6]),
                         parse_integer(fields[7])});
  }
  return out;
}

Result<std::vector<User>> users(const SystemView& view) {
  GS_TRY(const std::string text, read_if_there(view, "/etc/passwd"));
  return parse_passwd(text);
}

Result<std::vector<Group>> groups(const SystemView& view) {
  GS_TRY(const std::string text, read_if_there(view, "/etc/group"));
  return parse_group(text);
}

Result<std::optional<Shadow>> find_shadow(const SystemView& view, std::string_view name) {
  return find_line(view, "/etc/shadow", parse_shadow, with_name(name));
}

Result<std::vector<std::string>> groups_of(const SystemView& view, const std::string& user) {
  GS_TRY(const std::string text, read_if_there(view, "/etc/group"));
  std::vector<std::string> out;
  for (std::string_view left = text; !left.empty();) {
    const std::string_view line = take_line(left);
    if (line.find(user) == std::string_view::npos) continue;  // most lines, and those at no cost
    for (Group& group : parse_group(line)) {
      if (std::ranges::find(group.members, user) != group.members.end())
        out.push_back(std::move(group.name));
    }
  }
  return out;
}

Result<std::optional<User>> find_user(const SystemView& view, std::string_view name) {
  return find_line(view, "/etc/passwd", parse_passwd, with_name(name));
}

Result<std::optional<User>> find_user(const SystemView& view, std::uint32_t uid) {
  return find_line(view, "/etc/passwd", parse_passwd, with_number(uid));
}

Result<std::optional<Group>> find_group(const SystemView& view, std::string_view name) {
  return find_line(view, "/etc/group", parse_group, with_name(name));
}

Result<std::optional<Group>> find_group(const SystemView& view, std::uint32_t gid) {
  return find_line(view, "/etc/group", parse_group, with_number(gid));
}

Result<std::uint32_t> resolve_uid(const SystemView& view, std::string_view name_or_number) {
  if (const auto number = parse_id(name_or_number)) return *number;
  GS_TRY(const auto user, find_user(view, name_or_number));
  if (!user) {
    return Error(ErrorCode::module_failed,
                 "chown failed: failed to look up user " + std::string(name_or_number));
  }
  return user->uid;
}

Result<std::uint32_t> resolve_gid(const SystemView& view, std::string_view name_or_number) {
  if (const auto number = parse_id(name_or_number)) return *number;
  GS_TRY(const auto group, find_group(view, name_or_number));
  if (!group) {
    return Error(ErrorCode::module_failed,
                 "chgrp failed: failed to look up group " + std::string(name_or_number));
  }
  return group->gid;
}

std::string user_name(const SystemView& view, std::uint32_t uid) {
  thread_local KnownNames known("/etc/passwd");
  return known.name(view, uid, [&] {
    const auto user = find_user(view, uid);
    return user && *user ? (*user)->name : std::to_string(uid);
  });
}

std::string group_name(const SystemView& view, std::uint32_t gid) {
  thread_local KnownNames known("/etc/group");
  return known.name(view, gid, [&] {
    const auto group = find_group(view, gid);
    return group && *group ? (*group)->name : std::to_string(gid);
  });
}

std::string expand_path(const SystemView& view, std::string_view path) {
  // Variables first, then the tilde, as os.path.expanduser(os.path.expandvars(…)) does.
  std::string expanded =
      path.find('$') == std::string_view::npos ? std::string(path) : expand_variables(view, path);
  if (!expanded.starts_with('~')) return expanded;
  const std::size_t slash = std::min(expanded.find('/'), expanded.size());
  const std::string name = expanded.substr(1, slash - 1);
  std::string home;
  if (name.empty()) home = view.environment("HOME");
  if (home.empty()) {
    const auto user = name.empty() ? find_user(view, view.effective_uid()) : find_user(view, name);
    if (!user || !*user) return expanded;
    home = (*user)->home;
  }
  while (home.size() > 1 && home.ends_with('/')) home.pop_back();
  if (home == "/" && slash < expanded.size()) home.clear();
  return home + expanded.substr(slash);
}

}  // namespace gpustack::modules
