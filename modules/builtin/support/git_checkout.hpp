#pragma once
/// @file What the git module does to a checkout: clone, fetch, switch, submodules, verify, archive.

#include "modules/builtin/support/git_client.hpp"

namespace gpustack::modules {

/// One run of the module. Failures are errors, in Ansible's words where it has some.
/// @source ansible-core 2.14, modules/git.py: which commands are run, and in which order
class GitCheckout {
 public:
  /// @param result  where warnings and keys of the result go
  GitCheckout(const Args& args, const GitClient& git, System& system, Value& result);

  Result<void> clone();
  Result<void> fetch();
  /// Drops changes of tracked files.
  Result<void> reset();
  /// Gives the remote the task's address. @return whether it had another
  Result<bool> set_remote();
  Result<void> switch_version();
  /// Brings submodules to where they belong. @return whether that changed any
  Result<bool> update_submodules();
  /// Moves the repository's data to separate_git_dir.
  Result<void> relocate(const std::string& from, const std::string& to);
  /// @return whether the archive is new or another one
  Result<bool> make_archive();

 private:
  Result<CommandResult> run(GitWords words);
  Result<void> must_run(GitWords words, const std::string& what);
  Result<void> fetch_refspec();
  Result<GitWords> shallow_refspecs();
  Result<void> switch_branch(const std::string& branch);
  Result<void> verify();
  Result<bool> submodules_differ();
  Result<std::string> submodule_versions(const std::string& name);
  [[nodiscard]] GitWords depth_words() const;
  void warn(std::string text);

  const Args& args_;
  const GitClient& git_;
  System& system_;
  Value& result_;
  std::string version_;
  std::string remote_;
  std::string refspec_;
  std::int64_t depth_ = 0;
  bool bare_;
};

/// zip, tar.gz or tar by the end of the path. @error invalid_argument
Result<std::string> archive_format(const std::string& path);

}  // namespace gpustack::modules
