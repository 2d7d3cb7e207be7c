// Map and what an Object can do unless its type says otherwise.
#include "core/base/short_text.hpp"
#include "core/base/value.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace gpustack {

namespace {

constexpr std::size_t kSmallMap = 8;

inline bool equals_key(const Value& key, std::string_view text) {
  return key.is_string() && same_text(key.as_string(), text);
}
bool equals_key(const Value& key, const Value& other) { return key == other; }

}  // namespace

Map::Map(std::initializer_list<std::pair<Value, Value>> entries) {
  for (const auto& [key, value] : entries) set(key, value);
}

/// @param hash  gives the key's hash; small maps do without
template <typename Key, typename Hash>
std::size_t Map::locate(const Key& key, Hash hash) const {
  if (index_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (equals_key(entries_[i].key, key)) return i;
    }
    return entries_.size();
  }
  const std::size_t mask = index_.size() - 1;
  for (std::size_t slot = hash() & mask; index_[slot] != 0; slot = (slot + 1) & mask) {
    const std::size_t entry = index_[slot] - 1;
    if (equals_key(entries_[entry].key, key)) return entry;
  }
  return entries_.size();
}

std::size_t Map::hash_of(std::string_view key) { return std::hash<std::string_view>{}(key); }

const Value* Map::find(std::string_view key) const {
  const std::size_t at = locate(key, [&] { return hash_of(key); });
  return at < entries_.size() ? &entries_[at].value : nullptr;
}
const Value* Map::find(std::string_view key, std::size_t hash) const {
  const std::size_t at = locate(key, [&] { return hash; });
  return at < entries_.size() ? &entries_[at].value : nullptr;
}
const Value* Map::find(const Value& key) const {
  const std::size_t at = locate(key, [&] { return key.hash(); });
  return at < entries_.size() ? &entries_[at].value : nullptr;
}
Value* Map::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}
Value* Map::find(const Value& key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

Value& Map::set(Value key, Value value) {
  if (Value* found = find(key)) return *found = std::move(value);
  append(std::move(key), std::move(value));
  return entries_.back().value;
}

Value& Map::set(std::string_view key, Value value) {
  if (Value* found = find(key)) return *found = std::move(value);
  append(Value(key), std::move(value));
  return entries_.back().value;
}

void Map::append(Value key, Value value) {
  entries_.push_back(Entry{std::move(key), std::move(value)});
  if (entries_.size() <= kSmallMap) return;
  if (index_.size() < entries_.size() * 2) {
    rebuild_index();
    return;
  }
  const std::size_t mask = index_.size() - 1;
  std::size_t slot = entries_.back().key.hash() & mask;
  while (index_[slot] != 0) slot = (slot + 1) & mask;
  index_[slot] = static_cast<std::uint32_t>(entries_.size());
}

void Map::rebuild_index() {
  index_.clear();
  if (entries_.size() <= kSmallMap) return;
  std::size_t slots = 32;
  while (slots < entries_.size() * 4) slots *= 2;
  index_.assign(slots, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = entries_[i].key.hash() & (slots - 1);
    while (index_[slot] != 0) slot = (slot + 1) & (slots - 1);
    index_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

bool Map::erase(std::string_view key) {
  const std::size_t at = locate(key, [&] { return hash_of(key); });
  if (at == entries_.size()) return false;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  rebuild_index();
  return true;
}

bool Map::erase(const Value& key) {
  const std::size_t at = locate(key, [&] { return key.hash(); });
  if (at == entries_.size()) return false;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  rebuild_index();
  return true;
}

void Map::clear() {
  entries_.clear();
  index_.clear();
}

bool Map::operator==(const Map& other) const {
  if (size() != other.size()) return false;
  return std::all_of(begin(), end(), [&](const Entry& entry) {
    const Value* theirs = other.find(entry.key);
    return theirs != nullptr && *theirs == entry.value;
  });
}

Result<Value> Object::attribute(std::string_view name) {
  return Value::undefined(
      "'" + std::string(type_name()) + " object' has no attribute '" + std::string(name) + "'",
      std::string(name));
}
const Value* Object::peek(std::string_view /*name*/, Value& /*room*/) { return nullptr; }
Result<Value> Object::item(const Value& key) {
  return key.is_string() ? attribute(key.as_string())
                         : Value::undefined("'" + std::string(type_name()) +
                                            " object' has no element " + to_repr(key));
}
Result<Value> Object::call(const CallArguments& /*arguments*/) {
  return Error(ErrorCode::template_type,
               "'" + std::string(type_name()) + "' object is not callable");
}
Result<List> Object::iterate() {
  return Error(ErrorCode::template_type,
               "'" + std::string(type_name()) + "' object is not iterable");
}
// NOLINTNEXTLINE(performance-unnecessary-value-param): overrides keep the value
Result<Value> Object::set_attribute(std::string_view name, Value /*value*/) {
  return Error(ErrorCode::template_type,
               "cannot set attribute '" + std::string(name) + "' on a '" +
                   std::string(type_name()) + "' object");
}
bool Object::contains(const Value& /*key*/) { return false; }
std::string Object::to_text() const { return "<" + std::string(type_name()) + ">"; }

}  // namespace gpustack
