#include "modules/sdk/queries.hpp"
#include "modules/sdk/text.hpp"
#include "tests/support/memory_node.hpp"

#include <algorithm>

namespace gpustack::test {

using modules::Ownership;
using modules::WriteOptions;
using modules::WriteReport;

namespace {

Error not_possible(const std::string& path, const std::string& why) {
  return Error(ErrorCode::file_operation, "'" + path + "': " + why);
}

std::uint32_t allowed_bits(const FileInfo& info, std::uint32_t uid, std::uint32_t gid) {
  if (uid == 0) return 7;
  if (info.uid == uid) return (info.mode >> 6U) & 7U;
  if (info.gid == gid) return (info.mode >> 3U) & 7U;
  return info.mode & 7U;
}

}  // namespace

Result<std::optional<FileInfo>> MemorySystem::stat(const std::string& path) const {
  const Node* found = node(path, true);
  return found == nullptr ? std::optional<FileInfo>() : std::optional(found->info);
}

Result<std::optional<FileInfo>> MemorySystem::lstat(const std::string& path) const {
  const Node* found = node(path, false);
  return found == nullptr ? std::optional<FileInfo>() : std::optional(found->info);
}

Result<std::string> MemorySystem::read(const std::string& path, std::uint64_t limit) const {
  GS_TRY(const Node* found, existing("reading", path, true));
  if (found->info.kind == FileKind::directory) return not_possible(path, "is a directory");
  if (found->bytes.size() > limit)
    return not_possible(path, "is larger than " + std::to_string(limit) + " bytes");
  return found->bytes;
}

Result<std::vector<std::string>> MemorySystem::list(const std::string& path) const {
  const auto real = resolve(path, true);
  GS_TRY(const Node* found, existing("listing", path, true));
  if (found->info.kind != FileKind::directory) return not_possible(path, "not a directory");
  const std::string prefix = *real == "/" ? "/" : *real + "/";
  std::vector<std::string> names;
  for (const auto& [name, unused] : tree_) {
    if (name.size() <= prefix.size() || !name.starts_with(prefix)) continue;
    const std::string rest = name.substr(prefix.size());
    if (rest.find('/') == std::string::npos) names.push_back(rest);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> MemorySystem::read_link(const std::string& path) const {
  GS_TRY(const Node* found, existing("reading the link", path, false));
  if (found->info.kind != FileKind::symlink) return not_possible(path, "not a symbolic link");
  return found->target;
}

Result<std::string> MemorySystem::hash(const std::string& path,
                                       modules::Algorithm algorithm) const {
  GS_TRY(const std::string bytes, read(path));
  return modules::hash_bytes(algorithm, bytes);
}

Result<std::string> MemorySystem::real_path(const std::string& path) const {
  return require_parent(path, true);
}

bool MemorySystem::access(const std::string& path, std::string_view mode) const {
  const Node* found = node(path, true);
  if (found == nullptr) return false;
  const std::uint32_t bits = allowed_bits(found->info, uid_, gid_);
  for (const char wanted : mode) {
    const std::uint32_t bit = wanted == 'r' ? 4U : wanted == 'w' ? 2U : 1U;
    if ((bits & bit) == 0) return false;
    if (wanted == 'x' && found->info.kind == FileKind::regular && (found->info.mode & 0111U) == 0)
      return false;
  }
  return true;
}

Result<std::string> MemorySystem::attribute_flags(const std::string& path) const {
  GS_TRY(const Node* found, existing("reading attributes", path, true));
  return found->flags;
}

std::string MemorySystem::environment(std::string_view name) const {
  const auto found = environment_.find(std::string(name));
  return found == environment_.end() ? std::string() : found->second;
}

std::string MemorySystem::find_program(std::string_view name) const {
  if (name.find('/') != std::string_view::npos)
    return access(std::string(name), "x") ? std::string(name) : std::string();
  std::vector<std::string> folders = modules::split(environment("PATH"), ':');
  for (const char* more : {"/sbin", "/usr/sbin", "/usr/local/sbin"}) folders.emplace_back(more);
  for (const std::string& folder : folders) {
    const std::string path = modules::join_path(folder, name);
    const Node* found = node(path, true);
    if (found != nullptr && found->info.kind == FileKind::regular &&
        (found->info.mode & 0111U) != 0)
      return path;
  }
  return {};
}

Result<std::string> MemorySystem::content(const Content& content) const {
  if (content.is_inline) return content.bytes;
  const auto found = contents_.find(content.sha256);
  if (found == contents_.end())
    return Error(ErrorCode::content_missing, "no content " + content.sha256);
  ++fetched_contents_;
  return found->second;
}

bool MemorySystem::can_connect(const std::string& host,
                               std::uint16_t port,
                               std::chrono::milliseconds /*timeout*/) const {
  return std::find(open_ports_.begin(), open_ports_.end(), host + ":" + std::to_string(port)) !=
         open_ports_.end();
}

Result<modules::Digests> MemorySystem::send_file(const std::string& path) const {
  GS_TRY_VOID(existing("sending", path, true));
  sent_files_.push_back(path);
  return digests(path);
}

Result<WriteReport> MemorySystem::write(const std::string& path,
                                        const Content& content,
                                        const WriteOptions& options) {
  GS_TRY(const std::string real, require_parent(path, options.follow));
  GS_TRY(std::string bytes, this->content(content));
  Node* old = node(real, false);
  if (old != nullptr && old->info.kind == FileKind::directory)
    return not_possible(path, "is a directory");
  if (!options.validate.empty()) {
    Command check;
    const std::string candidate = real + ".candidate";
    file(candidate, bytes, 0600);
    for (const std::string& word : options.validate)
      check.argv.push_back(modules::replace_all(word, "%s", candidate));
    const auto done = play(check);
    tree_.erase(candidate);
    if (!done) return Error(done.error());
    if (done->status != 0) {
      return Error(
          ErrorCode::module_failed,
          "failed to validate: rc:" + std::to_string(done->status) + " error:" + done->errors);
    }
  }
  GS_TRY_VOID(change("write", path));
  WriteReport report{real, {}};
  FileInfo wanted;
  wanted.mode = options.mode.value_or(old != nullptr ? old->info.mode : 0666U & ~umask());
  wanted.uid = options.owner.uid.value_or(old != nullptr ? old->info.uid : uid_);
  wanted.gid = options.owner.gid.value_or(old != nullptr ? old->info.gid : gid_);
  if (old != nullptr && options.backup) {
    report.backup_file = real + ".1.2023-11-14@22:13:20~";
    tree_[report.backup_file] = tree_[real];
  }
  file(real, std::move(bytes), wanted.mode, wanted.uid, wanted.gid);
  return report;
}

Result<WriteReport> MemorySystem::copy_file(const std::string& from,
                                            const std::string& to,
                                            const WriteOptions& options) {
  GS_TRY(std::string bytes, read(from));
  return write(to, Content::of(std::move(bytes)), options);
}

Result<void> MemorySystem::make_directory(const std::string& path, std::uint32_t mode) {
  GS_TRY(const std::string real, require_parent(path, false));
  if (const Node* old = node(real, true); old != nullptr) {
    if (old->info.kind == FileKind::directory) return {};
    return not_possible(path, "file exists");
  }
  GS_TRY_VOID(change("make_directory", path));
  place(real, FileKind::directory, mode, uid_, gid_);
  return {};
}

Result<void> MemorySystem::remove_file(const std::string& path) {
  GS_TRY(const std::string real, require_parent(path, false));
  GS_TRY(Node * old, existing("removing", path, false));
  if (old->info.kind == FileKind::directory) return not_possible(path, "is a directory");
  GS_TRY_VOID(change("remove_file", path));
  if (old->info.links > 1) --old->info.links;
  tree_.erase(real);
  return {};
}

Result<void> MemorySystem::remove_tree(const std::string& path) {
  GS_TRY(const std::string real, require_parent(path, false));
  GS_TRY_VOID(existing("removing", path, false));
  GS_TRY_VOID(change("remove_tree", path));
  std::erase_if(tree_, [&](const auto& entry) {
    return entry.first == real || entry.first.starts_with(real + "/");
  });
  return {};
}

Result<void> MemorySystem::rename(const std::string& from, const std::string& to) {
  GS_TRY(const std::string source, require_parent(from, false));
  GS_TRY(const std::string target, require_parent(to, false));
  GS_TRY_VOID(existing("renaming", from, false));
  GS_TRY_VOID(change("rename", from));
  std::map<std::string, std::shared_ptr<Node>> moved;
  for (const auto& [name, kept] : tree_) {
    if (name == source || name.starts_with(source + "/"))
      moved[target + name.substr(source.size())] = kept;
  }
  std::erase_if(tree_, [&](const auto& entry) {
    return entry.first == source || entry.first.starts_with(source + "/");
  });
  for (auto& [name, kept] : moved) tree_[name] = std::move(kept);
  return {};
}

Result<void> MemorySystem::make_symlink(const std::string& target, const std::string& path) {
  GS_TRY(const std::string real, require_parent(path, false));
  if (const Node* old = node(real, false);
      old != nullptr && old->info.kind == FileKind::directory) {
    return not_possible(path, "is a directory");
  }
  GS_TRY_VOID(change("make_symlink", path));
  link(target, real);
  return {};
}

Result<void> MemorySystem::make_hardlink(const std::string& target, const std::string& path) {
  GS_TRY(const std::string real, require_parent(path, false));
  const auto source = resolve(target, false);
  GS_TRY(Node * old, existing("linking", target, false));
  GS_TRY_VOID(change("make_hardlink", path));
  ++old->info.links;
  tree_[real] = tree_[*source];
  return {};
}

Result<void> MemorySystem::set_mode(const std::string& path, std::uint32_t mode) {
  GS_TRY(Node * found, existing("changing the mode", path, true));
  GS_TRY_VOID(change("set_mode", path));
  found->info.mode = mode & 07777U;
  return {};
}

Result<void> MemorySystem::set_owner(const std::string& path, Ownership owner, bool follow) {
  GS_TRY(Node * found, existing("changing the owner", path, follow));
  GS_TRY_VOID(change("set_owner", path));
  found->info.uid = owner.uid.value_or(found->info.uid);
  found->info.gid = owner.gid.value_or(found->info.gid);
  return {};
}

Result<void> MemorySystem::set_times(const std::string& path,
                                     std::optional<std::chrono::nanoseconds> accessed,
                                     std::optional<std::chrono::nanoseconds> modified) {
  GS_TRY(Node * found, existing("changing the times", path, true));
  GS_TRY_VOID(change("set_times", path));
  found->info.accessed = accessed.value_or(found->info.accessed);
  found->info.modified = modified.value_or(found->info.modified);
  return {};
}

Result<void> MemorySystem::set_attribute_flags(const std::string& path, std::string_view flags) {
  GS_TRY(Node * found, existing("changing attributes", path, true));
  GS_TRY_VOID(change("set_attribute_flags", path));
  const char operation = flags.empty() ? '=' : flags[0];
  const bool named = operation == '+' || operation == '-' || operation == '=';
  const std::string_view letters =
      named ? flags.substr(std::min<std::size_t>(1, flags.size())) : flags;
  if (operation != '+' && operation != '-') found->flags.clear();
  for (const char letter : letters) {
    std::erase(found->flags, letter);
    if (operation != '-') found->flags += letter;
  }
  return {};
}

Result<void> MemorySystem::write_kernel_file(const std::string& path, std::string_view text) {
  GS_TRY(Node * found, existing("writing", path, true));
  GS_TRY_VOID(change("write_kernel_file", path));
  found->replace(std::string(text));
  return {};
}

Result<std::string> MemorySystem::make_temporary(const std::string& folder,
                                                 std::string_view prefix,
                                                 std::string_view suffix,
                                                 FileKind kind) {
  const std::string where = folder.empty() ? "/tmp" : folder;
  const std::string path = modules::join_path(
      where, std::string(prefix) + std::to_string(next_inode_) + std::string(suffix));
  GS_TRY(const std::string real, require_parent(path, true));
  GS_TRY_VOID(change("make_temporary", path));
  place(real, kind, kind == FileKind::directory ? 0700 : 0600, uid_, gid_);
  return path;
}

Result<CommandResult> MemorySystem::play(const Command& command) {
  const Script* best = nullptr;
  for (const Script& script : scripts_) {
    if (script.argv.size() > command.argv.size()) continue;
    const bool same = std::equal(script.argv.begin(),
                                 script.argv.end(),
                                 command.argv.begin(),
                                 [&](const std::string& wanted, const std::string& given) {
                                   return wanted == given || (&given == &command.argv[0] &&
                                                              modules::base_name(given) == wanted);
                                 });
    if (same && (best == nullptr || script.argv.size() >= best->argv.size())) best = &script;
  }
  if (best == nullptr) {
    return Error(ErrorCode::command_failed,
                 "no such program in this test: '" + modules::join(command.argv, " ") + "'");
  }
  CommandResult result = best->handler(command, *this);
  result.started = result.ended = now();
  return result;
}

Result<CommandResult> MemorySystem::query(const Command& command) const {
  if (restricts_queries_) GS_TRY_VOID(modules::check_query(allowed_queries_, command.argv));
  queries_.push_back(command);
  // Handlers may look at the system, and a query's handler has no reason to change it.
  return const_cast<MemorySystem*>(this)->play(
      command);  // NOLINT(cppcoreguidelines-pro-type-const-cast): see above
}

Result<CommandResult> MemorySystem::run(const Command& command) {
  GS_TRY_VOID(change("run", modules::join(command.argv, " ")));
  commands_.push_back(command);
  return play(command);
}

Result<int> MemorySystem::start_detached(const Command& command) {
  GS_TRY_VOID(change("start_detached", modules::join(command.argv, " ")));
  commands_.push_back(command);
  return 4242;
}

}  // namespace gpustack::test
