#include "modules/builtin/support/git_checkout.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

void append(GitWords& words, const GitWords& more) {
  words.insert(words.end(), more.begin(), more.end());
}

/// The fingerprint of the primary key behind a signature, from `git verify-commit --raw`.
std::string signer(std::string_view status) {
  constexpr std::size_t kPrimary = 11;
  for (const std::string& line : split_lines(status)) {
    const auto words = split_words(line);
    if (words.size() < 3 || words[1] != "VALIDSIG") continue;
    return words.size() > kPrimary ? words[kPrimary] : words[2];
  }
  return {};
}

}  // namespace

Result<std::string> archive_format(const std::string& path) {
  for (const auto& [end, format] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {".zip", "zip"}, {".gz", "tar.gz"}, {".tgz", "tgz"}, {".tar", "tar"}}) {
    if (path.ends_with(end)) return std::string(format);
  }
  return Error(ErrorCode::invalid_argument,
               "Unable to get file extension from archive file name : " + path)
      .hint("expected a name that ends in .tar, .tar.gz, .tgz or .zip");
}

GitCheckout::GitCheckout(const Args& args, const GitClient& git, System& system, Value& result)
    : args_(args),
      git_(git),
      system_(system),
      result_(result),
      version_(args.text("version")),
      remote_(args.text("remote")),
      refspec_(args.text("refspec")),
      depth_(args.integer("depth")),
      bare_(args.boolean("bare")) {
  if (args.has("depth") && !git.is_at_least(1, 9, 1)) {
    warn(
        "git version is too old to fully support the depth argument. Falling back to full "
        "checkouts.");
    depth_ = 0;
  }
}

void GitCheckout::warn(std::string text) { add_warning(result_, std::move(text)); }

Result<CommandResult> GitCheckout::run(GitWords words) {
  return system_.run(git_.command(std::move(words)));
}

Result<void> GitCheckout::must_run(GitWords words, const std::string& what) {
  GS_TRY(const CommandResult done, run(std::move(words)));
  if (done.status != 0) return git_failure(what, done);
  return {};
}

GitWords GitCheckout::depth_words() const {
  if (depth_ == 0) return {};
  return {"--depth", std::to_string(depth_)};
}

Result<void> GitCheckout::clone() {
  GS_TRY(const auto folders, missing_parents(system_, git_.dest()));
  for (const std::string& folder : folders)
    GS_TRY_VOID(system_.make_directory(folder, 0777U & ~system_.umask()));
  GitWords words = {"clone"};
  if (bare_) {
    words.emplace_back("--bare");
  } else {
    append(words, {"--origin", remote_});
  }
  GS_TRY(bool is_named, git_.is_remote_branch(git_.repository(), version_));
  if (!is_named) {
    GS_TRY(is_named, git_.is_remote_tag(git_.repository(), version_));
  }
  const bool single = args_.boolean("single_branch");
  bool names_branch = single && is_named;
  if (depth_ != 0) {
    const bool needs_no_name = version_ == "HEAD" || !refspec_.empty();
    if (needs_no_name || is_named) {
      append(words, depth_words());
      names_branch = names_branch || !needs_no_name;
    } else {
      warn(
          "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or "
          "in combination with refspec.");
    }
  }
  if (args_.has("reference")) append(words, {"--reference", args_.text("reference")});
  if (single) words.emplace_back("--single-branch");
  if (names_branch) append(words, {"--branch", version_});
  if (args_.has("separate_git_dir")) {
    GS_TRY(const std::string folder, system_.real_path(args_.text("separate_git_dir")));
    words.push_back("--separate-git-dir=" + folder);
  }
  append(words, {git_.repository(), git_.dest()});
  GS_TRY(const CommandResult done,
         system_.run(git_.command(std::move(words), parent_folder(git_.dest()))));
  if (done.status != 0) return git_failure("", done);
  if (bare_ && remote_ != "origin")
    GS_TRY_VOID(must_run({"remote", "add", remote_, git_.repository()}, ""));
  GS_TRY_VOID(fetch_refspec());
  return args_.boolean("verify_commit") ? verify() : Result<void>();
}

Result<void> GitCheckout::fetch_refspec() {
  if (refspec_.empty()) return {};
  GitWords words = {"fetch"};
  append(words, depth_words());
  append(words, {remote_, refspec_});
  return must_run(std::move(words), "");
}

