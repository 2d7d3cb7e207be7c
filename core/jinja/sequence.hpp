#pragma once
/// @file Sorting and keys shared by the filters on lists.

#include "core/jinja/registry.hpp"

#include <unordered_set>
#include <vector>

namespace gpustack::jinja {

/// Lower case for strings, anything else as it is.
Value fold_case(const Value& value);
/// Sorts stably by the keys, which belong to the items by place. @error template_type
Result<void> sort_by(List& items, const std::vector<Value>& keys, bool backwards);
/// The member of the item that `attribute` names (the item itself for null), in lower case unless
/// `case_sensitive`.
Result<Value> key_of(Invocation& call,
                     const Value& item,
                     const Value& attribute,
                     bool case_sensitive);

/// Is it one of the pairs that groupby makes?
bool is_group(const Value& value);

struct ValueHash {
  std::size_t operator()(const Value& value) const { return value.hash(); }
};
using ValueSet = std::unordered_set<Value, ValueHash>;

}  // namespace gpustack::jinja
