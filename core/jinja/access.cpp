// Attributes, items and iteration, with Jinja2's order of trying.
#include "core/base/suggest.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <charconv>

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

/// items(), keys(), values() and get() of mappings that are no plain dict (`hostvars`).
Value mapping_method(Render& render, const Value& object, std::string_view name) {
  const std::shared_ptr<RenderHandle>& handle = render.handle();
  const std::string method(name);
  return make_function(
      method, [handle, object, method](const CallArguments& arguments) -> Result<Value> {
        if (method == "get") {
          const MethodArguments args("get", arguments);
          GS_TRY_VOID(args.expect(1, 2));
          GS_TRY(Value found, object.as_object().item(*args.get(0)));
          if (!found.is_undefined()) return found;
          return args.get(1) != nullptr ? *args.get(1) : Value();
        }
        GS_TRY(const List keys, object.as_object().iterate());
        if (method == "keys") return Value(keys);
        List out;
        for (const Value& key : keys) {
          GS_TRY(Value value, object.as_object().item(key));
          out.push_back(method == "values" ? std::move(value)
                                           : Value(List{key, std::move(value)}).as_tuple());
        }
        return Value(std::move(out));
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

}  // namespace

Result<Value> Render::attribute(const Value& object, std::string_view name) {
  if (object.is_undefined()) return object;  // the first failure is the one worth naming
  if (object.is_object()) {
    if (object.as_object().is_mapping() &&
        (name == "items" || name == "keys" || name == "values" || name == "get")) {
      return mapping_method(*this, object, name);
    }
    GS_TRY(Value found, object.as_object().attribute(name));
    found.mark(object.marks());
    if (owner_ != 0) return adopt(std::move(found));
    return found;
  }
  if (has_method(object, name)) return bound_method(*this, object, name);
  if (const Value* found = object.find(name))
    return object.marks() == Mark::none ? *found : found->marked(object.marks());
  return no_attribute(object, name);
}

Result<Value> Render::item(const Value& object, const Value& key) {
  switch (object.kind()) {
    case Kind::undefined:
      return object;
    case Kind::map:
      if (key.is_undefined()) return undefined_error(key);
      if (const Value* found = object.as_map().find(key)) {
        return object.marks() == Mark::none ? *found : found->marked(object.marks());
      }
      break;
    case Kind::list: {
      if (!key.is_integer() && !key.is_bool()) break;
      const List& list = object.as_list();
      std::int64_t index = key.as_integer();
      if (index < 0) index += static_cast<std::int64_t>(list.size());
      if (index < 0 || index >= static_cast<std::int64_t>(list.size())) return no_item(object, key);
      const Value& found = list[static_cast<std::size_t>(index)];
      return object.marks() == Mark::none ? found : found.marked(object.marks());
    }
    case Kind::string: {
      if (!key.is_integer() && !key.is_bool()) break;
      const std::string& text = object.as_string();
      std::int64_t index = key.as_integer();
      const auto size = static_cast<std::int64_t>(code_points(text));
      if (index < 0) index += size;
      if (index < 0 || index >= size) return no_item(object, key);
      return Value(pick_code_points(text, index, 1, 1)).marked(object.marks());
    }
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

Result<Value> Render::path(Value object, const Value& path, const Value* fallback) {
  const auto one = [&](const Value& key) -> Result<void> {
    GS_TRY(object, item(object, key));
    if (fallback != nullptr && object.is_undefined()) object = *fallback;
    return {};
  };
  if (!path.is_string()) {
    if (path.is_null()) return object;
    GS_TRY_VOID(one(path));
    return object;
  }
  const std::string& text = path.as_string();
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = text.find('.', begin);
    if (end == std::string::npos) end = text.size();
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    std::int64_t number = 0;
    const auto done = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool is_number = !part.empty() && part[0] != '-' && done.ec == std::errc() &&
                           done.ptr == part.data() + part.size();
    GS_TRY_VOID(one(is_number ? Value(number) : Value(part)));
    begin = end + 1;
  }
  return object;
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

Result<void> Render::step(std::uint64_t count) {
  steps_ += count;
  if (steps_ <= context_.limits.steps) return {};
  return Error(ErrorCode::template_limit,
               "the template takes more than " + std::to_string(context_.limits.steps) + " steps");
}

Result<void> Render::check_size(std::size_t bytes) const {
  if (bytes <= context_.limits.output) return {};
  return Error(ErrorCode::template_limit,
               "the text is larger than " + std::to_string(context_.limits.output >> 20U) + " MiB");
}

Value Render::adopt(Value value) {
  if ((!value.is_list() && !value.is_map()) || owns(value)) return value;
  // What nobody else holds is ours already; anything else is copied, so that data outside never
  // changes.
  const bool fresh = !value.is_shared() && value.owner() == 0;
  if (value.is_list()) {
    List items_copy;
    if (fresh) {
      items_copy = std::move(value.shared_list());
    } else {
      items_copy = value.as_list();
    }
    for (Value& entry : items_copy) entry = adopt(std::move(entry));
    Value out(std::move(items_copy));
    if (value.is_tuple()) out = out.as_tuple();
    out.mark(value.marks());
    out.set_owner(owner_);
    return out;
  }
  Map entries;
  if (fresh) {
    entries = std::move(value.shared_map());
  } else {
    entries = value.as_map();
  }
  for (auto& [key, entry] : entries) entry = adopt(std::move(entry));
  Value out(std::move(entries));
  out.mark(value.marks());
  out.set_owner(owner_);
  return out;
}

}  // namespace gpustack::jinja
