// Attributes, items and iteration, with Jinja2's order of trying.
#include "core/base/suggest.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/sequence.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace gpustack::jinja {

namespace {

Value bound_method(Render& render, const Value& object, std::string_view name) {
  const std::shared_ptr<RenderHandle>& handle = render.handle();
  const std::string method(name);
  return make_function(method,
                       [handle, object, method](const CallArguments& arguments) -> Result<Value> {
                         if (handle->render == nullptr)
                           return Error(ErrorCode::template_type,
                                        "'" + method + "' was called after its template ended");
                         return call_method(*handle->render, object, method, arguments);
                       });
}

Result<Value> get_entry(Object& mapping, const CallArguments& arguments) {
  const MethodArguments args("get", arguments);
  GS_TRY_VOID(args.expect(1, 2));
  GS_TRY(Value found, mapping.item(*args.get(0)));
  if (!found.is_undefined()) return found;
  return args.get(1) != nullptr ? *args.get(1) : Value();
}

/// What items(), keys() and values() list.
Result<Value> list_entries(Object& mapping, std::string_view method) {
  GS_TRY(const List keys, mapping.iterate());
  if (method == "keys") return Value(keys);
  List out;
  for (const Value& key : keys) {
    GS_TRY(Value value, mapping.item(key));
    out.push_back(method == "values" ? std::move(value)
                                     : Value(List{key, std::move(value)}).as_tuple());
  }
  return Value(std::move(out));
}

/// items(), keys(), values() and get() of mappings that are no plain dict (`hostvars`).
Value mapping_method(const Value& object, std::string_view name) {
  const std::string method(name);
  return make_function(method, [object, method](const CallArguments& arguments) -> Result<Value> {
    return method == "get" ? get_entry(object.as_object(), arguments)
                           : list_entries(object.as_object(), method);
  });
}

Value no_attribute(const Value& object, std::string_view name) {
  return Value::undefined("'" + std::string(type_name(object)) + " object' has no attribute '" +
                              std::string(name) + "'",
                          std::string(name));
}

Value no_item(const Value& object, const Value& key) {
  if (key.is_string()) return no_attribute(object, key.as_string());
  return Value::undefined("'" + std::string(type_name(object)) + " object' has no element " +
                          to_repr(key));
}

/// The place an index stands for, with negative ones counted from the end.
std::optional<std::int64_t> place_at(const Value& index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  const std::int64_t number = index.as_integer();
  const std::int64_t place = number < 0 ? number + count : number;
  if (place < 0 || place >= count) return std::nullopt;
  return place;
}

Value element(const Value& object, const Value& index) {
  const List& list = object.as_list();
  const auto place = place_at(index, list.size());
  if (!place) return no_item(object, index);
  return part_of(object, list[static_cast<std::size_t>(*place)]);
}

Value character(const Value& object, const Value& index) {
  const std::string& text = object.as_string();
  const auto place = place_at(index, code_points(text));
  if (!place) return no_item(object, index);
  return Value(pick_code_points(text, *place, 1, 1)).marked(object.marks());
}

/// A word of a path: a whole number is an index, anything else a name.
Value path_key(std::string_view word) {
  std::int64_t number = 0;
  const char* end = word.data() + word.size();
  const auto done = std::from_chars(word.data(), end, number);
  const bool is_number =
      !word.empty() && word[0] != '-' && done.ec == std::errc() && done.ptr == end;
  return is_number ? Value(number) : Value(word);
}

}  // namespace

Result<Value> Render::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined()) return object;  // the first failure is the one worth naming
  if (object.is_object()) {
    if (object.as_object().is_mapping() && is_mapping_method(name))
      return mapping_method(object, name);
    GS_TRY(Value found, object.as_object().attribute(name));
    found.mark(object.marks());
    if (owner_ != 0) return adopt(std::move(found));
    return found;
  }
  if (has_method(object, name)) return bound_method(*this, object, name);
  if (const Value* found = object.find(name)) return part_of(object, *found);
  return no_attribute(object, name);
}

Result<Value> Render::item(const Value& object, const Value& key) {
  switch (object.kind()) {
    case Kind::undefined:
      return object;
    case Kind::map:
      if (key.is_undefined()) return undefined_error(key);
      if (const Value* found = object.as_map().find(key)) return part_of(object, *found);
      break;
    case Kind::list:
      if (key.is_integer() || key.is_bool()) return element(object, key);
      break;
    case Kind::string:
      if (key.is_integer() || key.is_bool()) return character(object, key);
      break;
    case Kind::object: {
      GS_TRY(Value found, object.as_object().item(key));
      found.mark(object.marks());
      if (owner_ != 0) return adopt(std::move(found));
      return found;
    }
    default:
      break;
  }
  if (key.is_string() && has_method(object, key.as_string()))
    return bound_method(*this, object, key.as_string());
  return no_item(object, key);
}

