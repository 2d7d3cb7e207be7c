#pragma once
/// @file Which lists and dicts of a value occur more than once, and what PyYAML calls them.

#include "core/base/value.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace gpustack::jinja {

/// The entries in the order in which they are written: sorted by key where the keys compare, as
/// PyYAML does it.
std::vector<Map::Entry> yaml_entries(const Map& map, bool sort_keys);

/// Lists and dicts that share their storage get one anchor, numbered in the order in which the
/// second occurrences are met.
class YamlAnchors {
 public:
  void collect(const Value& value, bool sort_keys);
  /// `&id001` at the first occurrence, `*id001` at others; empty for what occurs once.
  std::string next(const Value& value);

 private:
  struct Anchor {
    int number = 0;  ///< 0 = met once
    bool is_written = false;
  };
  static const void* storage(const Value& value);

  std::unordered_map<const void*, Anchor> anchors_;
  int count_ = 0;
};

}  // namespace gpustack::jinja
