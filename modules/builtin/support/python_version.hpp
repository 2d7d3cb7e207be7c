#pragma once
/// @file Versions of Python packages: their order, and which of them a specifier lets through.
/// @source PEP 440

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gpustack::modules {

struct PythonVersion {
  std::int64_t epoch = 0;
  std::vector<std::int64_t> release;
  std::optional<std::pair<char, std::int64_t>> pre;  ///< `a`, `b` or `r` (release candidate)
  std::optional<std::int64_t> post;
  std::optional<std::int64_t> dev;
  std::string local;  ///< lower case, parts behind dots

  [[nodiscard]] bool is_prerelease() const { return pre.has_value() || dev.has_value(); }
};

/// Nothing when the text is no version.
std::optional<PythonVersion> parse_python_version(std::string_view text);

std::strong_ordering compare(const PythonVersion& a, const PythonVersion& b);

/// One condition, such as `>=1.2` or `==1.*`.
struct VersionSpecifier {
  std::string comparison;  ///< ==, !=, <=, >=, <, >, ~= or ===
  std::string version;

  [[nodiscard]] std::string text() const { return comparison + version; }
};

/// Nothing when the text is no specifier.
std::optional<VersionSpecifier> parse_specifier(std::string_view text);

/// Whether the version fulfils the specifier; prereleases are versions like any other.
bool fulfils(std::string_view version, const VersionSpecifier& specifier);

}  // namespace gpustack::modules
