#pragma once
/// @file Members of dicts, looked for first where the last one of that name was.

#include "core/base/short_text.hpp"
#include "core/base/value.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gpustack::jinja {

/// Where a member was found last: a guess that saves the next search. Thread: any.
class PlaceHint {
 public:
  PlaceHint() = default;
  PlaceHint(const PlaceHint& other) noexcept { set(other.get()); }
  PlaceHint& operator=(const PlaceHint& other) noexcept {
    if (this != &other) set(other.get());
    return *this;
  }
  ~PlaceHint() = default;
  [[nodiscard]] std::size_t get() const { return place_.load(std::memory_order_relaxed); }
  /// The member of that name if it is where the last one was.
  [[nodiscard]] const Value* guess(const Map& map, std::string_view name) const {
    const auto& entries = map.entries();
    const std::size_t place = get();
    if (place >= entries.size()) return nullptr;
    const Map::Entry& entry = entries[place];
    return entry.key.is_string() && same_text(entry.key.as_string(), name) ? &entry.value : nullptr;
  }
  void set(std::size_t place) const {
    place_.store(static_cast<std::uint32_t>(place), std::memory_order_relaxed);
  }

 private:
  mutable std::atomic<std::uint32_t> place_{0};
};

/// The member of that name; nullptr when there is none.
/// @param search  const Value*(): asks the dict
template <typename Search>
const Value* find_near(const Map& map,
                       std::string_view name,
                       const PlaceHint& hint,
                       Search search) {
  if (const Value* guessed = hint.guess(map, name)) return guessed;
  const Value* found = search();
  if (found == nullptr) return nullptr;
  const auto& entries = map.entries();
  const auto distance = reinterpret_cast<std::uintptr_t>(found) -
                        reinterpret_cast<std::uintptr_t>(&entries.front().value);
  hint.set(distance / sizeof(Map::Entry));
  return found;
}

}  // namespace gpustack::jinja
