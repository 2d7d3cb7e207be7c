#pragma once
/// @file rsync's --exclude and --include: which names of a transfer count.

#include "core/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

class RsyncFilter {
 public:
  /// @param options  as `rsync_opts` has them: --exclude=PATTERN, --include=PATTERN, or the pattern
  ///   as a word of its own; quotes as in a shell
  /// @error invalid_argument  any other option
  static Result<RsyncFilter> parse(const std::vector<std::string>& options);

  /// Whether a name is left out: the first rule that fits decides, and what no rule fits counts.
  /// @param path  below the root of the transfer, without a slash at its ends
  [[nodiscard]] bool excludes(std::string_view path, bool is_folder) const;

 private:
  struct Rule {
    bool includes = false;
    bool is_anchored = false;       ///< begins at the root of the transfer
    bool is_for_folders = false;    ///< ended with a slash
    bool has_contents_too = false;  ///< ended with three stars: the folder and all in it
    bool is_path = false;           ///< is compared with the path, not with the name alone
    std::string pattern;
  };
  static Rule rule_of(std::string_view pattern, bool includes);
  static bool fits(const Rule& rule, std::string_view path, bool is_folder);

  std::vector<Rule> rules_;
};

/// Whether a whole text fits a pattern of rsync: `*` and `?` stop at slashes, `**` does not.
bool rsync_matches(std::string_view pattern, std::string_view text);

}  // namespace gpustack::modules
