// first, last, join, sort, unique, sum, batch, …
#include "core/jinja/sequence.hpp"

#include "core/jinja/filters/tables.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

Value fold_case(const Value& value) {
  if (!value.is_string() || is_lower_ascii(value.as_string())) return value;
  return Value(lower(value.as_string()));
}

namespace {

/// As std::string's order, where most texts differ in their first byte.
bool is_text_before(std::string_view left, std::string_view right) {
  if (!left.empty() && !right.empty() && left.front() != right.front())
    return static_cast<unsigned char>(left.front()) < static_cast<unsigned char>(right.front());
  return left < right;
}

/// Does the left key come before the right one?
Result<bool> is_before(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer()) return left.as_integer() < right.as_integer();
  if (left.is_string() && right.is_string()) return left.as_string() < right.as_string();
  GS_TRY(const int sign, order(left, right));
  return sign < 0;
}

/// Sorts few places without asking for memory.
template <typename Before>
void insertion_sort(std::span<std::uint32_t> places, Before before) {
  for (std::size_t i = 1; i < places.size(); ++i) {
    const std::uint32_t place = places[i];
    std::size_t at = i;
    for (; at > 0 && before(place, places[at - 1]); --at) places[at] = places[at - 1];
    places[at] = place;
  }
}

constexpr std::size_t kFew = 16;

}  // namespace

Result<std::vector<std::uint32_t>> sorted_places(std::span<const Value> keys, bool backwards) {
  std::vector<std::uint32_t> places(keys.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint32_t>(i);
  const bool are_texts =
      std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.is_string(); });
  if (are_texts && places.size() <= kFew) {
    insertion_sort(std::span(places), [&](std::uint32_t a, std::uint32_t b) {
      return is_text_before(keys[backwards ? b : a].as_string(),
                            keys[backwards ? a : b].as_string());
    });
    return places;
  }
  Result<void> failure;
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    if (!failure) return false;
    const auto is_first = backwards ? is_before(keys[b], keys[a]) : is_before(keys[a], keys[b]);
    if (is_first) return *is_first;
    failure = Result<void>(is_first.error());
    return false;
  };
  // A single key is never compared; Python does not either.
  if (places.size() <= kFew) {
    insertion_sort(std::span(places), before);
  } else {
    std::stable_sort(places.begin(), places.end(), before);
  }
  GS_TRY_VOID(std::move(failure));
  return places;
}

Result<void> sort_by(List& items, const std::vector<Value>& keys, bool backwards) {
  GS_TRY(const auto places, sorted_places(keys, backwards));
  List sorted;
  sorted.reserve(items.size());
  for (const std::uint32_t place : places) sorted.push_back(std::move(items[place]));
  items = std::move(sorted);
  return {};
}

Result<Value> key_of(Invocation& call,
                     const Value& item,
                     const MemberPath& attribute,
                     bool case_sensitive) {
  if (const Value* found = attribute.peek(item); found != nullptr && !found->is_undefined())
    return case_sensitive ? *found : fold_case(*found);
  GS_TRY(Value key, attribute.of(call.render, item));
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
  GS_TRY(const ItemView items, call.view_items());
  if (!items.empty()) return items.list().back();
  return Value::undefined("No last item, sequence was empty.");
}

using Given = std::span<const Value* const>;

const Value* pick_first(const Value& input, Given /*given*/, Value& /*room*/) {
  return input.is_list() && input.size() > 0 ? &input.as_list().front() : nullptr;
}

const Value* pick_last(const Value& input, Given /*given*/, Value& /*room*/) {
  return input.is_list() && input.size() > 0 ? &input.as_list().back() : nullptr;
}

const Value* pick_length(const Value& input, Given /*given*/, Value& room) {
  if (!input.is_list() && !input.is_map()) return nullptr;
  room = Value(input.size());
  return &room;
}

/// A filter that picks, without parameters.
constexpr FilterRow pick_row(std::string_view name,
                             FilterFunction function,
                             Marks marks,
                             PickFunction pick) {
  return {name, function, "", marks, false, false, false, nullptr, pick};
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

Result<void> write_item(Invocation& call, const Value& item, TextBuffer& out) {
  if (item.is_string()) {
    out.append(item.as_string());
  } else if (item.is_integer()) {
    out.append(item.as_integer());
  } else {
    GS_TRY(const std::string text, text_of(item));
    out.append(text);
  }
  return call.render.check_size(out.size());
}

/// The items themselves, with the text between them.
Result<void> write_items(Invocation& call,
                         const List& items,
                         std::string_view joint,
                         TextBuffer& out) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(joint);
    if (items[i].is_string()) {
      out.append(items[i].as_string());
      if (!call.render.is_size_allowed(out.size())) return call.render.check_size(out.size());
    } else {
      GS_TRY_VOID(write_item(call, items[i], out));
    }
  }
  return {};
}

