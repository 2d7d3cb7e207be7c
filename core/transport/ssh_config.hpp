#pragma once
/// @file ssh_config files, as far as they say how a host is reached.

#include "core/base/result.hpp"
#include "core/transport/target.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::transport {

/// The settings of one or more ssh_config files.
/// @source OpenSSH 9.2, ssh_config(5): the first value of a keyword counts; `Host` and `Match`
/// sections; `Include`. `Match` understands `all`, `final`, `host`, `originalhost` and `user`; with
/// another criterion the section is skipped.
class SshConfig {
 public:
  /// Gives the text of the files that match a path with wildcards; for Include.
  using Reader =
      std::function<std::vector<std::pair<std::string, std::string>>(const std::string& pattern)>;

  /// @param folder  where relative Include paths begin: ~/.ssh or /etc/ssh
  void add_text(const std::string& path,
                std::string_view text,
                const std::string& folder,
                const Reader& reader);

  /// Completes `target`: what it says already wins. HostName replaces the address, which until then
  /// is the name that sections are matched against.
  /// @error connection_settings  a keyword for this host has a value that is not supported, with
  /// file and line
  Result<void> apply(Target& target) const;

  [[nodiscard]] bool empty() const { return lines_.empty(); }

 private:
  struct Condition {
    enum class On { host, original_host, user } on;
    std::string patterns;
    bool is_negated = false;
  };
  struct Section {
    std::vector<Condition> conditions;  ///< all must hold
    bool never = false;
    bool is_final = false;  ///< read when all others have been
  };
  struct Line {
    std::size_t section;
    std::string keyword;
    std::string value;
    std::string place;
  };

  void read_text(const std::string& path,
                 std::string_view text,
                 const std::string& folder,
                 const Reader& reader,
                 std::size_t& section,
                 int depth);
  void include(std::string_view names,
               const std::string& folder,
               const Reader& reader,
               std::size_t section,
               int depth);
  enum class Pass { first, final };
  Result<void> apply_sections(Target& target, const std::string& original, Pass pass) const;
  static Section match_section(std::string_view criteria, const Section& outer);

  std::vector<Section> sections_;
  std::vector<Line> lines_;
};

/// Reads ~/.ssh/config and /etc/ssh/ssh_config below `home` and the system's folder; absent files
/// are empty.
SshConfig read_ssh_config(const std::string& home);

}  // namespace gpustack::transport