/// The fewest references that make the version known; none when only a whole fetch does.
Result<GitWords> GitCheckout::shallow_refspecs() {
  if (!refspec_.empty()) return GitWords{refspec_};
  if (version_ == "HEAD") {
    GS_TRY(std::string head, git_.head_branch(remote_, bare_));
    return GitWords{std::move(head)};
  }
  GS_TRY(const bool is_branch, git_.is_remote_branch(git_.repository(), version_));
  const std::string branch = "+refs/heads/" + version_;
  if (is_branch) {
    GitWords out;
    // A branch that is checked out cannot be fetched into; a detached HEAD is none.
    const auto head = git_.head_branch(remote_, bare_);
    if (!head || *head != version_) out.push_back(branch + ":refs/heads/" + version_);
    out.push_back(branch + ":refs/remotes/" + remote_ + "/" + version_);
    return out;
  }
  GS_TRY(const bool is_tag, git_.is_remote_tag(git_.repository(), version_));
  if (is_tag) return GitWords{"+refs/tags/" + version_ + ":refs/tags/" + version_};
  return GitWords();
}

Result<void> GitCheckout::fetch() {
  const std::string what = "Failed to download remote objects and refs";
  GitWords words = {"fetch"};
  GitWords refspecs;
  if (depth_ != 0) {
    GS_TRY(refspecs, shallow_refspecs());
    if (!refspecs.empty()) append(words, depth_words());
  }
  if (refspecs.empty()) {
    if (bare_) {
      refspecs = {"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"};
    } else if (git_.is_at_least(1, 9, 0)) {
      words.emplace_back("--tags");
    } else {
      // With --tags these versions fetch nothing else.
      GS_TRY_VOID(must_run({"fetch", remote_}, what));
      refspecs = {"+refs/tags/*:refs/tags/*"};
    }
    if (!refspec_.empty()) refspecs.push_back(refspec_);
  }
  if (args_.boolean("force")) words.emplace_back("--force");
  words.push_back(remote_);
  append(words, refspecs);
  return must_run(std::move(words), what);
}

Result<void> GitCheckout::reset() { return must_run({"reset", "--hard", "HEAD"}, ""); }

Result<bool> GitCheckout::set_remote() {
  GS_TRY(const std::string address, git_.remote_address(remote_));
  GS_TRY(const bool differs, git_.remote_differs(remote_));
  if (!differs && !address.empty()) return false;
  GS_TRY_VOID(must_run({"remote", "set-url", remote_, git_.repository()},
                       "Failed to set a new url " + git_.repository() + " for " + remote_));
  return differs;
}

/// Checks the branch out and puts it where the remote has it.
Result<void> GitCheckout::switch_branch(const std::string& branch) {
  const std::string what = "Failed to checkout branch " + branch;
  GS_TRY_VOID(must_run({"checkout", "--force", branch}, what));
  return must_run({"reset", "--hard", remote_ + "/" + branch, "--"}, what);
}

Result<void> GitCheckout::switch_version() {
  const std::string what = "Failed to checkout " + version_;
  if (version_ == "HEAD") {
    GS_TRY(const std::string branch, git_.head_branch(remote_, false));
    GS_TRY_VOID(switch_branch(branch));
  } else {
    GS_TRY(const bool is_branch, git_.is_remote_branch(remote_, version_));
    if (!is_branch) {
      GS_TRY_VOID(must_run({"checkout", "--force", version_}, what));
    } else {
      GS_TRY(bool is_here, git_.has_local_branch(version_));
      if (!is_here && depth_ != 0) {
        // A shallow clone knows no other branch.
        const std::string branch = "+refs/heads/" + version_;
        GitWords words = {"fetch"};
        append(words, depth_words());
        append(words,
               {remote_,
                branch + ":refs/heads/" + version_,
                branch + ":refs/remotes/" + remote_ + "/" + version_});
        GS_TRY_VOID(must_run(std::move(words), "Failed to fetch branch from remote: " + version_));
        is_here = true;
      }
      if (is_here) {
        GS_TRY_VOID(switch_branch(version_));
      } else {
        GS_TRY_VOID(
            must_run({"checkout", "--track", "-b", version_, remote_ + "/" + version_}, what));
      }
    }
  }
  return args_.boolean("verify_commit") ? verify() : Result<void>();
}

Result<void> GitCheckout::verify() {
  GS_TRY(const bool is_tag, git_.is_annotated_tag(version_));
  const auto trusted = args_.texts("gpg_whitelist");
  GitWords words = {is_tag ? "verify-tag" : "verify-commit", version_};
  if (!trusted.empty()) words.emplace_back("--raw");
  GS_TRY(const CommandResult done, run(std::move(words)));
  if (done.status != 0) {
    return git_failure("Failed to verify GPG signature of commit/tag \"" + version_ + "\"", done);
  }
  if (trusted.empty()) return {};
  const std::string key = signer(done.errors);
  if (std::ranges::find(trusted, key) != trusted.end()) return {};
  return Error(ErrorCode::module_failed,
               "The gpg_whitelist does not include the public key \"" + key + "\" for this commit");
}