Result<void> join(Invocation& call, TextBuffer& out) {
  static const Value kNothing("");
  const Value& separator = call.arg(0, kNothing);
  const bool is_text = separator.is_string();
  std::string made_joint;
  if (!is_text && !separator.is_null()) {
    GS_TRY(made_joint, text_of(separator));
  }
  const std::string_view joint = is_text ? std::string_view(separator.as_string()) : made_joint;
  const bool is_plain_list = call.input.is_list() && call.input.marks() == Mark::none;
  if (is_plain_list && (!call.has(1) || call.arg(1).is_null()))
    return write_items(call, call.input.as_list(), joint, out);
  GS_TRY(const ItemView items, call.view_items());
  const MemberPath attribute(call.arg(1));
  bool begin = true;
  for (const Value& item : items) {
    if (!std::exchange(begin, false)) out.append(joint);
    if (const Value* member = attribute.peek(item)) {
      GS_TRY_VOID(write_item(call, *member, out));
    } else {
      GS_TRY(const Value made, attribute.of(call.render, item));
      GS_TRY_VOID(write_item(call, made, out));
    }
  }
  return {};
}

using MemberPaths = boost::container::small_vector<MemberPath, 1>;

/// The paths of sort's `attribute`: several with commas between them.
MemberPaths member_paths(const Value& attribute) {
  MemberPaths out;
  if (!attribute.is_string() || attribute.as_string().find(',') == std::string::npos) {
    out.emplace_back(attribute);
    return out;
  }
  std::string_view rest = attribute.as_string();
  while (true) {
    const std::size_t comma = rest.find(',');
    out.emplace_back(Value(rest.substr(0, comma)));
    if (comma == std::string_view::npos) return out;
    rest.remove_prefix(comma + 1);
  }
}

Result<Value> sort_key(Invocation& call, const MemberPaths& paths, const Value& item) {
  if (paths.size() == 1) return key_of(call, item, paths.front(), call.flag(1));
  List parts;
  for (const MemberPath& path : paths) {
    GS_TRY(Value part, key_of(call, item, path, call.flag(1)));
    parts.push_back(std::move(part));
  }
  return Value(std::move(parts));
}

Result<Value> sort(Invocation& call) {
  GS_TRY(const ItemView items, call.view_items());
  const MemberPaths paths = member_paths(call.arg(2));
  std::vector<Value> keys;
  keys.reserve(items.size());
  for (const Value& item : items) {
    const Value* found = paths.size() == 1 ? paths.front().peek(item) : nullptr;
    if (found != nullptr && found->is_integer()) {
      keys.push_back(*found);
      continue;
    }
    GS_TRY(Value key, sort_key(call, paths, item));
    keys.push_back(std::move(key));
  }
  GS_TRY(const auto places, sorted_places(keys, call.flag(0)));
  List sorted;
  sorted.reserve(places.size());
  for (const std::uint32_t place : places) sorted.push_back(items.list()[place]);
  return Value(std::move(sorted));
}

/// Does dictsort go by the keys, and not by the values?
Result<bool> sorts_by_key(Invocation& call) {
  if (!call.has(1)) return true;
  GS_TRY(const std::string by, call.text(1, "key"));
  if (by != "key" && by != "value")
    return call.fail("sorts by 'key' or 'value', found '" + by + "'");
  return by == "key";
}

/// The places of a dict's entries in the order of their keys or values.
Result<std::vector<std::uint32_t>> sorted_entries(Invocation& call, const Map& map, bool by_key) {
  std::vector<Value> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) {
    const Value& wanted = by_key ? key : value;
    keys.push_back(call.flag(0) ? wanted : fold_case(wanted));
  }
  return sorted_places(keys, call.flag(2));
}

Result<std::vector<std::uint32_t>> dictsort_places(Invocation& call) {
  GS_TRY(const bool by_key, sorts_by_key(call));
  return sorted_entries(call, call.input.as_map(), by_key);
}

/// The entries of a dict in that order, as pairs.
Result<Value> sorted_pairs(Invocation& call, const Map& map, bool by_key) {
  GS_TRY(const auto places, sorted_entries(call, map, by_key));
  List pairs;
  pairs.reserve(places.size());
  for (const std::uint32_t place : places) {
    const auto& [key, value] = map.entries()[place];
    pairs.push_back(Value::pair(key, value));
  }
  return Value(std::move(pairs));
}

Result<Value> dictsort(Invocation& call) {
  GS_TRY(const bool by_key, sorts_by_key(call));
  if (call.input.is_map()) return sorted_pairs(call, call.input.as_map(), by_key);
  GS_TRY(const Map map, call.as_map(call.input));
  return sorted_pairs(call, map, by_key);
}

template <int sign>
Result<Value> extreme(Invocation& call) {
  GS_TRY(const ItemView items, call.view_items());
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Value* best = nullptr;
  Value best_key;
  const MemberPath attribute(call.arg(1));
  for (const Value& item : items) {
    GS_TRY(Value key, key_of(call, item, attribute, call.flag(0)));
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
  Value total = call.has(1) ? call.arg(1) : Value(0);
  const MemberPath attribute(call.arg(0));
  for (const Value& item : items) {
    GS_TRY(const Value part, attribute.of(call.render, item));
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
    pick_row("first", first, Marks::elements, pick_first),
    pick_row("last", last, Marks::elements, pick_last),
    pick_row("length", length, Marks::none, pick_length),
    pick_row("count", length, Marks::none, pick_length),
    {"list", list, "", Marks::elements},
    {"join", text_value<join>, "d attribute", Marks::join, false, false, false, join},
    {"sort", sort, "reverse case_sensitive attribute", Marks::elements},
    {"dictsort",
     dictsort,
     "case_sensitive by reverse",
     Marks::elements,
     false,
     false,
     false,
     nullptr,
     nullptr,
     dictsort_places},
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
