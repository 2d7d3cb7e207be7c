#include "modules/builtin/support/archive.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

bool has_program(const SystemView& view, std::string_view name) {
  return !view.find_program(name).empty();
}

std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) != 0 ? 0xedb88320U ^ (value >> 1U) : value >> 1U;
    table[i] = value;
  }
  return table;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> kTable = crc_table();
  std::uint32_t value = 0xffffffffU;
  for (const char c : bytes)
    value = kTable[(value ^ static_cast<unsigned char>(c)) & 0xffU] ^ (value >> 8U);
  return ~value;
}

struct Archive::Member {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
};

Archive::Archive(const Args& args, std::string path, Run run, const SystemView& view)
    : args_(args),
      path_(std::move(path)),
      dest_(args.text("dest")),
      run_(std::move(run)),
      view_(view) {}

Command Archive::tar(const std::string& operation) const {
  std::vector<std::string> argv = {"tar", operation, "-C", dest_};
  const auto extra = args_.texts("extra_opts");
  if (!extra.empty()) {
    argv.emplace_back("--show-transformed-names");
    argv.insert(argv.end(), extra.begin(), extra.end());
  }
  if (operation != "--list") {
    if (args_.has("owner")) argv.push_back("--owner=" + args_.text("owner"));
    if (args_.has("group")) argv.push_back("--group=" + args_.text("group"));
    if (args_.boolean("keep_newer")) argv.emplace_back("--keep-newer-files");
  }
  for (const std::string& name : args_.texts("exclude"))
    argv.push_back("--exclude=" + std::string(trim_right(name, "/")));
  argv.insert(argv.end(), {"-f", path_});
  for (const std::string& name : args_.texts("include")) argv.push_back(name);
  return parsable_command(std::move(argv));
}

Result<ArchiveKind> Archive::recognise() const {
  std::string why;
  if (has_program(view_, "unzip")) {
    GS_TRY(const CommandResult done, run_(parsable_command({"unzip", "-v", path_})));
    if (done.status == 0) return ArchiveKind::zip;
  } else {
    why = "; unzip is not installed";
  }
  if (!has_program(view_, "tar"))
    return Error(ErrorCode::module_failed,
                 "'" + path_ + "' cannot be unpacked: tar is not installed" + why);
  GS_TRY(const CommandResult done, run_(tar("--list")));
  if (done.status == 0 && !trim(done.output).empty()) return ArchiveKind::tar;
  const std::string said(trim(done.errors));
  return Error(ErrorCode::module_failed,
               "'" + path_ + "' is no archive that tar can read" +
                   (said.empty() ? " (it holds nothing)" : ": " + said) + why);
}

Result<std::vector<std::string>> Archive::files(ArchiveKind kind) const {
  std::vector<std::string> names;
  if (kind == ArchiveKind::zip) {
    GS_TRY(const auto members, zip_members());
    for (const Member& member : members) names.push_back(member.name);
    return names;
  }
  Command command = tar("--list");
  command.argv.insert(command.argv.begin() + 2, "--quoting-style=literal");
  GS_TRY(const CommandResult done, run_(command));
  if (done.status != 0)
    return Error(ErrorCode::module_failed,
                 "unable to list files in the archive: " + std::string(trim(done.errors)));
  for (const std::string& line : split_lines(done.output)) {
    const std::string name(trim_left(line, "/"));
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

Result<bool> Archive::differs(ArchiveKind kind) const {
  return kind == ArchiveKind::zip ? zip_differs() : tar_differs();
}

/// @source unarchive of ansible-core 2.14: differences that owner, group and mode will settle do
/// not count, and content is taken as equal when size and time are
Result<bool> Archive::tar_differs() const {
  GS_TRY(const CommandResult done, run_(tar("--diff")));
  const bool is_root = view_.effective_uid() == 0;
  for (const std::string& line : split_lines(done.output + "\n" + done.errors)) {
    // With --strip-components a member can end up without a name.
    if (line.ends_with(": : Warning: Cannot stat: No such file or directory")) continue;
    const bool counts = (is_root && !args_.has("owner") && line.ends_with(": Uid differs")) ||
                        (is_root && !args_.has("group") && line.ends_with(": Gid differs")) ||
                        (!args_.has("mode") && line.ends_with(": Mode differs")) ||
                        line.ends_with(": Mod time differs") ||
                        line.ends_with(": Warning: Cannot stat: No such file or directory") ||
                        line.find(": Invalid owner") != std::string::npos ||
                        line.find(": Invalid group") != std::string::npos;
    if (counts) return true;
  }
  return false;
}

Result<std::vector<Archive::Member>> Archive::zip_members() const {
  GS_TRY(const CommandResult done, run_(parsable_command({"unzip", "-v", path_})));
  if (done.status != 0)
    return Error(ErrorCode::module_failed,
                 "unable to list files in the archive: " + std::string(trim(done.errors)));
  const auto includes = args_.texts("include");
  const auto excludes = args_.texts("exclude");
  std::vector<Member> members;
  for (const std::string& line : split_lines(done.output)) {
    // Length, method, size, ratio, date, time, CRC-32, name.
    const auto words = split_words(line);
    if (words.size() < 8 || words[6].size() != 8) continue;
    const auto size = parse_integer(words[0]);
    const std::size_t crc_at = line.find(" " + words[6] + " ");
    if (!size || crc_at == std::string::npos ||
        words[6].find_first_not_of("0123456789abcdef") != std::string::npos)
      continue;
    Member member;
    member.name = trim_left(std::string_view(line).substr(crc_at + 9), " ");
    member.size = static_cast<std::uint64_t>(*size);
    member.crc = static_cast<std::uint32_t>(std::stoul(words[6], nullptr, 16));
    const auto matches = [&](const std::string& pattern) {
      return name_matches(pattern, member.name);
    };
    if (!includes.empty() && std::none_of(includes.begin(), includes.end(), matches)) continue;
    if (std::any_of(excludes.begin(), excludes.end(), matches)) continue;
    members.push_back(std::move(member));
  }
  return members;
}

Result<bool> Archive::zip_differs() const {
  GS_TRY(const auto members, zip_members());
  for (const Member& member : members) {
    const std::string path = join_path(dest_, member.name);
    if (member.name.ends_with('/')) {
      GS_TRY(const auto folder, view_.stat(path));
      if (!folder) return true;
      continue;
    }
    GS_TRY(const auto now, view_.lstat(path));
    if (!now) return true;
    // The content of a link in the archive is what it points to.
    std::string bytes;
    if (now->kind == FileKind::symlink) {
      GS_TRY(bytes, view_.read_link(path));
    } else if (now->size == member.size) {
      GS_TRY(bytes, view_.read(path, std::uint64_t{1} << 40U));
    }
    if (bytes.size() != member.size || crc32(bytes) != member.crc) return true;
  }
  return false;
}

Command Archive::extraction(ArchiveKind kind) const {
  if (kind == ArchiveKind::tar) return tar("--extract");
  std::vector<std::string> argv = {"unzip", args_.boolean("keep_newer") ? "-uo" : "-o"};
  for (const std::string& option : args_.texts("extra_opts")) argv.push_back(option);
  argv.push_back(path_);
  for (const std::string& name : args_.texts("include")) argv.push_back(name);
  const auto excludes = args_.texts("exclude");
  if (!excludes.empty()) argv.emplace_back("-x");
  argv.insert(argv.end(), excludes.begin(), excludes.end());
  argv.insert(argv.end(), {"-d", dest_});
  return parsable_command(std::move(argv));
}

}  // namespace gpustack::modules
