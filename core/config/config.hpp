#pragma once
/// @file ansible.cfg and the environment: what a run is set to before its command line speaks.

#include "core/base/result.hpp"
#include "core/config/settings.hpp"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gpustack::config {

/// Where a configuration is looked for; tests give their own.
struct Sources {
  std::string folder;  ///< the current one, for `ansible.cfg` and relative paths in variables
  std::string home;
  std::string machine_file = "/etc/ansible/ansible.cfg";
  std::function<std::optional<std::string>(std::string_view)> variable;  ///< of the environment
};
Sources process_sources();

/// Then a settings file there may be anyone's.
bool anyone_may_write(const std::string& folder);

/// Settings of one run. The environment goes before ansible.cfg; only the first file found counts.
class Config {
 public:
  /// @source ansible-core 2.14, find_ini_config_file: $ANSIBLE_CONFIG (a file or a folder), then
  /// ansible.cfg here (unless anyone may write to the folder), in the home folder, in /etc/ansible
  /// @error file_unreadable, config_invalid  with file, line and column
  static Result<Config> load(const Sources& sources);

  /// As written, or the fallback; nothing where neither is. @pre the name is known
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// Whether somebody has set it.
  [[nodiscard]] bool is_set(std::string_view name) const { return given_.contains(name); }
  /// @error config_invalid
  [[nodiscard]] Result<bool> boolean(std::string_view name) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view name) const;
  /// A setting that is one of a few words. @error config_invalid
  [[nodiscard]] Result<std::string> one_of(std::string_view name,
                                           std::span<const std::string_view> words) const;
  /// Split at commas, or for paths at colons; paths are made absolute (`~`, `{{CWD}}`, relative to
  /// the file that says it).
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> path(std::string_view name) const;

  /// What is wrong with a setting's value (`must be …`), with the place that says it.
  [[nodiscard]] Error refusal(std::string_view name, std::string_view what) const;

  /// The file that was read; empty when there is none.
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Every setting that somebody has set and where: `DEFAULT_FORKS = 10 (ansible.cfg:3)`.
  [[nodiscard]] std::vector<std::string> described() const;
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Given {
    std::string text;
    std::string origin;  ///< `ansible.cfg:3`, or the environment variable
    std::string folder;  ///< relative paths count from here
    SourceSpan span;     ///< unknown for variables
  };

  Result<void> read_file(const std::string& path);
  [[nodiscard]] std::string absolute(const std::string& path, const std::string& folder) const;

  Sources sources_;
  std::string file_;
  std::map<std::string, Given, std::less<>> given_;
  std::vector<std::string> warnings_;
};

}  // namespace gpustack::config
