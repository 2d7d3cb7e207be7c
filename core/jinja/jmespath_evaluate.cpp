#include "core/base/json.hpp"
#include "core/jinja/jmespath_tree.hpp"
#include "core/jinja/number.hpp"
#include "core/jinja/operators.hpp"

#include <algorithm>
#include <cmath>

namespace gpustack::jinja::jmespath {

bool holds(const Value& value) { return value.is_number() ? true : value.truthy(); }

namespace {

Error wrong(const Node& node, const std::string& wanted, const Value& found) {
  return Error(ErrorCode::filter_failed,
               "query function " + node.text + "() expected " + wanted + ", found " +
                   std::string(type_name(found)));
}

Result<Value> project(const List& items, const Node& right) {
  List out;
  for (const Value& item : items) {
    GS_TRY(Value one, evaluate(right, item));
    if (!one.is_null()) out.push_back(std::move(one));
  }
  return Value(std::move(out));
}

bool json_equal(const Value& left, const Value& right) {
  if (left.is_bool() != right.is_bool()) return false;
  return left == right;
}

Result<Value> filtered(const Node& node, const List& items) {
  List kept;
  for (const Value& item : items) {
    GS_TRY(const Value condition, evaluate(*node.children[2], item));
    if (holds(condition)) kept.push_back(item);
  }
  return project(kept, *node.children[1]);
}

List flattened(const List& items) {
  List out;
  for (const Value& item : items) {
    if (item.is_list()) {
      out.insert(out.end(), item.as_list().begin(), item.as_list().end());
    } else {
      out.push_back(item);
    }
  }
  return out;
}

Value item_at(const List& items, std::int64_t index) {
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t at = index < 0 ? index + size : index;
  return at < 0 || at >= size ? Value() : items[static_cast<std::size_t>(at)];
}

Result<Value> sliced(const List& items, const List& parts) {
  GS_TRY(const SliceBounds bounds,
         slice_bounds(static_cast<std::int64_t>(items.size()), parts[0], parts[1], parts[2]));
  List out;
  for (std::int64_t i = 0; i < bounds.count; ++i)
    out.push_back(items[static_cast<std::size_t>(bounds.start + i * bounds.step)]);
  return Value(std::move(out));
}

/// The nodes that take a list on their left; anything else gives null.
Result<Value> evaluate_on_list(const Node& node, const Value& data) {
  GS_TRY(const Value left, evaluate(*node.children[0], data));
  if (!left.is_list()) return Value();
  const List& items = left.as_list();
  switch (node.kind) {
    case NodeKind::projection:
      return project(items, *node.children[1]);
    case NodeKind::filter:
      return filtered(node, items);
    case NodeKind::flatten:
      return Value(flattened(items));
    case NodeKind::index:
      return item_at(items, node.value.as_integer());
    default:
      return sliced(items, node.value.as_list());
  }
}

Result<Value> evaluate_value_projection(const Node& node, const Value& data) {
  GS_TRY(const Value left, evaluate(*node.children[0], data));
  if (!left.is_map()) return Value();
  List values;
  for (const auto& [key, value] : left.as_map()) values.push_back(value);
  return project(values, *node.children[1]);
}

Result<Value> evaluate_multi_list(const Node& node, const Value& data) {
  if (data.is_null()) return Value();
  List items;
  for (const NodePtr& child : node.children) {
    GS_TRY(Value one, evaluate(*child, data));
    items.push_back(std::move(one));
  }
  return Value(std::move(items));
}

Result<Value> evaluate_multi_map(const Node& node, const Value& data) {
  if (data.is_null()) return Value();
  Map entries;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    GS_TRY(Value one, evaluate(*node.children[i], data));
    entries.set(node.names[i], std::move(one));
  }
  return Value(std::move(entries));
}

Result<Value> evaluate_compare(const Node& node, const Value& data) {
  GS_TRY(const Value left, evaluate(*node.children[0], data));
  GS_TRY(const Value right, evaluate(*node.children[1], data));
  if (node.text == "==") return Value(json_equal(left, right));
  if (node.text == "!=") return Value(!json_equal(left, right));
  const bool comparable =
      (left.is_number() && right.is_number()) || (left.is_string() && right.is_string());
  if (!comparable) return Value();
  GS_TRY(const int sign, order(left, right));
  return Value(node.text == "<"    ? sign < 0
               : node.text == "<=" ? sign <= 0
               : node.text == ">"  ? sign > 0
                                   : sign >= 0);
}

}  // namespace

