#pragma once
/// @file Sorting and keys shared by the filters on lists.

#include "core/jinja/member.hpp"
#include "core/jinja/registry.hpp"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

namespace gpustack::jinja {

/// Lower case for strings, anything else as it is.
Value fold_case(const Value& value);
/// `a.b.0.c` as `map(attribute=…)` and its relatives take it, read once for all items.
class MemberPath {
 public:
  /// @param path  null for the item itself
  explicit MemberPath(const Value& path);
  /// The member of an item, where nothing has to be made for it; nullptr otherwise.
  [[nodiscard]] const Value* peek(const Value& item) const;
  /// @param fallback  for what is missing on the way; may be nullptr
  Result<Value> of(Render& render, Value item, const Value* fallback = nullptr) const;

 private:
  struct Key {
    Value value;
    PlaceHint place;
  };
  boost::container::small_vector<Key, 1> keys_;
};
/// The places of the keys in their order, equal ones as they stand. @error template_type
Result<std::vector<std::uint32_t>> sorted_places(std::span<const Value> keys, bool backwards);
/// Sorts stably by the keys, which belong to the items by place. @error template_type
Result<void> sort_by(List& items, const std::vector<Value>& keys, bool backwards);
/// The member of the item that `attribute` names, in lower case unless
/// `case_sensitive`.
Result<Value> key_of(Invocation& call,
                     const Value& item,
                     const MemberPath& attribute,
                     bool case_sensitive);

/// Is it one of the pairs that groupby makes?
bool is_group(const Value& value);

struct ValueHash {
  std::size_t operator()(const Value& value) const { return value.hash(); }
};
using ValueSet = std::unordered_set<Value, ValueHash>;

}  // namespace gpustack::jinja
