#include "core/base/value.hpp"

#include <cmath>
#include <functional>

namespace gpustack {

namespace {

std::size_t mix(std::size_t seed, std::size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6U) + (seed >> 2U));
}

}  // namespace

Value::Value(std::string text) : kind_(Kind::string) {
  payload_.string = new detail::StringRep{{}, std::move(text), {}, false, 0};
}
Value::Value(std::string_view text) : kind_(Kind::string) {
  payload_.string = new detail::StringRep{{}, std::string(text), {}, false, 0};
}
Value::Value(const char* text) : Value(std::string(text)) {}
Value::Value(List items) : kind_(Kind::list) {
  payload_.list = new detail::ListRep{{}, std::move(items)};
}
Value::Value(Map entries) : kind_(Kind::map) {
  payload_.map = new detail::MapRep{{}, std::move(entries)};
}
Value::Value(Object* object) noexcept : kind_(Kind::object) { payload_.counted = object; }

void Value::destroy() noexcept {
  switch (kind_) {
    case Kind::string:
      delete payload_.string;
      break;
    case Kind::list:
      delete payload_.list;
      break;
    case Kind::map:
      delete payload_.map;
      break;
    case Kind::undefined:
      delete payload_.undefined;
      break;
    case Kind::object:
      delete &as_object();
      break;
    default:
      break;
  }
}

Value Value::map(std::initializer_list<std::pair<Value, Value>> entries) {
  return Value(Map(entries));
}

Value Value::undefined(std::string what, std::string name) {
  Value result;
  result.kind_ = Kind::undefined;
  result.payload_.undefined = new detail::UndefinedRep{{}, std::move(what), std::move(name)};
  return result;
}

Value Value::string_at(std::string text, Origin origin) {
  Value result(std::move(text));
  result.payload_.string->origin = origin;
  result.payload_.string->has_origin = true;
  return result;
}

Value Value::as_tuple() const& { return Value(*this).as_tuple(); }

Value Value::as_tuple() && {
  GS_ASSERT(is_list(), "only a list becomes a tuple");
  flags_ = static_cast<std::uint8_t>(flags_ | kTuple);
  return std::move(*this);
}

Value Value::pair(const Value& first, const Value& second) {
  List parts;
  parts.reserve(2);
  parts.push_back(first);
  parts.push_back(second);
  return Value(std::move(parts)).as_tuple();
}

Value Value::as_text() const {
  Value copy(*this);
  if (is_string()) copy.flags_ = static_cast<std::uint8_t>(copy.flags_ | kStaysText);
  return copy;
}

List& Value::shared_list() const {
  GS_ASSERT(is_list(), "the caller checked for a list");
  return payload_.list->items;
}

Map& Value::shared_map() const {
  GS_ASSERT(is_map(), "the caller checked for a map");
  return payload_.map->entries;
}

std::uint32_t Value::owner() const { return is_list() || is_map() ? payload_.counted->owner : 0; }

void Value::set_owner(std::uint32_t owner) const {
  if (is_list() || is_map()) payload_.counted->owner = owner;
}

bool Value::is_shared() const {
  return (is_list() || is_map()) &&
         payload_.counted->references.load(std::memory_order_acquire) != 1;
}

double Value::as_real() const {
  if (is_real()) return payload_.real;
  GS_ASSERT(is_integer() || is_bool(), "the caller checked for a number");
  return static_cast<double>(payload_.integer);
}

List& Value::mutable_list() {
  GS_ASSERT(is_list(), "the caller checked for a list");
  if (payload_.list->references.load(std::memory_order_acquire) != 1) {
    auto* copy = new detail::ListRep{{}, payload_.list->items};
    release();
    payload_.list = copy;
  }
  return payload_.list->items;
}

Map& Value::mutable_map() {
  GS_ASSERT(is_map(), "the caller checked for a map");
  if (payload_.map->references.load(std::memory_order_acquire) != 1) {
    auto* copy = new detail::MapRep{{}, payload_.map->entries};
    release();
    payload_.map = copy;
  }
  return payload_.map->entries;
}

std::string& Value::mutable_string() {
  GS_ASSERT(is_string(), "the caller checked for a string");
  if (payload_.string->references.load(std::memory_order_acquire) != 1) {
    const detail::StringRep& old = *payload_.string;
    auto* copy = new detail::StringRep{{}, old.text, old.origin, old.has_origin, 0};
    release();
    payload_.string = copy;
  }
  payload_.string->hash = 0;
  return payload_.string->text;
}

