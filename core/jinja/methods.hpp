#pragma once
/// @file Python's methods of str, list, tuple, dict and int, called on values.

#include "core/jinja/render.hpp"

#include <string_view>

namespace gpustack::jinja {

/// Does a method of that name change the object it is called on (`append`, `update`, …)?
bool changes_its_object(std::string_view method);
/// Is `name` a method of the value's type? Python's attributes win over a dict's keys in
/// `value.name`.
bool has_method(const Value& object, std::string_view name);
struct MethodRow;
/// Calls `object.name(arguments)`. @error template_type for wrong arguments, filter_failed as
/// Python's ValueError, KeyError, IndexError
Result<Value> call_method(Render& render,
                          const Value& object,
                          std::string_view name,
                          const CallArguments& arguments);

Result<Value> call_method(Render& render,
                          const Value& object,
                          const MethodRow& row,
                          const CallArguments& arguments);

/// `keys`, `values`, `items` and `get` of an object that is a mapping, such as hostvars.
bool is_mapping_method(std::string_view name);
/// @error as the object's own iterate() and item()
Result<Value> call_mapping_method(Object& mapping,
                                  std::string_view name,
                                  const CallArguments& arguments);

// One table per type; nothing when there is no such method.
using MethodFunction = Result<Value> (*)(Render&, const Value&, const CallArguments&);
struct MethodRow {
  std::string_view name;
  MethodFunction function;
};
const MethodRow* find_string_method(std::string_view name);
const MethodRow* find_list_method(std::string_view name);
const MethodRow* find_map_method(std::string_view name);

/// The value as it may be kept inside `container`. @error template_type when it contains that very
/// container
Result<Value> storable(Render& render, const Value& container, const Value& value);
/// @error template_type when the object is not the render's own
Result<void> require_own(Render& render, const Value& object, std::string_view method);

/// Argument access shared by the method tables.
class MethodArguments {
 public:
  MethodArguments(std::string_view method, const CallArguments& arguments)
      : method_(method), arguments_(arguments) {}
  /// Checks the count and that no named argument is unknown.
  Result<void> expect(std::size_t least,
                      std::size_t most,
                      std::initializer_list<std::string_view> names = {}) const;
  [[nodiscard]] const Value* get(std::size_t index, std::string_view name = {}) const;
  [[nodiscard]] Result<std::string> text(std::size_t index,
                                         std::string_view fallback = {},
                                         std::string_view name = {}) const;
  [[nodiscard]] Result<std::int64_t> integer(std::size_t index,
                                             std::int64_t fallback,
                                             std::string_view name = {}) const;

 private:
  std::string_view method_;
  const CallArguments& arguments_;
};

}  // namespace gpustack::jinja
