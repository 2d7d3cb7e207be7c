#include "core/jinja/yaml_anchors.hpp"

#include "core/jinja/operators.hpp"

#include <algorithm>
#include <utility>

namespace gpustack::jinja {

namespace {

constexpr std::size_t kDigits = 3;

}  // namespace

std::vector<Map::Entry> yaml_entries(const Map& map, bool sort_keys) {
  std::vector<Map::Entry> entries(map.begin(), map.end());
  if (!sort_keys) return entries;
  // PyYAML leaves the order alone when the keys do not compare.
  bool sortable = true;
  std::stable_sort(entries.begin(), entries.end(), [&](const Map::Entry& a, const Map::Entry& b) {
    const auto sign = order(a.key, b.key);
    sortable = sortable && sign.has_value();
    return sign.has_value() && *sign < 0;
  });
  if (!sortable) entries.assign(map.begin(), map.end());
  return entries;
}

const void* YamlAnchors::storage(const Value& value) {
  if (value.is_list()) return &value.as_list();
  return value.is_map() ? &value.as_map() : nullptr;
}

void YamlAnchors::collect(const Value& value, bool sort_keys) {
  const void* place = storage(value);
  if (place == nullptr) return;
  if (const auto known = anchors_.find(place); known != anchors_.end()) {
    if (known->second.number == 0) known->second.number = ++count_;
    return;
  }
  anchors_.emplace(place, Anchor());
  if (value.is_list()) {
    for (const Value& item : value.as_list()) collect(item, sort_keys);
    return;
  }
  for (const Map::Entry& entry : yaml_entries(value.as_map(), sort_keys))
    collect(entry.value, sort_keys);
}

std::string YamlAnchors::next(const Value& value) {
  const auto found = anchors_.find(storage(value));
  if (found == anchors_.end() || found->second.number == 0) return {};
  const bool is_alias = std::exchange(found->second.is_written, true);
  std::string number = std::to_string(found->second.number);
  if (number.size() < kDigits) number.insert(0, kDigits - number.size(), '0');
  return (is_alias ? "*id" : "&id") + number;
}

}  // namespace gpustack::jinja