const std::string& Value::undefined_text() const {
  GS_ASSERT(is_undefined(), "the caller checked for undefined");
  return payload_.undefined->what;
}

const std::string& Value::undefined_name() const {
  GS_ASSERT(is_undefined(), "the caller checked for undefined");
  return payload_.undefined->name;
}

bool Value::truthy() const {
  switch (kind_) {
    case Kind::null:
    case Kind::undefined:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return payload_.integer != 0;
    case Kind::real:
      return payload_.real != 0.0;
    case Kind::string:
      return !payload_.string->text.empty();
    case Kind::list:
      return !payload_.list->items.empty();
    case Kind::map:
      return !payload_.map->entries.empty();
    case Kind::object:
      return as_object().truthy();
  }
  return false;
}

std::size_t Value::size() const {
  switch (kind_) {
    case Kind::string:
      return payload_.string->text.size();
    case Kind::list:
      return payload_.list->items.size();
    case Kind::map:
      return payload_.map->entries.size();
    default:
      return 0;
  }
}

const Value& Value::get(std::string_view key) const {
  static const Value kNull;
  const Value* found = find(key);
  return found != nullptr ? *found : kNull;
}

Value& Value::set(std::string_view key, Value value) {
  if (is_null()) *this = Value(Map());
  return mutable_map().set(key, std::move(value));
}

void Value::push_back(Value value) {
  if (is_null()) *this = Value(List());
  mutable_list().push_back(std::move(value));
}

namespace {

/// Exactly, as Python compares: beyond 53 bits many integers share a double.
bool same_number(std::int64_t whole, double real) {
  constexpr double kLimit = 9223372036854775808.0;
  return real >= -kLimit && real < kLimit && std::trunc(real) == real &&
         static_cast<std::int64_t>(real) == whole;
}

}  // namespace

bool Value::operator==(const Value& other) const {
  const auto numeric = [](const Value& v) { return v.is_bool() || v.is_number(); };
  if (numeric(*this) && numeric(other)) {
    if (is_real() && other.is_real()) return payload_.real == other.payload_.real;
    if (is_real()) return same_number(other.payload_.integer, payload_.real);
    if (other.is_real()) return same_number(payload_.integer, other.payload_.real);
    return payload_.integer == other.payload_.integer;
  }
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Kind::null:
      return true;
    case Kind::string:
      return payload_.string == other.payload_.string ||
             payload_.string->text == other.payload_.string->text;
    case Kind::list:
      return payload_.list == other.payload_.list ||
             (is_tuple() == other.is_tuple() && payload_.list->items == other.payload_.list->items);
    case Kind::map:
      return payload_.map == other.payload_.map ||
             payload_.map->entries == other.payload_.map->entries;
    case Kind::undefined:
      return true;
    case Kind::object:
      return payload_.counted == other.payload_.counted;
    default:
      return false;
  }
}

std::size_t Value::hash() const {
  switch (kind_) {
    case Kind::null:
    case Kind::undefined:
      return 0x51ed270b;
    case Kind::boolean:
    case Kind::integer:
      return std::hash<std::int64_t>{}(payload_.integer);
    case Kind::real: {
      const double number = payload_.real;
      if (std::trunc(number) == number && std::abs(number) < 9.0e18) {
        return std::hash<std::int64_t>{}(static_cast<std::int64_t>(number));
      }
      return std::hash<double>{}(number);
    }
    case Kind::string:
      return Map::hash_of(payload_.string->text);
    case Kind::list: {
      std::size_t seed = 0x2545f491;
      for (const Value& item : as_list()) seed = mix(seed, item.hash());
      return seed;
    }
    case Kind::map: {
      std::size_t sum = 0x6a09e667;
      for (const auto& [key, value] : as_map()) sum += mix(key.hash(), value.hash());
      return sum;
    }
    case Kind::object:
      return std::hash<const void*>{}(payload_.counted);
  }
  return 0;
}

bool Value::same_as(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (!counted()) return *this == other;
  if (is_string()) return as_string() == other.as_string();
  if (is_object()) return payload_.counted == other.payload_.counted;
  return payload_.counted == other.payload_.counted;
}

}  // namespace gpustack
