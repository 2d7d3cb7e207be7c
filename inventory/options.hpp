#pragma once
/// @file How an inventory is read and searched.

#include "core/base/value.hpp"
#include "core/yaml/node.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace gpustack::inventory {

/// What becomes of a source that cannot be read.
enum class Unreadable : std::uint8_t {
  fails,  ///< an error: a part of the fleet would be missing
  warns,  ///< Ansible's default: a warning, and the rest is used
};

/// Whose words warnings and refusals are in; scripts look for Ansible's.
enum class Wording : std::uint8_t { own, ansible };

/// Group names that no variable could have.
/// @source ansible-core 2.14, TRANSFORM_INVALID_GROUP_CHARS
enum class GroupNames : std::uint8_t {
  kept,              ///< `never`: as they are, with a warning
  replaced,          ///< `always`: `_` for each bad character, with a warning
  kept_silently,     ///< `ignore`
  replaced_silently  ///< `silently`
};

/// What a pattern without anything in it means.
enum class EmptyPattern : std::uint8_t {
  refused,   ///< one variable that renders to nothing must not change the whole fleet
  all_hosts  ///< Ansible's reading
};

/// What becomes of a pattern that no host or group fits (HOST_PATTERN_MISMATCH).
enum class Mismatch : std::uint8_t { warns, fails, is_ignored };

struct PatternRules {
  Wording wording = Wording::own;
  EmptyPattern empty = EmptyPattern::refused;
  Mismatch mismatch = Mismatch::warns;
};

struct Options {
  yaml::VaultReader* vault = nullptr;  // outlived by: the inventory's user
  bool merges_maps = false;            ///< hash_behaviour = merge
  Unreadable unreadable = Unreadable::fails;
  bool needs_a_source = false;  ///< an error when sources are named and none can be read
  std::chrono::milliseconds script_timeout = std::chrono::minutes(5);
  Wording wording = Wording::own;
  PatternRules patterns = {};
  GroupNames group_names = GroupNames::kept;
  /// Kinds of sources by Ansible's names, in the order they are tried; empty = its default.
  std::vector<std::string> enabled = {};
  Value extra_vars = {};         ///< `-e`, for plugins that ask for them
  bool uses_extra_vars = false;  ///< what a plugin's `use_extra_vars` is when its file is silent
};

/// What is told with `-v` only.
struct Note {
  int verbosity = 0;  ///< number of `-v` it takes
  std::string text;
};

}  // namespace gpustack::inventory