/// What `git submodule foreach` prints for a name: folders and their commits.
Result<std::string> GitCheckout::submodule_versions(const std::string& name) {
  GS_TRY(CommandResult done, run({"submodule", "foreach", git_.program(), "rev-parse", name}));
  if (done.status != 0) return git_failure("Unable to determine hashes of submodules", done);
  return std::move(done.output);
}

Result<bool> GitCheckout::submodules_differ() {
  GS_TRY(const std::string modules, system_.read(join_path(git_.dest(), ".gitmodules")));
  for (const std::string& line : split_lines(modules)) {
    const std::size_t equals = line.find('=');
    if (!trim(line).starts_with("path") || equals == std::string::npos) continue;
    const std::string folder = join_path(git_.dest(), trim(line.substr(equals + 1)));
    GS_TRY(const bool there, path_exists(system_, join_path(folder, ".git")));
    if (!there) return true;
  }
  GS_TRY(const std::string before, submodule_versions("HEAD"));
  GS_TRY_VOID(
      must_run({"submodule", "foreach", git_.program(), "fetch"}, "Failed to fetch submodules"));
  if (args_.boolean("track_submodules")) {
    GS_TRY(const std::string after, submodule_versions(remote_ + "/master"));
    return before != after;
  }
  GS_TRY(const CommandResult status, run({"submodule", "status"}));
  if (status.status != 0) return git_failure("Failed to retrieve submodule status", status);
  const auto lines = split_lines(status.output);
  return std::ranges::any_of(lines, [](const std::string& line) { return !line.starts_with(' '); });
}

Result<bool> GitCheckout::update_submodules() {
  GS_TRY(const bool has_any, path_exists(system_, join_path(git_.dest(), ".gitmodules")));
  if (!has_any) return false;
  GS_TRY(const bool differ, submodules_differ());
  if (!differ) return false;
  GS_TRY_VOID(must_run({"submodule", "sync"}, ""));
  GitWords words = {"submodule", "update", "--init", "--recursive"};
  if (args_.boolean("track_submodules")) words.emplace_back("--remote");
  if (args_.boolean("force")) words.emplace_back("--force");
  GS_TRY_VOID(must_run(std::move(words), "Failed to init/update submodules"));
  return true;
}

Result<void> GitCheckout::relocate(const std::string& from, const std::string& to) {
  GS_TRY(const bool taken, path_exists(system_, to));
  if (taken) {
    return Error(ErrorCode::module_failed, "Separate-git-dir path " + to + " already exists.");
  }
  // The two may lie on different file systems.
  GS_TRY(const CommandResult moved, system_.run(parsable_command({"mv", "-T", "--", from, to})));
  if (moved.status != 0) return git_failure("Unable to move git dir", moved);
  GS_TRY_VOID(
      system_.write(join_path(git_.dest(), ".git"), Content::of("gitdir: " + to), WriteOptions{}));
  result_.set("git_dir_before", from);
  result_.set("git_dir_now", to);
  return {};
}

Result<bool> GitCheckout::make_archive() {
  const std::string path = args_.text("archive");
  GS_TRY(const std::string format, archive_format(path));
  GS_TRY(const bool replaces, path_exists(system_, path));
  std::string fresh = path;
  std::string folder;
  if (replaces) {
    GS_TRY(folder, system_.make_temporary("", "git.", "", FileKind::directory));
    fresh = join_path(folder, "archive." + format);
  }
  GitWords words = {"archive", "--format", format, "--output", fresh};
  if (args_.has("archive_prefix")) append(words, {"--prefix", args_.text("archive_prefix")});
  words.push_back(version_);
  GS_TRY_VOID(must_run(std::move(words), "Failed to perform archive operation"));
  if (!replaces) return true;
  GS_TRY(const std::string old_hash, system_.hash(path, Algorithm::sha256));
  GS_TRY(const std::string new_hash, system_.hash(fresh, Algorithm::sha256));
  if (old_hash != new_hash) GS_TRY_VOID(system_.copy_file(fresh, path, WriteOptions{}));
  GS_TRY_VOID(system_.remove_tree(folder));
  return old_hash != new_hash;
}

}  // namespace gpustack::modules
