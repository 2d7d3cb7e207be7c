#pragma once
/// @file git(1) as modules ask it: how it is started, and what a repository and its remote say.

#include "modules/sdk/module.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace gpustack::modules {

/// The queries that GitClient makes; the program is whatever the task names.
inline constexpr std::string_view kGitQueries =
    "* --version, * ls-remote, * rev-parse, * status --porcelain, * branch --no-color, "
    "* for-each-ref, * diff, * -o StrictHostKeyChecking=accept-new -V";

using GitWords = std::vector<std::string>;

/// Reads only: everything here is a query, which takes no lock and leaves no trace.
class GitClient {
 public:
  /// Finds git and lays down how ssh is started. @error module_failed  no git, or one too old
  static Result<GitClient> open(const Args& args, const SystemView& view, Value& result);

  /// A command for git in the checkout's folder (the task's when there is none).
  [[nodiscard]] Command command(GitWords words) const;
  /// The same for another folder.
  [[nodiscard]] Command command(GitWords words, const std::string& folder) const;

  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] const std::string& dest() const { return dest_; }
  /// The address, as `file://…` when it is a path.
  [[nodiscard]] const std::string& repository() const { return repository_; }
  [[nodiscard]] bool is_at_least(int major, int minor, int patch) const {
    return version_ >= std::array{major, minor, patch};
  }

  /// The folder with the repository's data: behind a `.git` file, too. @error module_failed
  [[nodiscard]] Result<std::string> git_folder(bool bare) const;
  [[nodiscard]] Result<std::string> revision(const std::string& name) const;
  /// The commit that this name means here; empty when it means none.
  [[nodiscard]] Result<std::string> known_commit(const std::string& name) const;
  [[nodiscard]] Result<bool> has_local_changes() const;
  [[nodiscard]] Result<bool> has_local_branch(const std::string& name) const;
  [[nodiscard]] Result<bool> is_annotated_tag(const std::string& name) const;
  /// The branch of HEAD, or of the remote's HEAD when HEAD is detached.
  [[nodiscard]] Result<std::string> head_branch(const std::string& remote, bool bare) const;
  [[nodiscard]] Result<std::string> remote_address(const std::string& remote) const;
  /// Whether the address of `remote` is another one than the task's.
  [[nodiscard]] Result<bool> remote_differs(const std::string& remote) const;
  [[nodiscard]] Result<bool> is_remote_branch(const std::string& remote,
                                              const std::string& name) const;
  [[nodiscard]] Result<bool> is_remote_tag(const std::string& remote,
                                           const std::string& name) const;
  /// The commit that the remote has for this branch or tag; the name itself when it is neither.
  [[nodiscard]] Result<std::string> remote_commit(const std::string& remote,
                                                  const std::string& name) const;
  /// `git diff` between two commits, in Ansible's words where there is none.
  [[nodiscard]] Result<std::string> difference(const std::string& before,
                                               const std::string& after) const;

 private:
  explicit GitClient(const SystemView& view) : view_(&view) {}

  Result<void> read_version();
  Result<void> prepare_ssh(const Args& args, Value& result);
  [[nodiscard]] Result<CommandResult> query(GitWords words) const;
  [[nodiscard]] Result<std::string> ls_remote(const std::string& remote,
                                              const std::string& pattern) const;

  const SystemView* view_;
  std::string program_;
  std::string dest_;
  std::string repository_;
  std::string ssh_;          ///< the command for ssh, with its options
  std::string reading_ssh_;  ///< the same for queries: it learns no host keys
  std::array<int, 3> version_{};
  std::optional<std::uint32_t> umask_;
};

/// The last line of git's errors that says something.
Error git_failure(const std::string& what, const CommandResult& done);

}  // namespace gpustack::modules
