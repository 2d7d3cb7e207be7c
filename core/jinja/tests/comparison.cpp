// eq, lt, in, contains, subset, any, all
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/sequence.hpp"
#include "core/jinja/tests/tables.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

/// May Python put it into a set?
bool is_hashable(const Value& value) {
  if (value.is_tuple())
    return std::all_of(value.as_list().begin(), value.as_list().end(), is_hashable);
  return !value.is_map() && !value.is_list() && !is_group(value);
}

template <CompareOp op>
Result<bool> compares(Invocation& call) {
  return compare(op, call.input, *call.given.front());  // it must be given
}

Result<bool> holds(Invocation& call) { return contains(call.input, call.arg(0)); }

template <bool inverse>
Result<bool> subset(Invocation& call) {
  GS_TRY(const List left, call.input_items());
  GS_TRY(const List right, call.render.items(call.arg(0)));
  for (const List* list : {&left, &right}) {
    for (const Value& item : *list) {
      if (!is_hashable(item)) return call.wrong_type("items that can be in a set", item);
    }
  }
  const List& small = inverse ? right : left;
  const List& large = inverse ? left : right;
  const ValueSet all(large.begin(), large.end());
  return std::all_of(
      small.begin(), small.end(), [&](const Value& item) { return all.contains(item); });
}

template <bool all>
Result<bool> every(Invocation& call) {
  GS_TRY(const List items, call.input_items());
  for (const Value& item : items) {
    if (item.is_undefined()) return call.render.undefined_error(item);
    if (item.truthy() != all) return !all;
  }
  return all;
}

constexpr TestRow kRows[] = {
    {"eq", compares<CompareOp::eq>, "other!"},
    {"equalto", compares<CompareOp::eq>, "other!"},
    {"==", compares<CompareOp::eq>, "other!"},
    {"ne", compares<CompareOp::ne>, "other!"},
    {"!=", compares<CompareOp::ne>, "other!"},
    {"lt", compares<CompareOp::lt>, "other!"},
    {"lessthan", compares<CompareOp::lt>, "other!"},
    {"<", compares<CompareOp::lt>, "other!"},
    {"le", compares<CompareOp::le>, "other!"},
    {"<=", compares<CompareOp::le>, "other!"},
    {"gt", compares<CompareOp::gt>, "other!"},
    {"greaterthan", compares<CompareOp::gt>, "other!"},
    {">", compares<CompareOp::gt>, "other!"},
    {"ge", compares<CompareOp::ge>, "other!"},
    {">=", compares<CompareOp::ge>, "other!"},
    {"in", compares<CompareOp::in>, "seq!"},
    {"contains", holds, "value!"},
    {"subset", subset<false>, "other!"},
    {"issubset", subset<false>, "other!"},
    {"superset", subset<true>, "other!"},
    {"issuperset", subset<true>, "other!"},
    {"any", every<false>},
    {"all", every<true>},
};

}  // namespace

TestTable comparison_tests() { return kRows; }

}  // namespace gpustack::jinja
