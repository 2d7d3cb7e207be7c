#pragma once
/// @file Host patterns: `web:&prod:!web3`, `db*`, `~regex`, `group[0:2]`.

#include "inventory/data.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::inventory {

/// The single patterns in a text: separated by ',' or, without one, by ':' (which addresses and
/// ranges have too).
/// @source ansible-core 2.14, split_host_pattern
std::vector<std::string> split_patterns(std::string_view text);

/// Shell wildcards as Python's fnmatch reads them: `*`, `?`, `[abc]`, `[!abc]`; the whole text must
/// fit.
bool glob_matches(std::string_view pattern, std::string_view text);

/// Finds the hosts of patterns.
class PatternMatcher {
 public:
  PatternMatcher(Data& data, SourceSpan span, PatternRules rules)
      : data_(data), span_(span), rules_(rules) {}

  /// The patterns together: those without a sign first, then every '&', then every '!'.
  /// @error host_pattern, unknown_host; where the rules say so, also for no pattern at all
  /// (host_pattern) and for one that nothing fits (unknown_host)
  Result<std::vector<const Host*>> evaluate(const std::vector<std::string>& patterns);
  /// Notes on patterns that nothing fits.
  std::vector<Error> take_unmatched() { return std::move(unmatched_); }

 private:
  Result<std::vector<const Host*>> match_one(std::string_view pattern);
  Result<std::vector<const Host*>> enumerate(std::string_view pattern);
  Result<void> note_unmatched(std::string_view pattern);

  Data& data_;
  SourceSpan span_;
  PatternRules rules_;
  std::vector<Error> unmatched_;
};

/// The `hosts` of a play as one pattern: the parts of a list with commas between them.
std::string pattern_text(const Value& hosts);

}  // namespace gpustack::inventory
