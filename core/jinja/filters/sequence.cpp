// first, last, join, sort, unique, sum, batch, …
#include "core/jinja/sequence.hpp"

#include "core/jinja/filters/tables.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>

namespace gpustack::jinja {

Value fold_case(const Value& value) {
  return value.is_string() ? Value(lower(value.as_string())) : value;
}

Result<void> sort_by(List& items, const std::vector<Value>& keys, bool backwards) {
  std::vector<std::size_t> places(items.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  Result<void> failure;
  // std::stable_sort never compares when there is one item; Python does not either.
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    if (!failure) return false;
    auto sign = backwards ? order(keys[b], keys[a]) : order(keys[a], keys[b]);
    if (sign) return *sign < 0;
    failure = Result<void>(std::move(sign).error());
    return false;
  });
  GS_TRY_VOID(std::move(failure));
  List sorted;
  sorted.reserve(items.size());
  for (const std::size_t place : places) sorted.push_back(std::move(items[place]));
  items = std::move(sorted);
  return {};
}

Result<Value> key_of(Invocation& call,
                     const Value& item,
                     const Value& attribute,
                     bool case_sensitive) {
  GS_TRY(Value key, call.render.path(item, attribute));
  if (key.is_undefined()) return undefined_value_error(key);
  return case_sensitive ? key : fold_case(key);
}

namespace {

Result<Value> first(Invocation& call) {
  if (call.input.is_list()) {
    if (!call.input.as_list().empty()) return call.input.as_list().front();
  } else {
    GS_TRY(List items, call.input_items());
    if (!items.empty()) return std::move(items.front());
  }
  return Value::undefined("No first item, sequence was empty.");
}

Result<Value> last(Invocation& call) {
  GS_TRY(List items, call.input_items());
  if (!items.empty()) return std::move(items.back());
  return Value::undefined("No last item, sequence was empty.");
}

Result<Value> length(Invocation& call) {
  switch (call.input.kind()) {
    case Kind::string:
      return Value(code_points(call.input.as_string()));
    case Kind::list:
    case Kind::map:
      return Value(call.input.size());
    case Kind::object: {
      if (const auto* range = dynamic_cast<const RangeObject*>(&call.input.as_object()))
        return Value(range->size());
      GS_TRY(const List items, call.input_items());
      return Value(items.size());
    }
    default:
      return call.wrong_type("a string, list or dict", call.input);
  }
}

Result<Value> list(Invocation& call) {
  if (call.input.is_list() && !call.input.is_tuple()) return Value(List(call.input.as_list()));
  GS_TRY(List items, call.input_items());
  return Value(std::move(items));
}

Result<Value> join(Invocation& call) {
  GS_TRY(const std::string separator, call.text(0));
  GS_TRY(const List items, call.input_items());
  std::string out;
  bool begin = true;
  for (const Value& item : items) {
    if (!std::exchange(begin, false)) out += separator;
    if (call.has(1) && !call.arg(1).is_null()) {
      GS_TRY(const Value member, call.render.path(item, call.arg(1)));
      GS_TRY(const std::string text, text_of(member));
      out += text;
    } else if (item.is_string()) {
      out += item.as_string();
    } else {
      GS_TRY(const std::string text, text_of(item));
      out += text;
    }
    GS_TRY_VOID(call.render.check_size(out.size()));
  }
  return Value(std::move(out));
}

Result<Value> sort(Invocation& call) {
  GS_TRY(List items, call.input_items());
  const Value& attribute = call.arg(2);
  std::vector<Value> keys;
  keys.reserve(items.size());
  for (const Value& item : items) {
    if (attribute.is_string() && attribute.as_string().find(',') != std::string::npos) {
      List parts;
      std::string_view rest = attribute.as_string();
      while (true) {
        const std::size_t comma = rest.find(',');
        GS_TRY(Value part, key_of(call, item, Value(rest.substr(0, comma)), call.flag(1)));
        parts.push_back(std::move(part));
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
      }
      keys.emplace_back(std::move(parts));
    } else {
      GS_TRY(Value key, key_of(call, item, attribute, call.flag(1)));
      keys.push_back(std::move(key));
    }
  }
  GS_TRY_VOID(sort_by(items, keys, call.flag(0)));
  return Value(std::move(items));
}

Result<Value> dictsort(Invocation& call) {
  GS_TRY(const Map map, call.as_map(call.input));
  GS_TRY(const std::string by, call.text(1, "key"));
  if (by != "key" && by != "value")
    return call.fail("sorts by 'key' or 'value', found '" + by + "'");
  List items;
  std::vector<Value> keys;
  for (const auto& [key, value] : map) {
    items.push_back(Value(List{key, value}).as_tuple());
    const Value& wanted = by == "key" ? key : value;
    keys.push_back(call.flag(0) ? wanted : fold_case(wanted));
  }
  GS_TRY_VOID(sort_by(items, keys, call.flag(2)));
  return Value(std::move(items));
}

template <int sign>
Result<Value> extreme(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : items) {
    GS_TRY(Value key, key_of(call, item, call.arg(1), call.flag(0)));
    if (best != nullptr) {
      GS_TRY(const int relation, order(key, best_key));
      if (relation * sign <= 0) continue;
    }
    best = &item;
    best_key = std::move(key);
  }
  return *best;
}

