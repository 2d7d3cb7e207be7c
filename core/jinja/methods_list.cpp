#include "core/jinja/methods.hpp"
#include "core/jinja/operators.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

/// Is `container` inside `value`? A list that contains itself would never end.
bool reaches(const Value& value, const Value& container) {
  if (value.same_as(container)) return true;
  if (value.is_list()) {
    return std::any_of(value.as_list().begin(), value.as_list().end(), [&](const Value& item) {
      return item.kind() >= Kind::list && reaches(item, container);
    });
  }
  if (value.is_map()) {
    return std::any_of(value.as_map().begin(), value.as_map().end(), [&](const auto& entry) {
      return entry.value.kind() >= Kind::list && reaches(entry.value, container);
    });
  }
  return false;
}

}  // namespace

Result<Value> storable(Render& render, const Value& container, const Value& value) {
  if (!value.is_list() && !value.is_map()) return value;
  if (reaches(value, container)) {
    return Error(ErrorCode::template_type,
                 "a " + std::string(type_name(container)) + " cannot be put into itself");
  }
  return render.adopt(value);
}

Result<void> require_own(Render& render, const Value& object, std::string_view method) {
  if (render.owns(object)) return {};
  return Error(ErrorCode::template_type,
               std::string(method) + "() cannot change this " + std::string(type_name(object)) +
                   ": it belongs to data outside of the template");
}

namespace {

Result<Value> append(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("append", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY_VOID(require_own(render, self, "append"));
  GS_TRY(Value item, storable(render, self, *args.get(0)));
  self.shared_list().push_back(std::move(item));
  return Value();
}

Result<Value> extend(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("extend", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY_VOID(require_own(render, self, "extend"));
  GS_TRY(List more, render.items(*args.get(0)));
  GS_TRY_VOID(render.step(more.size()));
  for (const Value& value : more) {
    GS_TRY(Value item, storable(render, self, value));
    self.shared_list().push_back(std::move(item));
  }
  return Value();
}

Result<Value> insert(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("insert", arguments);
  GS_TRY_VOID(args.expect(2, 2));
  GS_TRY_VOID(require_own(render, self, "insert"));
  GS_TRY(std::int64_t index, args.integer(0, 0));
  List& list = self.shared_list();
  const auto size = static_cast<std::int64_t>(list.size());
  if (index < 0) index += size;
  index = std::clamp<std::int64_t>(index, 0, size);
  GS_TRY(Value item, storable(render, self, *args.get(1)));
  list.insert(list.begin() + index, std::move(item));
  return Value();
}

Result<Value> pop(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("pop", arguments);
  GS_TRY_VOID(args.expect(0, 1));
  GS_TRY_VOID(require_own(render, self, "pop"));
  GS_TRY(std::int64_t index, args.integer(0, -1));
  List& list = self.shared_list();
  const auto size = static_cast<std::int64_t>(list.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size)
    return Error(ErrorCode::filter_failed,
                 size == 0 ? "pop() from an empty list" : "pop() index out of range");
  Value out = std::move(list[static_cast<std::size_t>(index)]);
  list.erase(list.begin() + index);
  return out;
}

Result<Value> remove(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("remove", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  GS_TRY_VOID(require_own(render, self, "remove"));
  List& list = self.shared_list();
  const auto found = std::find(list.begin(), list.end(), *args.get(0));
  if (found == list.end())
    return Error(ErrorCode::filter_failed,
                 "remove(): " + to_repr(*args.get(0)) + " is not in the list");
  list.erase(found);
  return Value();
}

Result<Value> clear(Render& render, const Value& self, const CallArguments&) {
  GS_TRY_VOID(require_own(render, self, "clear"));
  self.shared_list().clear();
  return Value();
}

Result<Value> reverse(Render& render, const Value& self, const CallArguments&) {
  GS_TRY_VOID(require_own(render, self, "reverse"));
  std::reverse(self.shared_list().begin(), self.shared_list().end());
  return Value();
}

Result<Value> sort(Render& render, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("sort", arguments);
  GS_TRY_VOID(args.expect(0, 1, {"reverse"}));
  GS_TRY_VOID(require_own(render, self, "sort"));
  const Value* backwards = args.get(1, "reverse");
  Result<void> failure;
  List& list = self.shared_list();
  std::stable_sort(list.begin(), list.end(), [&](const Value& a, const Value& b) {
    auto sign = backwards != nullptr && backwards->truthy() ? order(b, a) : order(a, b);
    if (sign) return *sign < 0;
    if (failure) failure = Result<void>(std::move(sign).error());
    return false;
  });
  if (!failure) return std::move(failure).error();
  return Value();
}

Result<Value> index(Render&, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("index", arguments);
  GS_TRY_VOID(args.expect(1, 3));
  const List& list = self.as_list();
  const auto size = static_cast<std::int64_t>(list.size());
  GS_TRY(std::int64_t begin, args.integer(1, 0));
  GS_TRY(std::int64_t end, args.integer(2, size));
  if (begin < 0) begin = std::max<std::int64_t>(begin + size, 0);
  if (end < 0) end += size;
  for (std::int64_t i = begin; i < std::min(end, size); ++i) {
    if (list[static_cast<std::size_t>(i)] == *args.get(0)) return Value(i);
  }
  return Error(ErrorCode::filter_failed,
               "index(): " + to_repr(*args.get(0)) + " is not in the list");
}

Result<Value> count(Render&, const Value& self, const CallArguments& arguments) {
  const MethodArguments args("count", arguments);
  GS_TRY_VOID(args.expect(1, 1));
  return Value(std::count(self.as_list().begin(), self.as_list().end(), *args.get(0)));
}

Result<Value> copy(Render&, const Value& self, const CallArguments&) {
  return Value(List(self.as_list()));
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
  GS_TRY(std::int64_t at, args.integer(0, 0));
  List& list = self.shared_list();
  if (at < 0) at += static_cast<std::int64_t>(list.size());
  if (at < 0 || at >= static_cast<std::int64_t>(list.size()))
    return Error(ErrorCode::filter_failed, "list index out of range");
  GS_TRY(list[static_cast<std::size_t>(at)], storable(render, self, *args.get(1)));
  return Value();
}

constexpr MethodRow kRows[] = {
    {"append", append},
    {"extend", extend},
    {"insert", insert},
    {"pop", pop},
    {"remove", remove},
    {"clear", clear},
    {"reverse", reverse},
    {"sort", sort},
    {"index", index},
    {"count", count},
    {"copy", copy},
    {"__getitem__", get_item},
    {"__setitem__", set_item},
};

}  // namespace

const MethodRow* find_list_method(std::string_view name) {
  const auto* found = std::find_if(
      std::begin(kRows), std::end(kRows), [&](const MethodRow& row) { return row.name == name; });
  return found == std::end(kRows) ? nullptr : found;
}

}  // namespace gpustack::jinja