Result<Value> evaluate(const Node& node, const Value& data) {
  switch (node.kind) {
    case NodeKind::field:
      return data.get(node.text);
    case NodeKind::literal:
      return node.value;
    case NodeKind::current:
      return data;
    case NodeKind::expression:
      return evaluate(*node.children[0], data);
    case NodeKind::chain: {
      GS_TRY(const Value left, evaluate(*node.children[0], data));
      return evaluate(*node.children[1], left);
    }
    case NodeKind::projection:
    case NodeKind::filter:
    case NodeKind::flatten:
    case NodeKind::index:
    case NodeKind::slice:
      return evaluate_on_list(node, data);
    case NodeKind::value_projection:
      return evaluate_value_projection(node, data);
    case NodeKind::multi_list:
      return evaluate_multi_list(node, data);
    case NodeKind::multi_map:
      return evaluate_multi_map(node, data);
    case NodeKind::logic_or:
    case NodeKind::logic_and: {
      GS_TRY(Value left, evaluate(*node.children[0], data));
      if (holds(left) == (node.kind == NodeKind::logic_or)) return left;
      return evaluate(*node.children[1], data);
    }
    case NodeKind::logic_not: {
      GS_TRY(const Value operand, evaluate(*node.children[0], data));
      return Value(!holds(operand));
    }
    case NodeKind::compare:
      return evaluate_compare(node, data);
    case NodeKind::call:
      return call_function(node, data);
  }
  return Value();
}

namespace {

struct Call {
  const Node& node;
  const Value& data;
  List arguments;  ///< `&expression` arguments are null here

  [[nodiscard]] const Value& arg(std::size_t index) const { return arguments[index]; }
  [[nodiscard]] Result<Value> key(std::size_t index, const Value& item) const {
    return evaluate(*node.children[index]->children[0], item);
  }
};

Result<double> number_of(const Call& call, const Value& value) {
  if (value.is_number()) return value.as_real();
  return wrong(call.node, "numbers", value);
}

Result<Value> length(const Call& call) {
  const Value& value = call.arg(0);
  if (value.is_string()) return Value(code_points(value.as_string()));
  if (value.is_list() || value.is_map()) return Value(value.size());
  return wrong(call.node, "a string, list or dict", value);
}

Result<Value> keys(const Call& call) {
  if (!call.arg(0).is_map()) return wrong(call.node, "a dict", call.arg(0));
  List out;
  for (const auto& [key, value] : call.arg(0).as_map()) out.push_back(key);
  return Value(std::move(out));
}

Result<Value> values(const Call& call) {
  if (!call.arg(0).is_map()) return wrong(call.node, "a dict", call.arg(0));
  List out;
  for (const auto& [key, value] : call.arg(0).as_map()) out.push_back(value);
  return Value(std::move(out));
}

Result<Value> contains_item(const Call& call) {
  if (!call.arg(0).is_string() && !call.arg(0).is_list())
    return wrong(call.node, "a string or list", call.arg(0));
  if (call.arg(0).is_string() && !call.arg(1).is_string()) return Value(false);
  GS_TRY(const bool found, contains(call.arg(0), call.arg(1)));
  return Value(found);
}

template <bool at_end>
Result<Value> begins(const Call& call) {
  if (!call.arg(0).is_string()) return wrong(call.node, "a string", call.arg(0));
  if (!call.arg(1).is_string()) return wrong(call.node, "a string", call.arg(1));
  const std::string& text = call.arg(0).as_string();
  return Value(at_end ? text.ends_with(call.arg(1).as_string())
                      : text.starts_with(call.arg(1).as_string()));
}

Result<Value> join(const Call& call) {
  if (!call.arg(0).is_string()) return wrong(call.node, "a string", call.arg(0));
  if (!call.arg(1).is_list()) return wrong(call.node, "a list of strings", call.arg(1));
  std::string out;
  bool first = true;
  for (const Value& item : call.arg(1).as_list()) {
    if (!item.is_string()) return wrong(call.node, "a list of strings", item);
    if (!std::exchange(first, false)) out += call.arg(0).as_string();
    out += item.as_string();
  }
  return Value(std::move(out));
}

Result<Value> sort(const Call& call) {
  if (!call.arg(0).is_list()) return wrong(call.node, "a list", call.arg(0));
  const bool by = call.node.text == "sort_by";
  std::vector<std::pair<Value, Value>> rows;
  for (const Value& item : call.arg(0).as_list()) {
    GS_TRY(Value key, by ? call.key(1, item) : Result<Value>(item));
    if (!key.is_number() && !key.is_string()) return wrong(call.node, "numbers or strings", key);
    rows.emplace_back(std::move(key), item);
  }
  Result<void> failure;
  std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    auto sign = order(a.first, b.first);
    if (sign) return *sign < 0;
    if (failure) failure = Result<void>(std::move(sign).error());
    return false;
  });
  GS_TRY_VOID(std::move(failure));
  List out;
  for (auto& row : rows) out.push_back(std::move(row.second));
  return Value(std::move(out));
}

