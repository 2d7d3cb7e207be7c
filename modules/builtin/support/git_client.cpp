#include "modules/builtin/support/git_client.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

void add_option(std::string& options, std::string_view option, std::string_view words) {
  if (!contains(options, option)) options += " " + std::string(words);
}

/// ssh's options for a query. Where unknown hosts are accepted, known ones are looked up in a place
/// that ssh never writes to.
std::string reading_options(const std::string& options, const SystemView& view) {
  std::string first = " -o UpdateHostKeys=no";
  if (contains(options, "StrictHostKeyChecking=no") ||
      contains(options, "StrictHostKeyChecking=accept-new")) {
    constexpr std::string_view kOwn = "UserKnownHostsFile=";
    const std::size_t own = options.find(kOwn);
    std::string known = view.environment("HOME") + "/.ssh/known_hosts";
    if (own != std::string::npos) {
      const std::string_view rest = std::string_view(options).substr(own + kOwn.size());
      known = rest.substr(0, rest.find_first_of(" \t"));
    }
    first += " -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=" + shell_quote(known);
  }
  return first + options;
}

/// A path without `.`, `..`, links and variables, to compare addresses that are paths.
std::string plain_path(const SystemView& view, const std::string& address) {
  const auto real = view.real_path(expand_path(view, address));
  return real ? *real : address;
}

}  // namespace

Error git_failure(const std::string& what, const CommandResult& done) {
  const std::string_view words = trim(done.errors.empty() ? done.output : done.errors);
  return Error(ErrorCode::module_failed,
               what.empty() ? std::string(words) : what + ": " + std::string(words));
}

Result<GitClient> GitClient::open(const Args& args, const SystemView& view, Value& result) {
  GitClient out(view);
  out.program_ = args.text("executable");
  if (out.program_.empty()) out.program_ = view.find_program("git");
  if (out.program_.empty()) {
    return Error(ErrorCode::module_failed,
                 "Failed to find required executable \"git\" in paths: " + view.environment("PATH"))
        .hint("install the package git first");
  }
  const Value& umask = args.get("umask");
  if (!umask.is_null()) {
    if (!umask.is_string()) {
      return Error(ErrorCode::invalid_argument,
                   "umask must be defined as a quoted octal integer, found " + to_repr(umask));
    }
    out.umask_ = parse_octal(umask.as_string());
    if (!out.umask_) {
      return Error(ErrorCode::invalid_argument,
                   "umask must be an octal integer, found " + to_repr(umask));
    }
  }
  out.repository_ = args.text("repo");
  if (out.repository_.starts_with('-')) {
    return Error(ErrorCode::invalid_argument,
                 "expected an address for repo, found the option '" + out.repository_ + "'");
  }
  if (out.repository_.starts_with('~')) out.repository_ = expand_path(view, out.repository_);
  // Depth and the like work on addresses only.
  if (out.repository_.starts_with('/')) out.repository_ = "file://" + out.repository_;
  if (args.has("dest")) {
    out.dest_ = without_end_slash(args.text("dest"));
    if (!out.dest_.starts_with('/')) {
      return Error(ErrorCode::invalid_argument,
                   "expected an absolute path for dest, found '" + out.dest_ + "'");
    }
  }
  GS_TRY_VOID(out.read_version());
  GS_TRY_VOID(out.prepare_ssh(args, result));
  return out;
}

Result<void> GitClient::read_version() {
  GS_TRY(const CommandResult done, query({"--version"}));
  const auto words = split_words(done.output);
  if (done.status != 0 || words.size() < 3) return git_failure("Cannot run " + program_, done);
  const auto numbers = split(words[2], '.');
  for (std::size_t i = 0; i < std::min(numbers.size(), version_.size()); ++i)
    version_[i] = static_cast<int>(parse_integer(numbers[i]).value_or(0));
  return {};
}

