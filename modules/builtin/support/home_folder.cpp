#include "modules/builtin/support/home_folder.hpp"

#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

Result<void> copy_tree(System& system, const std::string& from, const std::string& to) {
  GS_TRY(const auto names, system.list(from));
  for (const std::string& name : names) {
    const std::string source = join_path(from, name);
    const std::string target = join_path(to, name);
    GS_TRY(const auto info, system.lstat(source));
    if (!info) continue;
    if (info->kind == FileKind::symlink) {
      GS_TRY(const std::string link, system.read_link(source));
      GS_TRY_VOID(system.make_symlink(link, target));
    } else if (info->kind == FileKind::directory) {
      GS_TRY_VOID(system.make_directory(target, info->mode));
      GS_TRY_VOID(copy_tree(system, source, target));
    } else if (info->kind == FileKind::regular) {
      WriteOptions options;
      options.mode = info->mode;
      options.fsync = false;
      GS_TRY_VOID(system.copy_file(source, target, options));
    }
  }
  return {};
}

Result<void> make_parents(System& system, const std::string& path) {
  const std::string parent = parent_folder(path);
  GS_TRY(const auto info, system.stat(parent));
  if (info) return {};
  GS_TRY_VOID(make_parents(system, parent));
  return system.make_directory(parent, 0755);
}

std::uint32_t home_mode(const SystemView& view) {
  const auto text = view.read("/etc/login.defs");
  if (!text) return 0755;
  std::uint32_t mode = 0755;
  for (const std::string& line : split_lines(*text)) {
    const auto words = split_words(line);
    if (words.size() != 2 || words[0] != "UMASK") continue;
    if (const auto mask = parse_octal(words[1])) mode = 0777U & ~*mask;
  }
  return mode;
}

// Answers ssh-keygen's prompt from a file only the task's user can read.
struct PassphraseHelper {
  std::string folder;
  std::map<std::string, std::string> environment;
};

Result<PassphraseHelper> place_passphrase(System& system, const std::string& passphrase) {
  GS_TRY(std::string folder, system.make_temporary("", "key-", "", FileKind::directory));
  WriteOptions options;
  options.fsync = false;
  options.mode = 0600;
  const std::string secret = join_path(folder, "passphrase");
  GS_TRY_VOID(system.write(secret, Content::of(passphrase + "\n"), options));
  options.mode = 0700;
  const std::string script = join_path(folder, "ask");
  GS_TRY_VOID(system.write(
      script, Content::of("#!/bin/sh\nexec cat " + shell_quote(secret) + "\n"), options));
  return PassphraseHelper{
      std::move(folder),
      {{"SSH_ASKPASS", script}, {"SSH_ASKPASS_REQUIRE", "force"}, {"DISPLAY", ":0"}}};
}

}  // namespace

Result<void> give_tree(System& system, const std::string& path, Ownership owner) {
  GS_TRY(const auto info, system.lstat(path));
  if (!info) return {};
  GS_TRY_VOID(system.set_owner(path, owner, false));
  if (info->kind != FileKind::directory) return {};
  GS_TRY(const auto names, system.list(path));
  for (const std::string& name : names)
    GS_TRY_VOID(give_tree(system, join_path(path, name), owner));
  return {};
}

Result<void> make_home(System& system,
                       const std::string& path,
                       const std::string& skeleton,
                       Ownership owner) {
  GS_TRY(const auto there, system.stat(path));
  if (there) return {};
  GS_TRY_VOID(make_parents(system, path));
  const std::uint32_t mode = home_mode(system);
  GS_TRY_VOID(system.make_directory(path, mode));
  GS_TRY(const auto from, system.stat(skeleton));
  if (from && from->kind == FileKind::directory) GS_TRY_VOID(copy_tree(system, skeleton, path));
  GS_TRY_VOID(system.set_mode(path, mode));
  return give_tree(system, path, owner);
}

Result<CommandResult> make_ssh_key(System& system, const SshKeyRequest& request, Ownership owner) {
  const std::string folder = parent_folder(request.file);
  GS_TRY(const auto info, system.stat(folder));
  if (!info) {
    GS_TRY_VOID(system.make_directory(folder, 0700));
    GS_TRY_VOID(system.set_owner(folder, owner, false));
  }
  if (request.overwrites) {
    for (const std::string& path : {request.file, request.file + ".pub"}) {
      GS_TRY(const auto old, system.lstat(path));
      if (old) GS_TRY_VOID(system.remove_file(path));
    }
  }
  Command command = parsable_command({"ssh-keygen", "-q", "-t", request.type});
  if (request.bits > 0)
    command.argv.insert(command.argv.end(), {"-b", std::to_string(request.bits)});
  command.argv.insert(command.argv.end(), {"-C", request.comment, "-f", request.file});
  std::string helper_folder;
  if (request.passphrase.is_null()) {
    command.argv.insert(command.argv.end(), {"-N", ""});
  } else {
    GS_TRY(auto helper, place_passphrase(system, to_text(request.passphrase)));
    helper_folder = helper.folder;
    command.environment.merge(helper.environment);
  }
  auto done = system.run(command);
  if (!helper_folder.empty()) GS_TRY_VOID(system.remove_tree(helper_folder));
  if (done && done->status == 0) {
    GS_TRY_VOID(system.set_owner(request.file, owner, false));
    GS_TRY_VOID(system.set_owner(request.file + ".pub", owner, false));
  }
  return done;
}

}  // namespace gpustack::modules
