#pragma once
/// @file Tags: what a node carries, and whether `--tags` and `--skip-tags` let it run.

#include "core/play/model.hpp"

#include <set>
#include <string>
#include <vector>

namespace gpustack::play {

using TagSet = std::set<std::string, std::less<>>;

/// What the user chose on the command line. Empty `only` means `all`.
struct TagChoice {
  TagSet only;
  TagSet skip;
};

/// `a,b` and repeated options into a set.
TagSet parse_tags(const std::vector<std::string>& options);

/// Own and inherited tags as written (maybe templates), outermost first.
std::vector<Value> written_tags(const Node& node);
/// The tags that hold no template. Lists that templates produced are flattened by add_tags().
TagSet literal_tags(const Node& node);
/// Adds a (rendered) tag: a list adds each of its items, text is taken whole.
void add_tags(TagSet& tags, const Value& rendered);

/// @source Ansible 2.14, playbook/taggable.py: `always`, `never`, `all`, `tagged`, `untagged`
bool should_run(const TagSet& tags, const TagChoice& choice);

}  // namespace gpustack::play
