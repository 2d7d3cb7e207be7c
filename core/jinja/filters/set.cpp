// union, intersect, difference, zip, product, permutations, combinations
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/sequence.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

struct Pair {
  List left, right;
};

/// The items, groups of groupby as the tuples they are.
Result<List> members(Invocation& call, const Value& value) {
  GS_TRY(List items, call.render.items(value));
  for (Value& item : items) {
    if (!is_group(item)) continue;
    GS_TRY(List pair, item.as_object().iterate());
    item = Value(std::move(pair)).as_tuple();
  }
  return items;
}

Result<Pair> both(Invocation& call) {
  Pair out;
  GS_TRY(out.left, members(call, call.input));
  if (out.left.empty() && call.name != "union" && !call.arg(0).is_undefined() &&
      call.name != "symmetric_difference")
    return out;  // nothing is looked for
  const bool looks_in_text = call.arg(0).is_string() && call.name != "union";
  for (const Value& item : out.left) {
    if (looks_in_text && !item.is_string()) return call.wrong_type("a string", item);
  }
  GS_TRY(out.right, members(call, call.arg(0)));
  return out;
}

Value distinct(const List& items, const ValueSet* only_in, const ValueSet* not_in) {
  ValueSet seen;
  List out;
  for (const Value& item : items) {
    if (only_in != nullptr && !only_in->contains(item)) continue;
    if (not_in != nullptr && not_in->contains(item)) continue;
    if (seen.insert(item).second) out.push_back(item);
  }
  return Value(std::move(out));
}

ValueSet set_of(const List& items) { return {items.begin(), items.end()}; }

/// Python adds lists to lists and tuples to tuples only.
Result<void> require_alike(Invocation& call) {
  for (const Value* side : {&call.input, &call.arg(0)}) {
    if (side->is_map()) return call.wrong_type("a list", *side);
  }
  const bool differ = call.input.is_list() && call.arg(0).is_list() &&
                      call.input.is_tuple() != call.arg(0).is_tuple();
  return differ ? Result<void>(call.fail("cannot join a list and a tuple")) : Result<void>();
}

Result<Value> unite(Invocation& call) {
  GS_TRY_VOID(require_alike(call));
  GS_TRY(Pair lists, both(call));
  lists.left.insert(lists.left.end(), lists.right.begin(), lists.right.end());
  return distinct(lists.left, nullptr, nullptr);
}

Result<Value> intersect(Invocation& call) {
  GS_TRY(const Pair lists, both(call));
  const ValueSet right = set_of(lists.right);
  return distinct(lists.left, &right, nullptr);
}

Result<Value> difference(Invocation& call) {
  GS_TRY(const Pair lists, both(call));
  const ValueSet right = set_of(lists.right);
  return distinct(lists.left, nullptr, &right);
}

Result<Value> symmetric_difference(Invocation& call) {
  GS_TRY_VOID(require_alike(call));
  GS_TRY(const Pair lists, both(call));
  const ValueSet left = set_of(lists.left);
  const ValueSet right = set_of(lists.right);
  ValueSet shared;
  for (const Value& item : left) {
    if (right.contains(item)) shared.insert(item);
  }
  List all = lists.left;
  all.insert(all.end(), lists.right.begin(), lists.right.end());
  return distinct(all, nullptr, &shared);
}

Result<std::vector<List>> all_lists(Invocation& call) {
  std::vector<List> out;
  GS_TRY(List first, call.input_items());
  out.push_back(std::move(first));
  for (const Value& more : call.rest) {
    GS_TRY(List items, call.render.items(more));
    out.push_back(std::move(items));
  }
  return out;
}

template <bool longest>
Result<Value> zip(Invocation& call) {
  GS_TRY(const std::vector<List> lists, all_lists(call));
  std::size_t count = lists.front().size();
  for (const List& list : lists)
    count = longest ? std::max(count, list.size()) : std::min(count, list.size());
  const Value* fill = call.named.find("fillvalue");
  for (const auto& [key, value] : call.named) {
    if (!longest || key.as_string() != "fillvalue")
      return call.fail("has no argument '" + key.as_string() + "'");
  }
  List out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    List row;
    for (const List& list : lists)
      row.push_back(i < list.size() ? list[i] : fill != nullptr ? *fill : Value());
    out.push_back(Value(std::move(row)).as_tuple());
  }
  return Value(std::move(out));
}

Result<Value> product(Invocation& call) {
  GS_TRY(std::vector<List> lists, all_lists(call));
  if (const Value* repeat = call.named.find("repeat")) {
    if (!repeat->is_integer() || repeat->as_integer() < 0)
      return call.wrong_type("a whole number for 'repeat'", *repeat);
    const std::vector<List> once = lists;
    lists.clear();
    for (std::int64_t i = 0; i < std::min<std::int64_t>(repeat->as_integer(), 64); ++i)
      lists.insert(lists.end(), once.begin(), once.end());
  }
  std::vector<List> rows{List()};
  for (const List& list : lists) {
    std::vector<List> next;
    GS_TRY_VOID(call.render.step(rows.size() * list.size()));
    for (const List& row : rows) {
      for (const Value& item : list) {
        next.push_back(row);
        next.back().push_back(item);
      }
    }
    rows = std::move(next);
  }
  List out;
  for (List& row : rows) out.push_back(Value(std::move(row)).as_tuple());
  return Value(std::move(out));
}

template <bool ordered>
Result<void> choose(Invocation& call,
                    const List& items,
                    std::size_t wanted,
                    std::vector<std::size_t>& chosen,
                    List& out) {
  if (chosen.size() == wanted) {
    List row;
    for (const std::size_t at : chosen) row.push_back(items[at]);
    out.push_back(Value(std::move(row)).as_tuple());
    return call.render.step(wanted + 1);
  }
  const std::size_t begin = ordered || chosen.empty() ? 0 : chosen.back() + 1;
  for (std::size_t i = begin; i < items.size(); ++i) {
    if (ordered && std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
    chosen.push_back(i);
    GS_TRY_VOID((choose<ordered>(call, items, wanted, chosen, out)));
    chosen.pop_back();
  }
  return {};
}

template <bool ordered>
Result<Value> selections(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  GS_TRY(const std::int64_t wanted, call.integer(0, static_cast<std::int64_t>(items.size())));
  if (wanted < 0)
    return call.fail("expected a size of at least 0, found " + std::to_string(wanted));
  List out;
  std::vector<std::size_t> chosen;
  if (wanted <= static_cast<std::int64_t>(items.size())) {
    GS_TRY_VOID((choose<ordered>(call, items, static_cast<std::size_t>(wanted), chosen, out)));
  }
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"union", unite, "other!", Marks::elements},
    {"intersect", intersect, "other!", Marks::elements},
    {"difference", difference, "other!", Marks::elements},
    {"symmetric_difference", symmetric_difference, "other!", Marks::elements},
    {"zip", zip<false>, "* **", Marks::elements},
    {"zip_longest", zip<true>, "* **", Marks::elements},
    {"product", product, "* **", Marks::elements},
    {"permutations", selections<true>, "r", Marks::elements},
    {"combinations", selections<false>, "r!", Marks::elements},
};

}  // namespace

FilterTable set_filters() { return kRows; }

}  // namespace gpustack::jinja
