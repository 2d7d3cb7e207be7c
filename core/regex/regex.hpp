#pragma once
/// @file Regular expressions with Python's syntax and matching rules, for filters, tests and file
/// modules.

#include "core/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::regex {

/// Python's flags; `bytes` stands for a pattern of type `bytes`: `.` is one byte and `\w` is ASCII.
enum class Flag : std::uint8_t {
  none = 0,
  ignore_case = 1,
  multiline = 2,
  dot_all = 4,
  verbose = 8,
  ascii = 16,
  bytes = 32
};
constexpr Flag operator|(Flag a, Flag b) {
  return static_cast<Flag>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(Flag flags, Flag one) {
  return (static_cast<unsigned>(flags) & static_cast<unsigned>(one)) != 0;
}

/// One match; group 0 is the whole. The subject must outlive it.
class Match {
 public:
  static constexpr std::size_t kUnset = static_cast<std::size_t>(-1);

  Match(std::string_view subject, std::vector<std::size_t> bounds)
      : subject_(subject), bounds_(std::move(bounds)) {}

  /// Groups, the whole match not counted.
  [[nodiscard]] std::size_t groups() const { return bounds_.size() / 2 - 1; }
  [[nodiscard]] bool has(std::size_t group) const {
    return 2 * group + 1 < bounds_.size() && bounds_[2 * group] != kUnset;
  }
  /// Byte offsets in the subject; kUnset when the group took no part.
  [[nodiscard]] std::size_t begin(std::size_t group = 0) const {
    return has(group) ? bounds_[2 * group] : kUnset;
  }
  [[nodiscard]] std::size_t end(std::size_t group = 0) const {
    return has(group) ? bounds_[2 * group + 1] : kUnset;
  }
  /// Empty when the group took no part; has() tells the difference.
  [[nodiscard]] std::string_view text(std::size_t group = 0) const {
    return has(group) ? subject_.substr(begin(group), end(group) - begin(group))
                      : std::string_view();
  }

 private:
  std::string_view subject_;
  std::vector<std::size_t> bounds_;
};

struct Substitution {
  std::string text;
  std::size_t count = 0;
};

/// A compiled pattern; immutable, cheap to copy.
/// Thread: any, at the same time.
/// @error regex  on every call: the pattern is not Python's syntax, or the search took too many
/// steps
class Pattern {
 public:
  /// @param pattern  in Python's syntax; what Python refuses (`\h`, `(?R)`, `(*UTF)`, …) is refused
  /// here
  static Result<Pattern> compile(std::string_view pattern, Flag flags = Flag::none);

  /// re.search(), from byte `from` of the subject on.
  [[nodiscard]] Result<std::optional<Match>> search(std::string_view subject,
                                                    std::size_t from = 0) const;
  /// re.match(): at the start of the subject.
  [[nodiscard]] Result<std::optional<Match>> match(std::string_view subject) const;
  /// re.fullmatch().
  [[nodiscard]] Result<std::optional<Match>> full_match(std::string_view subject) const;
  /// re.finditer(): an empty match may follow a non-empty one directly, as since Python 3.7.
  [[nodiscard]] Result<std::vector<Match>> find_all(std::string_view subject) const;
  /// re.subn() with a template (`\1`, `\g<name>`); `limit` 0 replaces all.
  [[nodiscard]] Result<Substitution> substitute(std::string_view subject,
                                                std::string_view replacement,
                                                std::size_t limit = 0) const;
  /// re.split(); groups are part of the result as in Python (unset ones empty).
  [[nodiscard]] Result<std::vector<std::string>> split(std::string_view subject,
                                                       std::size_t limit = 0) const;
  /// Match.expand(): a replacement template filled from one match.
  [[nodiscard]] Result<std::string> expand(const Match& match, std::string_view replacement) const;

  [[nodiscard]] std::size_t groups() const;
  /// Named groups with their numbers, in order of the numbers.
  [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& names() const;
  /// The number of a named group.
  [[nodiscard]] std::optional<std::size_t> group(std::string_view name) const;
  /// The pattern as the user wrote it.
  [[nodiscard]] const std::string& source() const;

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled>
      compiled_;  // shared: one compilation serves all copies, on all threads
};

/// re.escape().
std::string escape(std::string_view text);

/// The pattern in PCRE2's syntax; global inline flags such as `(?i)` are moved into `flags`.
/// @error regex  for what Python would refuse
Result<std::string> translate(std::string_view pattern, Flag& flags);

}  // namespace gpustack::regex