Result<void> GitClient::prepare_ssh(const Args& args, Value& result) {
  const std::string inherited = view_->environment("GIT_SSH_OPTS");
  std::string options = inherited.empty() ? "" : " " + inherited;
  if (args.has("ssh_opts")) options += " " + args.text("ssh_opts");
  const bool decides = contains(options, "StrictHostKeyChecking=no") ||
                       contains(options, "StrictHostKeyChecking=accept-new");
  if (args.boolean("accept_hostkey") && !decides) options += " -o StrictHostKeyChecking=no";
  if (args.boolean("accept_newhostkey") && !decides) {
    const std::string ssh = view_->find_program("ssh");
    if (ssh.empty()) {
      return Error(ErrorCode::module_failed,
                   "Remote host is missing ssh command, so you cannot use acceptnewhostkey "
                   "option.");
    }
    GS_TRY(const CommandResult done,
           view_->query(parsable_command({ssh, "-o", "StrictHostKeyChecking=accept-new", "-V"})));
    if (done.status == 0) {
      options += " -o StrictHostKeyChecking=accept-new";
    } else {
      add_warning(result,
                  "Your ssh client does not support accept_newhostkey option, therefore it cannot "
                  "be used.");
    }
  }
  add_option(options, "BatchMode=yes", "-o BatchMode=yes");
  if (args.has("key_file")) {
    const std::string key = "-i " + shell_quote(args.text("key_file"));
    add_option(options, key, key);
    add_option(options, "IdentitiesOnly=yes", "-o IdentitiesOnly=yes");
  }
  const bool asks_for_options = args.has("ssh_opts") || args.has("key_file") ||
                                args.boolean("accept_hostkey") || args.boolean("accept_newhostkey");
  if (asks_for_options && !is_at_least(2, 3, 0)) {
    return Error(ErrorCode::module_failed,
                 "ssh_opts, key_file, accept_hostkey and accept_newhostkey need git 2.3 or newer")
        .hint("write what they say into ~/.ssh/config of the host");
  }
  std::string ssh = view_->environment("GIT_SSH");
  if (ssh.empty()) ssh = view_->environment("GIT_SSH_COMMAND");
  if (ssh.empty()) ssh = "ssh";
  ssh_ = ssh + options;
  reading_ssh_ = ssh + reading_options(options, *view_);
  return {};
}

Command GitClient::command(GitWords words, const std::string& folder) const {
  words.insert(words.begin(), program_);
  Command out = parsable_command(std::move(words));
  out.directory = folder;
  if (!ssh_.empty()) out.environment["GIT_SSH_COMMAND"] = ssh_;
  if (umask_) {
    out.umask = *umask_;
    out.inherit_umask = false;
  }
  return out;
}

Command GitClient::command(GitWords words) const {
  const auto there = is_folder(*view_, dest_);
  return command(std::move(words), there && *there ? dest_ : std::string());
}

Result<CommandResult> GitClient::query(GitWords words) const {
  Command asked = command(std::move(words));
  if (!reading_ssh_.empty()) asked.environment["GIT_SSH_COMMAND"] = reading_ssh_;
  asked.environment["GIT_OPTIONAL_LOCKS"] = "0";
  return view_->query(asked);
}

Result<std::string> GitClient::git_folder(bool bare) const {
  if (bare) return dest_;
  const std::string path = join_path(dest_, ".git");
  GS_TRY(const auto info, view_->stat(path));
  if (!info || info->kind != FileKind::regular) return path;
  GS_TRY(const std::string text, view_->read(path));
  constexpr std::string_view kStart = "gitdir: ";
  const std::string target(trim_right(text));
  std::string folder;
  if (target.starts_with(kStart)) {
    folder = target.substr(kStart.size());
    if (!folder.starts_with('/')) folder = join_path(dest_, folder);
    GS_TRY(const bool there, is_folder(*view_, folder));
    if (there) return folder;
  }
  return Error(ErrorCode::module_failed,
               "Current repo does not have a valid reference to a separate Git dir or it refers to "
               "the invalid path");
}

Result<std::string> GitClient::revision(const std::string& name) const {
  GS_TRY(const CommandResult done, query({"rev-parse", name}));
  return std::string(trim(done.output));
}

Result<std::string> GitClient::known_commit(const std::string& name) const {
  GS_TRY(const CommandResult done,
         query({"rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"}));
  return done.status == 0 ? std::string(trim(done.output)) : std::string();
}

Result<bool> GitClient::has_local_changes() const {
  GS_TRY(const CommandResult done, query({"status", "--porcelain"}));
  const auto lines = split_lines(done.output);
  return std::ranges::any_of(lines,
                             [](const std::string& line) { return !line.starts_with("??"); });
}

Result<bool> GitClient::has_local_branch(const std::string& name) const {
  GS_TRY(const CommandResult done, query({"branch", "--no-color", "-a"}));
  if (done.status != 0) return git_failure("Could not determine branch data", done);
  const auto lines = split_lines(done.output);
  return std::ranges::any_of(lines, [&](const std::string& line) {
    return trim(line) == name || trim(line) == "* " + name;
  });
}