MemberPath::MemberPath(const Value& path) {
  if (!path.is_string()) {
    if (!path.is_null()) keys_.push_back(Key{path, {}});
    return;
  }
  const std::string& text = path.as_string();
  const bool is_name = !text.empty() && (text[0] < '0' || text[0] > '9') && text[0] != '-' &&
                       text.find('.') == std::string::npos;
  if (is_name && path.marks() == Mark::none) {
    keys_.push_back(Key{path, {}});
    return;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    keys_.push_back(Key{path_key(std::string_view(text).substr(begin, end - begin)), {}});
    begin = end + 1;
  }
}

[[gnu::flatten]] const Value* MemberPath::peek(const Value& item) const {
  const Value* found = &item;
  for (const Key& key : keys_) {
    if (!found->is_map() || found->marks() != Mark::none) return nullptr;
    const Map& map = found->as_map();
    const auto search = [&] { return map.find(key.value); };
    found =
        key.value.is_string() ? find_near(map, key.value.as_string(), key.place, search) : search();
    if (found == nullptr) return nullptr;
  }
  return found;
}

Result<Value> MemberPath::of(Render& render, Value item, const Value* fallback) const {
  for (const Key& key : keys_) {
    GS_TRY(item, render.item(item, key.value));
    if (fallback != nullptr && item.is_undefined()) item = *fallback;
  }
  return item;
}

Result<List> Render::items(const Value& value) {
  List out;
  switch (value.kind()) {
    case Kind::undefined:
      if (is_lenient(value)) return out;
      return undefined_error(value);
    case Kind::list:
      out = value.as_list();
      break;
    case Kind::map:
      out.reserve(value.size());
      for (const auto& [key, entry] : value.as_map()) out.push_back(key);
      break;
    case Kind::string:
      for (std::string& character : characters(value.as_string()))
        out.emplace_back(std::move(character));
      break;
    case Kind::object: {
      GS_TRY(out, value.as_object().iterate());
      break;
    }
    default:
      return Error(ErrorCode::template_type,
                   "a " + std::string(type_name(value)) + " cannot be iterated over");
  }
  if (value.marks() != Mark::none) {
    for (Value& item_value : out) item_value.mark(value.marks());
  }
  return out;
}

Error Render::undefined_error(const Value& value) const {
  Error error(ErrorCode::undefined_variable, value.undefined_text());
  const std::string& name = value.undefined_name();
  if (name.empty() || context_.scope == nullptr) return error;
  if (value.undefined_text() != "'" + name + "' is undefined") return error;
  std::string hint = suggest(name, context_.scope->names());
  if (hint.empty()) return error;
  return std::move(error).hint(std::move(hint));
}

Error Render::text_too_large() const {
  return Error(ErrorCode::template_limit,
               "the text is larger than " + std::to_string(context_.limits.output >> 20U) + " MiB");
}

namespace {

/// @param fresh  nobody else holds the value, so that its content may be taken
Value adopted_list(Render& render, const Value& value, bool fresh) {
  List items;
  if (fresh) {
    items = std::move(value.shared_list());
  } else {
    items = value.as_list();
  }
  for (Value& item : items) item = render.adopt(std::move(item));
  Value out(std::move(items));
  if (value.is_tuple()) return out.as_tuple();
  return out;
}

Value adopted_map(Render& render, const Value& value, bool fresh) {
  Map entries;
  if (fresh) {
    entries = std::move(value.shared_map());
  } else {
    entries = value.as_map();
  }
  for (auto& [key, entry] : entries) entry = render.adopt(std::move(entry));
  return Value(std::move(entries));
}

}  // namespace

Value Render::adopt(Value value) {
  if ((!value.is_list() && !value.is_map()) || owns(value)) return value;
  // What nobody else holds is ours already; anything else is copied, so that data outside never
  // changes.
  const bool fresh = !value.is_shared() && value.owner() == 0;
  Value out =
      value.is_list() ? adopted_list(*this, value, fresh) : adopted_map(*this, value, fresh);
  out.mark(value.marks());
  out.set_owner(owner_);
  return out;
}

}  // namespace gpustack::jinja
