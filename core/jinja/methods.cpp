#include "core/jinja/methods.hpp"

#include "core/jinja/operators.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace gpustack::jinja {

bool changes_its_object(std::string_view method) {
  constexpr std::string_view kChanging[] = {"append",
                                            "extend",
                                            "insert",
                                            "remove",
                                            "pop",
                                            "clear",
                                            "sort",
                                            "reverse",
                                            "setdefault",
                                            "update",
                                            "popitem",
                                            "__setitem__",
                                            "__delitem__"};
  return std::find(std::begin(kChanging), std::end(kChanging), method) != std::end(kChanging);
}

namespace {

const MethodRow* find_method(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::string:
      return find_string_method(name);
    case Kind::list:
      return find_list_method(name);
    case Kind::map:
      return find_map_method(name);
    default:
      return nullptr;
  }
}

bool is_number_method(std::string_view name) {
  return name == "bit_length" || name == "is_integer";
}

Value is_integer(const Value& number) {
  if (number.is_integer()) return Value(true);
  const double real = number.as_real();
  return Value(real == static_cast<double>(static_cast<std::int64_t>(real)));
}

Value bit_length(std::int64_t number) {
  return Value(std::bit_width(static_cast<std::uint64_t>(std::abs(number))));
}

/// A string method's result carries the marks of the string and of the arguments.
Mark marks_of_call(const Value& object, const CallArguments& arguments) {
  Mark marks = object.marks();
  for (const Value& value : arguments.positional) marks = marks | deep_marks(value);
  for (const auto& [key, value] : arguments.named) marks = marks | deep_marks(value);
  return marks;
}

}  // namespace

bool has_method(const Value& object, std::string_view name) {
  if (object.is_number()) return is_number_method(name);
  return find_method(object, name) != nullptr;
}

Result<Value> call_method(Render& render,
                          const Value& object,
                          std::string_view name,
                          const CallArguments& arguments) {
  if (object.is_number() && name == "is_integer") return is_integer(object);
  if (object.is_integer() && name == "bit_length") return bit_length(object.as_integer());
  const MethodRow* row = find_method(object, name);
  if (row == nullptr) {
    return Error(
        ErrorCode::template_type,
        "a " + std::string(type_name(object)) + " has no method '" + std::string(name) + "'");
  }
  return call_method(render, object, *row, arguments);
}

Result<Value> call_method(Render& render,
                          const Value& object,
                          const MethodRow& row,
                          const CallArguments& arguments) {
  for (const Value& value : arguments.positional) {
    const bool is_taken =
        !value.is_undefined() || changes_its_object(row.name) || row.name == "get";
    if (!is_taken) return render.undefined_error(value);
  }
  GS_TRY(Value result, row.function(render, object, arguments));
  if (!object.is_string()) {
    if (object.marks() == Mark::none || result.is_bool()) return result;
    return mark_deep(std::move(result), object.marks());
  }
  const Mark marks = marks_of_call(object, arguments);
  if (marks != Mark::none && !result.is_bool() && !result.is_integer())
    result = mark_deep(std::move(result), marks);
  if (result.is_string()) GS_TRY_VOID(render.check_size(result.size()));
  return result;
}

Result<void> MethodArguments::expect(std::size_t least,
                                     std::size_t most,
                                     std::initializer_list<std::string_view> names) const {
  for (const auto& [key, value] : arguments_.named) {
    if (std::find(names.begin(), names.end(), key.as_string()) == names.end()) {
      return Error(ErrorCode::template_type,
                   std::string(method_) + "() has no argument '" + key.as_string() + "'");
    }
  }
  const std::size_t count = arguments_.positional.size() + arguments_.named.size();
  if (count >= least && count <= most) return {};
  const std::string wanted =
      least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  return Error(ErrorCode::template_type,
               std::string(method_) + "() takes " + wanted +
                   (most == 1 && least == 1 ? " argument" : " arguments") + ", found " +
                   std::to_string(count));
}

const Value* MethodArguments::get(std::size_t index, std::string_view name) const {
  if (index < arguments_.positional.size()) return &arguments_.positional[index];
  return name.empty() ? nullptr : arguments_.named.find(name);
}

Result<std::string> MethodArguments::text(std::size_t index,
                                          std::string_view fallback,
                                          std::string_view name) const {
  const Value* value = get(index, name);
  if (value == nullptr || value->is_null()) return std::string(fallback);
  if (value->is_undefined()) return undefined_value_error(*value);
  if (!value->is_string()) {
    return Error(
        ErrorCode::template_type,
        std::string(method_) + "() expected a string, found " + std::string(type_name(*value)));
  }
  return value->as_string();
}

Result<std::int64_t> MethodArguments::integer(std::size_t index,
                                              std::int64_t fallback,
                                              std::string_view name) const {
  const Value* value = get(index, name);
  if (value == nullptr || value->is_null()) return fallback;
  if (value->is_undefined()) return undefined_value_error(*value);
  if (!value->is_integer() && !value->is_bool()) {
    return Error(
        ErrorCode::template_type,
        std::string(method_) + "() expected an integer, found " + std::string(type_name(*value)));
  }
  return value->as_integer();
}

}  // namespace gpustack::jinja