Result<bool> GitClient::is_annotated_tag(const std::string& name) const {
  GS_TRY(const CommandResult done,
         query({"for-each-ref", "refs/tags/", "--format", "%(objecttype):%(refname:short)"}));
  if (done.status != 0) return git_failure("Could not determine tag data", done);
  const auto lines = split_lines(done.output);
  return std::ranges::find(lines, "tag:" + name) != lines.end();
}

Result<std::string> GitClient::head_branch(const std::string& remote, bool bare) const {
  GS_TRY(const std::string folder, git_folder(bare));
  const std::string ours = "ref: refs/heads/";
  const std::string theirs = "ref: refs/remotes/" + remote + "/";
  GS_TRY(std::string head, view_->read(join_path(folder, "HEAD")));
  if (head.starts_with(ours)) return std::string(trim(head.substr(ours.size())));
  const std::string file = join_path(folder, "refs/remotes/" + remote + "/HEAD");
  GS_TRY(const bool there, path_exists(*view_, file));
  if (there) {
    GS_TRY(head, view_->read(file));
    if (head.starts_with(theirs)) return std::string(trim(head.substr(theirs.size())));
  }
  return Error(ErrorCode::module_failed,
               "HEAD of " + dest_ + " is detached, and the remote '" + remote +
                   "' has no HEAD of its own here")
      .hint("name a branch in version");
}

Result<std::string> GitClient::remote_address(const std::string& remote) const {
  GS_TRY(const CommandResult done, query({"ls-remote", "--get-url", remote}));
  return done.status == 0 ? std::string(trim_right(done.output, "\n")) : std::string();
}

Result<bool> GitClient::remote_differs(const std::string& remote) const {
  GS_TRY(const std::string address, remote_address(remote));
  return !address.empty() && address != repository_ &&
         plain_path(*view_, address) != plain_path(*view_, repository_);
}

Result<std::string> GitClient::ls_remote(const std::string& remote,
                                         const std::string& pattern) const {
  GS_TRY(CommandResult done, query({"ls-remote", remote, pattern}));
  if (done.status != 0) return git_failure("", done);
  return std::move(done.output);
}

Result<bool> GitClient::is_remote_branch(const std::string& remote, const std::string& name) const {
  GS_TRY(const std::string lines, ls_remote(remote, "refs/heads/" + name));
  return contains(lines, name);
}

Result<bool> GitClient::is_remote_tag(const std::string& remote, const std::string& name) const {
  GS_TRY(const std::string lines, ls_remote(remote, "refs/tags/" + name));
  return contains(lines, name);
}

Result<std::string> GitClient::remote_commit(const std::string& remote,
                                             const std::string& name) const {
  std::string pattern = "HEAD";
  std::string wanted = "HEAD";
  if (name != "HEAD") {
    GS_TRY(const bool branch, is_remote_branch(remote, name));
    GS_TRY(const bool tag, is_remote_tag(remote, name));
    if (!branch && !tag) return name;
    pattern = (branch ? "refs/heads/" : "refs/tags/") + name;
    // An annotated tag is an object of its own; its commit stands in the line behind.
    wanted = pattern;
    if (!branch) pattern += "*";
  }
  GS_TRY(const std::string output, ls_remote(remote, pattern));
  std::string found;
  for (const std::string& line : split_lines(output)) {
    const auto words = split_words(line);
    if (words.size() != 2) continue;
    if (words[1] == wanted + "^{}") return words[0];
    if (words[1] == wanted && found.empty()) found = words[0];
  }
  if (!found.empty()) return found;
  return Error(ErrorCode::module_failed, "Could not determine remote revision for " + name);
}

Result<std::string> GitClient::difference(const std::string& before,
                                          const std::string& after) const {
  GS_TRY(const std::string known, known_commit(after));
  if (known.empty()) return ">> " + before + " becomes " + after + ", which is not fetched yet";
  GS_TRY(const CommandResult done, query({"diff", before, after}));
  if (done.status == 0 && !done.output.empty()) return done.output;
  const std::string both = before + " and " + after;
  if (done.status == 0) return ">> No visual differences between " + both;
  return ">> Failed to get proper diff between " + both + ":\n>> " + done.errors;
}

}  // namespace gpustack::modules