Result<Value> sum(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  Value total = call.arg(1, Value(0));
  for (const Value& item : items) {
    GS_TRY(const Value part, call.render.path(item, call.arg(0)));
    GS_TRY(total, binary(BinaryOp::add, total, part, call.render.context().limits.output));
  }
  return total;
}

Result<Value> batch(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  GS_TRY(const std::int64_t width, call.integer(0, 1));
  if (width < 1) return call.fail("expected a size of at least 1, found " + std::to_string(width));
  List out;
  List row;
  for (const Value& item : items) {
    if (static_cast<std::int64_t>(row.size()) == width) out.emplace_back(std::exchange(row, {}));
    row.push_back(item);
  }
  if (!row.empty()) {
    if (call.has(1) && !call.arg(1).is_null())
      row.resize(static_cast<std::size_t>(std::min<std::int64_t>(width, 1'000'000)), call.arg(1));
    out.emplace_back(std::move(row));
  }
  return Value(std::move(out));
}

Result<Value> slice(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  GS_TRY(const std::int64_t slices, call.integer(0, 1));
  if (slices < 1 || slices > 1'000'000)
    return call.fail("expected a number of slices from 1 to 1000000, found " +
                     std::to_string(slices));
  const auto count = static_cast<std::size_t>(slices);
  const std::size_t each = items.size() / count;
  const std::size_t extra = items.size() % count;
  List out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = each + (i < extra ? 1 : 0);
    List part(items.begin() + static_cast<std::ptrdiff_t>(at),
              items.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
    if (call.has(1) && !call.arg(1).is_null() && i >= extra) part.push_back(call.arg(1));
    out.emplace_back(std::move(part));
  }
  return Value(std::move(out));
}

Result<void> flatten_into(const List& items,
                          std::int64_t levels,
                          bool skip_nulls,
                          List& out,
                          int depth,
                          Invocation& call) {
  if (depth > 100) return call.fail("lists are nested more than 100 levels deep");
  for (const Value& item : items) {
    const bool null =
        item.is_null() ||
        (item.is_string() && (item.as_string() == "None" || item.as_string() == "null"));
    if (skip_nulls && null) continue;
    if ((item.is_list() || is_group(item)) && levels != 0) {
      GS_TRY(const List inner, call.render.items(item));
      const std::int64_t left = levels < 0 ? levels : levels - 1;
      GS_TRY_VOID(flatten_into(inner, left, skip_nulls, out, depth + 1, call));
    } else {
      out.push_back(item);
    }
  }
  return {};
}

Result<Value> flatten(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  GS_TRY(const std::int64_t levels, call.integer(0, -1));
  List out;
  // Ansible's `levels` counts the lists inside: 0 and above leave the outer list out of it.
  GS_TRY_VOID(flatten_into(items, levels, call.flag(1, true), out, 0, call));
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"first", first, "", Marks::elements},
    {"last", last, "", Marks::elements},
    {"length", length, "", Marks::none},
    {"count", length, "", Marks::none},
    {"list", list, "", Marks::elements},
    {"join", join, "d attribute"},
    {"sort", sort, "reverse case_sensitive attribute", Marks::elements},
    {"dictsort", dictsort, "case_sensitive by reverse", Marks::elements},
    {"min", extreme<-1>, "case_sensitive attribute", Marks::elements},
    {"max", extreme<1>, "case_sensitive attribute", Marks::elements},
    {"sum", sum, "attribute start"},
    {"batch", batch, "linecount! fill_with", Marks::elements},
    {"slice", slice, "slices! fill_with", Marks::elements},
    {"flatten", flatten, "levels skip_nulls", Marks::elements},
};

}  // namespace

FilterTable sequence_filters() { return kRows; }

}  // namespace gpustack::jinja
