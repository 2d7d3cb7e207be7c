#pragma once
/// @file Value: the data of plays, templates, arguments and results, with Python's equality and
/// truth.

#include "core/base/result.hpp"
#include "core/base/source.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gpustack {

class Value;
class Map;
class Object;
using List = std::vector<Value>;

enum class Kind : std::uint8_t {
  null,
  boolean,
  integer,
  real,
  string,
  list,
  map,
  undefined,
  object
};

/// Where a value came from, as far as safety is concerned. Marks survive copying; whoever derives a
/// value from others joins their marks.
enum class Mark : std::uint8_t {
  none = 0,
  unsafe = 1,  ///< came from a host, a file or `!unsafe`: never compiled as a template
  secret = 2,  ///< vault, prompt, no_log, key material: printed as `<secret>`
};
constexpr Mark operator|(Mark a, Mark b) {
  return static_cast<Mark>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Mark operator&(Mark a, Mark b) {
  return static_cast<Mark>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr bool has(Mark marks, Mark one) { return (marks & one) != Mark::none; }

namespace detail {

struct Counted {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t owner = 0;  ///< see Value::owner()
};
struct StringRep;
struct ListRep;
struct MapRep;
struct UndefinedRep;

}  // namespace detail

/// One value. Copies share; a mutable access detaches (copy on write).
/// Thread: one Value belongs to one thread at a time; copies of it may live on others.
class Value {
 public:
  Value() noexcept : kind_(Kind::null) { payload_.integer = 0; }
  // NOLINTNEXTLINE(google-explicit-constructor): literals read as values, here and below
  Value(std::nullptr_t) noexcept : Value() {}
  template <typename T>
  // NOLINTNEXTLINE(google-explicit-constructor)
  requires std::is_integral_v<T> Value(T number)
  noexcept {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = Kind::boolean;
      payload_.integer = number ? 1 : 0;
    } else {
      kind_ = Kind::integer;
      payload_.integer = static_cast<std::int64_t>(number);
    }
  }
  // NOLINTNEXTLINE(google-explicit-constructor)
  Value(double number) noexcept : kind_(Kind::real) { payload_.real = number; }
  Value(std::string text);       // NOLINT(google-explicit-constructor): literals read as values
  Value(std::string_view text);  // NOLINT(google-explicit-constructor)
  Value(const char* text);       // NOLINT(google-explicit-constructor)
  Value(List items);             // NOLINT(google-explicit-constructor)
  Value(Map entries);            // NOLINT(google-explicit-constructor)
  /// Takes over one reference of `object`.
  explicit Value(Object* object) noexcept;

  Value(const Value& other) noexcept
      : kind_(other.kind_), flags_(other.flags_), payload_(other.payload_) {
    retain();
  }
  Value(Value&& other) noexcept
      : kind_(std::exchange(other.kind_, Kind::null)),
        flags_(std::exchange(other.flags_, std::uint8_t{0})),
        payload_(other.payload_) {}
  Value& operator=(const Value& other) noexcept {
    if (this != &other) *this = Value(other);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    // `other` may live inside what this value is about to release.
    Value taken(std::move(other));
    std::swap(kind_, taken.kind_);
    std::swap(flags_, taken.flags_);
    std::swap(payload_, taken.payload_);
    return *this;
  }
  ~Value() { release(); }

  static Value list(std::initializer_list<Value> items) { return Value(List(items)); }
  static Value map(std::initializer_list<std::pair<Value, Value>> entries);
  /// A tuple of two, as items() lists them.
  static Value pair(const Value& first, const Value& second);
  /// The result of reading a name that is not there. `what` is the whole explanation, e.g. `'foo'
  /// is undefined`.
  static Value undefined(std::string what, std::string name = {});
  static Value string_at(std::string text, Origin origin);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_null() const { return kind_ == Kind::null; }
  [[nodiscard]] bool is_bool() const { return kind_ == Kind::boolean; }
  [[nodiscard]] bool is_integer() const { return kind_ == Kind::integer; }
  [[nodiscard]] bool is_real() const { return kind_ == Kind::real; }
  [[nodiscard]] bool is_number() const { return is_integer() || is_real(); }
  [[nodiscard]] bool is_string() const { return kind_ == Kind::string; }
  [[nodiscard]] bool is_list() const { return kind_ == Kind::list; }
  [[nodiscard]] bool is_map() const { return kind_ == Kind::map; }
  [[nodiscard]] bool is_undefined() const { return kind_ == Kind::undefined; }
  [[nodiscard]] bool is_object() const { return kind_ == Kind::object; }
  /// A tuple is a list that prints with parentheses.
  [[nodiscard]] bool is_tuple() const { return kind_ == Kind::list && (flags_ & kTuple) != 0; }
  [[nodiscard]] Value as_tuple() const&;
  [[nodiscard]] Value as_tuple() &&;
  /// A string that stays text even when it looks like a literal (the output of `to_json`, `string`,
  /// …).
  [[nodiscard]] bool stays_text() const {
    return kind_ == Kind::string && (flags_ & kStaysText) != 0;
  }
  [[nodiscard]] Value as_text() const;

  /// Requires the kind (GS_ASSERT).
  [[nodiscard]] inline bool as_bool() const;
  [[nodiscard]] inline std::int64_t as_integer() const;
  [[nodiscard]] double as_real() const;  ///< also accepts integer and boolean
  [[nodiscard]] inline const std::string& as_string() const;
  [[nodiscard]] inline const List& as_list() const;
  [[nodiscard]] inline const Map& as_map() const;
  [[nodiscard]] inline Object& as_object() const;
  List& mutable_list();
  Map& mutable_map();
  /// The items of a list or map without detaching: a change is seen by everyone who shares them, as
  /// in Python. Requires: the caller owns the storage (see owner()).
  [[nodiscard]] List& shared_list() const;
  [[nodiscard]] Map& shared_map() const;
  /// Who may change a list or map in place; 0 = nobody. A template render tags what it made itself,
  /// so that
  /// `{% set _ = items.append(x) %}` acts on the one list and never on data of other hosts.
  [[nodiscard]] std::uint32_t owner() const;
  void set_owner(std::uint32_t owner) const;
  [[nodiscard]] bool is_shared() const;  ///< more than one Value refers to the storage
  std::string& mutable_string();         ///< forgets the cached hash, keeps the origin

  /// The explanation and the name of an undefined value.
  [[nodiscard]] const std::string& undefined_text() const;
  [[nodiscard]] const std::string& undefined_name() const;

  [[nodiscard]] Mark marks() const { return static_cast<Mark>(flags_ & kMarks); }
  [[nodiscard]] bool is_unsafe() const { return has(marks(), Mark::unsafe); }
  [[nodiscard]] bool is_secret() const { return has(marks(), Mark::secret); }
  Value& mark(Mark marks) {
    flags_ = static_cast<std::uint8_t>(flags_ | static_cast<std::uint8_t>(marks));
    return *this;
  }
  [[nodiscard]] Value marked(Mark marks) const& { return Value(*this).mark(marks); }
  [[nodiscard]] Value marked(Mark marks) && { return std::move(mark(marks)); }

  /// Where a string was written; nullptr when it was computed.
  [[nodiscard]] inline const Origin* origin() const;

  /// Python's truth: empty, zero, null and undefined are false.
  [[nodiscard]] bool truthy() const;
  /// Items of a list or map, bytes of a string; 0 otherwise.
  [[nodiscard]] std::size_t size() const;

  /// Member of a map by name; nullptr when absent or not a map.
  [[nodiscard]] inline const Value* find(std::string_view key) const;
  /// Like find(), with null for absent.
  [[nodiscard]] const Value& get(std::string_view key) const;
  /// Sets a member of a map (null becomes a map).
  Value& set(std::string_view key, Value value);
  void push_back(Value value);

  /// Python's ==: 1 == 1.0 == true; lists and maps by content.
  bool operator==(const Value& other) const;
  [[nodiscard]] std::size_t hash() const;

  /// Same storage (Python's `is`).
  [[nodiscard]] bool same_as(const Value& other) const;

 private:
  static constexpr std::uint8_t kMarks = 0x03;
  static constexpr std::uint8_t kTuple = 0x04;
  static constexpr std::uint8_t kStaysText = 0x08;

  [[nodiscard]] bool counted() const { return kind_ == Kind::string || kind_ >= Kind::list; }
  void retain() const noexcept {
    if (counted()) payload_.counted->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept {
    if (!counted()) return;
    // The only one to know the storage needs no locked instruction to give it up.
    auto& references = payload_.counted->references;
    if (references.load(std::memory_order_acquire) == 1 ||
        references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      destroy();
  }
  void destroy() noexcept;

  Kind kind_;
  std::uint8_t flags_ = 0;
  union {
    std::int64_t integer;
    double real;
    detail::StringRep* string;
    detail::ListRep* list;
    detail::MapRep* map;
    detail::UndefinedRep* undefined;
    detail::Counted* counted;  ///< whatever is on the heap; an Object is known by it alone
  } payload_;
};

/// Insertion-ordered map with Value keys, as Python's dict.
class Map {
 public:
  struct Entry {
    Value key;
    Value value;
  };
  using iterator = std::vector<Entry>::iterator;
  using const_iterator = std::vector<Entry>::const_iterator;

  Map() = default;
  Map(std::initializer_list<std::pair<Value, Value>> entries);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  [[nodiscard]] const_iterator begin() const { return entries_.begin(); }
  [[nodiscard]] const_iterator end() const { return entries_.end(); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  [[nodiscard]] const Value* find(std::string_view key) const;
  /// For who looks a name up in one map after another. @pre `hash` is hash_of(key)
  [[nodiscard]] const Value* find(std::string_view key, std::size_t hash) const;
  [[nodiscard]] static std::size_t hash_of(std::string_view key);
  [[nodiscard]] const Value* find(const Value& key) const;
  Value* find(std::string_view key);
  Value* find(const Value& key);
  [[nodiscard]] const Value* find(const std::string& key) const {
    return find(std::string_view(key));
  }
  const Value* find(const char* key) const { return find(std::string_view(key)); }
  Value* find(const std::string& key) { return find(std::string_view(key)); }
  Value* find(const char* key) { return find(std::string_view(key)); }
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }
  /// Sets or replaces; a replaced key keeps its place.
  Value& set(Value key, Value value);
  Value& set(std::string_view key, Value value);
  Value& set(const char* key, Value value) { return set(std::string_view(key), std::move(value)); }
  Value& set(const std::string& key, Value value) {
    return set(std::string_view(key), std::move(value));
  }
  bool erase(std::string_view key);
  bool erase(const Value& key);
  void clear();
  void reserve(std::size_t entries) { entries_.reserve(entries); }
  /// Order does not count, as in Python.
  bool operator==(const Map& other) const;

 private:
  template <typename Key, typename Hash>
  std::size_t locate(const Key& key, Hash hash) const;
  void append(Value key, Value value);
  void rebuild_index();

  std::vector<Entry> entries_;
  std::vector<std::uint32_t>
      index_;  ///< open addressing, entry number + 1; empty while the map is small
};

namespace detail {

struct StringRep : Counted {
  std::string text;
  Origin origin;
  bool has_origin = false;
  mutable std::size_t hash = 0;
};
struct ListRep : Counted {
  List items;
};
struct MapRep : Counted {
  Map entries;
};
struct UndefinedRep : Counted {
  std::string what;
  std::string name;
};

}  // namespace detail

/// Arguments of a call from a template.
struct CallArguments {
  List positional;
  Map named;
};

/// A value with behaviour: macros, `loop`, namespaces, `hostvars`, ranges.
/// Every member has a default that says "this type cannot do that".
class Object : public detail::Counted {
 public:
  virtual ~Object() = default;
  [[nodiscard]] virtual std::string_view type_name() const = 0;
  /// `object.name`; an undefined Value when there is no such attribute.
  virtual Result<Value> attribute(std::string_view name);
  /// The same where nothing has to be made for it: a value that lies in the object, or a number put
  /// into `room`; nullptr when only attribute() knows.
  virtual const Value* peek(std::string_view name, Value& room);
  /// `object[key]`; an undefined Value when there is no such item.
  virtual Result<Value> item(const Value& key);
  virtual Result<Value> call(const CallArguments& arguments);
  /// The items a `for` visits (for a mapping: its keys).
  virtual Result<List> iterate();
  virtual Result<Value> set_attribute(std::string_view name, Value value);
  virtual bool contains(const Value& key);
  [[nodiscard]] virtual bool truthy() const { return true; }
  [[nodiscard]] virtual bool is_callable() const { return false; }
  [[nodiscard]] virtual bool is_mapping() const { return false; }
  [[nodiscard]] virtual std::string to_text() const;
};

template <typename T, typename... Args>
Value make_object(Args&&... args) {
  return Value(static_cast<Object*>(new T(std::forward<Args>(args)...)));
}

inline bool Value::as_bool() const {
  GS_ASSERT(is_bool(), "the caller checked for a boolean");
  return payload_.integer != 0;
}
inline std::int64_t Value::as_integer() const {
  GS_ASSERT(is_integer() || is_bool(), "the caller checked for an integer");
  return payload_.integer;
}
inline const std::string& Value::as_string() const {
  GS_ASSERT(is_string(), "the caller checked for a string");
  return payload_.string->text;
}
inline const List& Value::as_list() const {
  GS_ASSERT(is_list(), "the caller checked for a list");
  return payload_.list->items;
}
inline const Map& Value::as_map() const {
  GS_ASSERT(is_map(), "the caller checked for a map");
  return payload_.map->entries;
}
inline Object& Value::as_object() const {
  GS_ASSERT(is_object(), "the caller checked for an object");
  return static_cast<Object&>(*payload_.counted);
}
inline const Origin* Value::origin() const {
  return is_string() && payload_.string->has_origin ? &payload_.string->origin : nullptr;
}
inline const Value* Value::find(std::string_view key) const {
  return is_map() ? std::as_const(payload_.map->entries).find(key) : nullptr;
}

/// Python's type name of the value: `str`, `int`, `list`, `dict`, `NoneType`, …
std::string_view type_name(const Value& value);
/// Python's str().
std::string to_text(const Value& value);
/// Python's repr().
std::string to_repr(const Value& value);
/// Python's repr() of a float.
std::string real_text(double number);
/// The marks of the value and of everything inside it.
Mark deep_marks(const Value& value);

/// Ansible's reading of a boolean in arguments and variables: yes/no, on/off, true/false, 1/0, y/n,
/// t/f.
/// @return nothing when it is none of these
Result<bool> parse_bool(const Value& value);

}  // namespace gpustack