Result<Value> extreme(const Call& call) {
  if (!call.arg(0).is_list()) return wrong(call.node, "a list", call.arg(0));
  const bool by = call.node.text.ends_with("_by");
  const int wanted = call.node.text.starts_with("max") ? 1 : -1;
  Value best;
  Value best_key;
  bool any = false;
  for (const Value& item : call.arg(0).as_list()) {
    GS_TRY(Value key, by ? call.key(1, item) : Result<Value>(item));
    if (any) {
      GS_TRY(const int sign, order(key, best_key));
      if (sign * wanted <= 0) continue;
    }
    any = true;
    best = item;
    best_key = std::move(key);
  }
  return best;
}

Result<Value> sum(const Call& call) {
  if (!call.arg(0).is_list()) return wrong(call.node, "a list", call.arg(0));
  double total = 0;
  bool whole = true;
  for (const Value& item : call.arg(0).as_list()) {
    GS_TRY(const double number, number_of(call, item));
    whole = whole && item.is_integer();
    total += number;
  }
  if (call.node.text == "avg") {
    return call.arg(0).size() == 0 ? Value()
                                   : Value(total / static_cast<double>(call.arg(0).size()));
  }
  return whole ? Value(static_cast<std::int64_t>(total)) : Value(total);
}

Result<Value> rounded(const Call& call) {
  GS_TRY(const double number, number_of(call, call.arg(0)));
  if (call.node.text == "abs")
    return call.arg(0).is_integer() ? Value(std::abs(call.arg(0).as_integer()))
                                    : Value(std::fabs(number));
  return Value(
      static_cast<std::int64_t>(call.node.text == "ceil" ? std::ceil(number) : std::floor(number)));
}

Result<Value> to_string(const Call& call) {
  return call.arg(0).is_string() ? call.arg(0)
                                 : Value(to_json(call.arg(0), JsonStyle{0, false, false, false}));
}

Result<Value> to_number(const Call& call) {
  if (call.arg(0).is_number()) return call.arg(0);
  if (!call.arg(0).is_string()) return Value();
  if (const auto whole = parse_integer(call.arg(0).as_string())) return Value(*whole);
  if (const auto real = parse_real(call.arg(0).as_string())) return Value(*real);
  return Value();
}

