#include "core/jinja/methods.hpp"
#include "core/jinja/operators.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

Result<Value> keys(Render&, const Value& self, const CallArguments&) {
  List out;
  out.reserve(self.size());
  for (const auto& [key, value] : self.as_map()) out.push_back(key);
  return Value(std::move(out));
}

Result<Value> values(Render&, const Value& self, const CallArguments&) {
  List out;
  out.reserve(self.size());
  for (const auto& [key, value] : self.as_map()) out.push_back(value);
  return Value(std::move(out));
}

Result<Value> items(Render&, const Value& self, const CallArguments&) {
  List out;
  out.reserve(self.size());
  for (const auto& [key, value] : self.as_map()) out.push_back(Value::pair(key, value));
  return Value(std::move(out));
}

Result<Value> get(Render&, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("get", arguments);
  GS_TRY_VOID(args.expect(1, 2));
  if (args.get(0)->is_undefined()) return undefined_value_error(*args.get(0));
  if (const Value* found = self.as_map().find(*args.get(0))) return *found;
  const Value* fallback = args.get(1);
  return fallback != nullptr ? *fallback : Value();
}

Result<Value> pop(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("pop", arguments);
  GS_TRY_VOID(args.expect(1, 2));
  GS_TRY_VOID(require_own(render, self, "pop"));
  Map& map = self.shared_map();
  if (Value* found = map.find(*args.get(0))) {
    Value out = std::move(*found);
    map.erase(*args.get(0));
    return out;
  }
  if (const Value* fallback = args.get(1)) return *fallback;
  return Error(ErrorCode::filter_failed, "pop(): the dict has no key " + to_repr(*args.get(0)));
}

Result<Value> pop_item(Render& render, const Value& self, const CallArguments&) {
  GS_TRY_VOID(require_own(render, self, "popitem"));
  Map& map = self.shared_map();
  if (map.empty()) return Error(ErrorCode::filter_failed, "popitem(): the dict is empty");
  const Map::Entry last = map.entries().back();
  map.erase(last.key);
  return Value(List{last.key, last.value}).as_tuple();
}

Result<Value> set_default(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("setdefault", arguments);
  GS_TRY_VOID(args.expect(1, 2));
  GS_TRY_VOID(require_own(render, self, "setdefault"));
  Map& map = self.shared_map();
  if (const Value* found = map.find(*args.get(0))) return *found;
  const Value* fallback = args.get(1);
  GS_TRY(Value item, storable(render, self, fallback != nullptr ? *fallback : Value()));
  return map.set(*args.get(0), std::move(item));
}

Result<Value> update(Render& render, const Value& self, const CallArguments& arguments) {
  GS_TRY_VOID(require_own(render, self, "update"));
  if (arguments.positional.size() > 1)
    return Error(ErrorCode::template_type, "update() takes one positional argument");
  Map more;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional.front();
    if (source.is_map()) {
      more = source.as_map();
    } else {
      GS_TRY(const List pairs, render.items(source));
      for (const Value& pair : pairs) {
        if (!pair.is_list() || pair.size() != 2) {
          return Error(ErrorCode::template_type,
                       "update() needs a dict or pairs of key and value, found " + to_repr(pair));
        }
        more.set(pair.as_list()[0], pair.as_list()[1]);
      }
    }
  }
  for (const auto& [key, value] : arguments.named) more.set(key, value);
  for (const auto& [key, value] : more) {
    GS_TRY(Value item, storable(render, self, value));
    self.shared_map().set(key, std::move(item));
  }
  return Value();
}

Result<Value> clear(Render& render, const Value& self, const CallArguments&) {
  GS_TRY_VOID(require_own(render, self, "clear"));
  self.shared_map().clear();
  return Value();
}

Result<Value> copy(Render&, const Value& self, const CallArguments&) {
  return Value(Map(self.as_map()));
}

Result<Value> get_item(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("__getitem__", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  return render.item(self, *args.get(0));
}

Result<Value> set_item(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("__setitem__", arguments);
  GS_TRY_VOID(args.expect(2, 2));
  GS_TRY_VOID(require_own(render, self, "__setitem__"));
  GS_TRY(Value item, storable(render, self, *args.get(1)));
  self.shared_map().set(*args.get(0), std::move(item));
  return Value();
}

Result<Value> delete_item(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("__delitem__", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY_VOID(require_own(render, self, "__delitem__"));
  if (!self.shared_map().erase(*args.get(0)))
    return Error(ErrorCode::filter_failed, "the dict has no key " + to_repr(*args.get(0)));
  return Value();
}

Result<Value> from_keys(Render& render, const Value&, const CallArguments& arguments) {
  const MethodArguments args("fromkeys", arguments);
  GS_TRY_VOID(args.expect(1, 2));
  GS_TRY(const List names, render.items(*args.get(0)));
  Map out;
  for (const Value& name : names) out.set(name, args.get(1) != nullptr ? *args.get(1) : Value());
  return Value(std::move(out));
}

constexpr MethodRow kRows[] = {
    {"keys", keys},
    {"values", values},
    {"items", items},
    {"get", get},
    {"pop", pop},
    {"popitem", pop_item},
    {"setdefault", set_default},
    {"update", update},
    {"clear", clear},
    {"copy", copy},
    {"fromkeys", from_keys},
    {"__getitem__", get_item},
    {"__setitem__", set_item},
    {"__delitem__", delete_item},
};

}  // namespace

const MethodRow* find_map_method(std::string_view name) {
  const auto* found = std::find_if(
      std::begin(kRows), std::end(kRows), [&](const MethodRow& row) { return row.name == name; });
  return found == std::end(kRows) ? nullptr : found;
}

bool is_mapping_method(std::string_view name) {
  return name == "keys" || name == "values" || name == "items" || name == "get";
}

Result<Value> call_mapping_method(Object& mapping,
                                  std::string_view name,
                                  const CallArguments& arguments) {
  const MethodArguments args(name, arguments);
  if (name == "get") {
    GS_TRY_VOID(args.expect(1, 2));
    if (mapping.contains(*args.get(0))) return mapping.item(*args.get(0));
    return args.get(1) != nullptr ? *args.get(1) : Value();
  }
  GS_TRY_VOID(args.expect(0, 0));
  GS_TRY(List names, mapping.iterate());
  if (name == "keys") return Value(std::move(names));
  List out;
  out.reserve(names.size());
  for (const Value& key : names) {
    GS_TRY(Value value, mapping.item(key));
    out.push_back(name == "values" ? std::move(value)
                                   : Value(List{key, std::move(value)}).as_tuple());
  }
  return Value(std::move(out));
}

}  // namespace gpustack::jinja
