#include "modules/builtin/support/mount_table.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <map>

namespace gpustack::modules {

namespace {

bool is_same_place(const FstabEntry& found, const FstabEntry& wanted) {
  if (found.path != wanted.path) return false;
  const bool is_swap = found.path == "none" && found.type == "swap";
  return !is_swap || wanted.source.empty() || found.source == wanted.source;
}

bool is_equal(const FstabEntry& left, const FstabEntry& right) {
  return left.source == right.source && left.type == right.type && left.options == right.options &&
         left.dump == right.dump && left.pass == right.pass;
}

// `\040` in mountinfo is a space.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      if (const auto code = parse_octal(text.substr(i + 1, 3))) {
        out += static_cast<char>(*code);
        i += 3;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace

std::string FstabEntry::line() const {
  return source + " " + path + " " + type + " " + options + " " + dump + " " + pass + "\n";
}

std::string escape_fstab(std::string_view text) {
  return replace_all(replace_all(replace_all(text, "\\", "\\134"), " ", "\\040"), "&", "\\046");
}

std::optional<FstabEntry> parse_fstab_line(std::string_view line) {
  const auto fields = split_words(line.substr(0, line.find('#')));
  if (fields.size() < 4 || fields.size() > 6) return std::nullopt;
  FstabEntry entry{fields[0], fields[1], fields[2], fields[3]};
  if (fields.size() > 4) entry.dump = fields[4];
  if (fields.size() > 5) entry.pass = fields[5];
  return entry;
}

std::string with_entry(std::string_view fstab, const FstabEntry& entry) {
  std::string out;
  bool found = false;
  for (const std::string& line : split_lines(fstab)) {
    const auto old = parse_fstab_line(line);
    if (!old || !is_same_place(*old, entry)) {
      out += line + "\n";
      continue;
    }
    found = true;
    out += is_equal(*old, entry) ? line + "\n" : entry.line();
  }
  return found ? out : out + entry.line();
}

std::string without_entry(std::string_view fstab, const FstabEntry& entry) {
  std::string out;
  for (const std::string& line : split_lines(fstab)) {
    const auto old = parse_fstab_line(line);
    if (!old || !is_same_place(*old, entry)) out += line + "\n";
  }
  return out;
}

std::vector<Mount> mounts(const SystemView& view) {
  struct Row {
    std::string parent;
    std::string root;
    Mount mount;
  };
  std::map<std::string, Row> rows;
  std::vector<std::string> order;
  const auto text = view.read("/proc/self/mountinfo");
  if (!text) return {};
  for (const std::string& line : split_lines(*text)) {
    const auto fields = split_words(line);
    if (fields.size() < 10) continue;
    Row row{fields[1],
            unescape(fields[3]),
            Mount{unescape(fields[4]),
                  unescape(fields[fields.size() - 2]),
                  fields[fields.size() - 3],
                  fields[5]}};
    rows[fields[0]] = std::move(row);
    order.push_back(fields[0]);
  }
  std::vector<Mount> out;
  for (const std::string& id : order) {
    Row row = rows.at(id);
    const auto parent = rows.find(row.parent);
    if (row.parent != "1" && parent != rows.end()) {
      // The root is told from the file system's top; what the user named is below the parent's
      // place.
      std::string root = row.root;
      const std::string& top = parent->second.root;
      if (top.size() > 1 && root.starts_with(top + "/")) root.erase(0, top.size());
      const std::string& base = parent->second.mount.path;
      row.mount.source = row.root == "/" ? row.mount.source : base == "/" ? root : base + root;
    }
    out.push_back(row.mount);
  }
  return out;
}

std::optional<Mount> mount_at(const SystemView& view, const std::string& path) {
  std::optional<Mount> out;
  for (Mount& one : mounts(view)) {
    if (one.path == path) out = std::move(one);
  }
  return out;
}

}  // namespace gpustack::modules