Result<Value> type(const Call& call) {
  const Value& value = call.arg(0);
  return Value(value.is_null()     ? "null"
               : value.is_bool()   ? "boolean"
               : value.is_number() ? "number"
               : value.is_string() ? "string"
               : value.is_list()   ? "array"
                                   : "object");
}

Result<Value> not_null(const Call& call) {
  for (const Value& value : call.arguments) {
    if (!value.is_null()) return value;
  }
  return Value();
}

Result<Value> reverse(const Call& call) {
  const Value& value = call.arg(0);
  if (value.is_list()) return Value(List(value.as_list().rbegin(), value.as_list().rend()));
  if (value.is_string())
    return Value(std::string(value.as_string().rbegin(), value.as_string().rend()));
  return wrong(call.node, "a list or string", value);
}

Result<Value> map(const Call& call) {
  if (!call.arg(1).is_list()) return wrong(call.node, "a list", call.arg(1));
  List out;
  for (const Value& item : call.arg(1).as_list()) {
    GS_TRY(Value one, call.key(0, item));
    out.push_back(std::move(one));
  }
  return Value(std::move(out));
}

Result<Value> merge(const Call& call) {
  Map out;
  for (const Value& value : call.arguments) {
    if (!value.is_map()) return wrong(call.node, "dicts", value);
    for (const auto& [key, item] : value.as_map()) out.set(key, item);
  }
  return Value(std::move(out));
}

Result<Value> to_array(const Call& call) {
  return call.arg(0).is_list() ? call.arg(0) : Value::list({call.arg(0)});
}

struct Row {
  std::string_view name;
  std::size_t least, most;
  Result<Value> (*function)(const Call&);
};

constexpr Row kFunctions[] = {
    {"length", 1, 1, length},
    {"keys", 1, 1, keys},
    {"values", 1, 1, values},
    {"contains", 2, 2, contains_item},
    {"starts_with", 2, 2, begins<false>},
    {"ends_with", 2, 2, begins<true>},
    {"join", 2, 2, join},
    {"sort", 1, 1, sort},
    {"sort_by", 2, 2, sort},
    {"max", 1, 1, extreme},
    {"min", 1, 1, extreme},
    {"max_by", 2, 2, extreme},
    {"min_by", 2, 2, extreme},
    {"sum", 1, 1, sum},
    {"avg", 1, 1, sum},
    {"abs", 1, 1, rounded},
    {"ceil", 1, 1, rounded},
    {"floor", 1, 1, rounded},
    {"to_string", 1, 1, to_string},
    {"to_number", 1, 1, to_number},
    {"type", 1, 1, type},
    {"not_null", 1, 99, not_null},
    {"reverse", 1, 1, reverse},
    {"map", 2, 2, map},
    {"merge", 1, 99, merge},
    {"to_array", 1, 1, to_array},
};

}  // namespace

Result<Value> call_function(const Node& node, const Value& data) {
  const auto* row = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const Row& one) {
    return one.name == node.text;
  });
  if (row == std::end(kFunctions))
    return Error(ErrorCode::filter_failed, "unknown query function " + node.text + "()");
  if (node.children.size() < row->least || node.children.size() > row->most) {
    return Error(ErrorCode::filter_failed,
                 "query function " + node.text + "() got " + std::to_string(node.children.size()) +
                     " arguments");
  }
  const bool by = node.text.ends_with("_by") || node.text == "map";
  const std::size_t function_at = node.text == "map" ? 0 : 1;
  if (by && node.children[function_at]->kind != NodeKind::expression) {
    return Error(ErrorCode::filter_failed,
                 "query function " + node.text + "() expected an expression such as '&name'");
  }
  Call call{node, data, {}};
  for (const NodePtr& argument : node.children) {
    if (argument->kind == NodeKind::expression) {
      call.arguments.emplace_back();
      continue;
    }
    GS_TRY(Value value, evaluate(*argument, data));
    call.arguments.push_back(std::move(value));
  }
  return row->function(call);
}

}  // namespace gpustack::jinja::jmespath
