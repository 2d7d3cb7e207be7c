#include "core/base/sealed.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>
#include <optional>
#include <typeinfo>

namespace gpustack::jinja {

Error Render::locate(Error error, const Expr& expr) const {
  if (error.span().known()) return error;
  return std::move(error).at_if_unknown(template_->span(expr.offset, expr.length));
}

Result<Value> Render::settle(Result<Value> result, const Expr& expr) {
  if (!result) return locate(std::move(result).error(), expr);
  if (owner_ != 0) return adopt(std::move(*result));
  return result;
}

Result<Value> Render::evaluate(const Expr& expr) {
  Value room;
  const Value* found = peek(expr, room);
  if (found == &room) return room;
  if (found != nullptr) return *found;
  return evaluate_unseen(expr);
}

Result<Value> Render::evaluate_unseen(const Expr& expr) {
  auto value = evaluate_closed(expr);
  if (!value || !value->is_object()) return value;
  if (const SealedText* sealed = as_sealed(*value)) return locate(sealed->reason(), expr);
  return value;
}

Result<Value> Render::evaluate_closed(const Expr& expr) {
  GS_TRY_VOID(step());
  switch (expr.kind) {
    case ExprKind::constant:
      return *static_cast<const ConstantExpr&>(expr).value;
    case ExprKind::name:
      return evaluate_name(static_cast<const NameExpr&>(expr));
    case ExprKind::attribute:
      return evaluate_attribute(static_cast<const AttributeExpr&>(expr));
    case ExprKind::item:
      return evaluate_item(static_cast<const ItemExpr&>(expr));
    case ExprKind::slice:
      return evaluate_slice(static_cast<const SliceExpr&>(expr));
    case ExprKind::call:
      return evaluate_call(static_cast<const CallExpr&>(expr));
    case ExprKind::filter:
      return evaluate_filter(static_cast<const FilterExpr&>(expr), nullptr);
    case ExprKind::test:
    case ExprKind::logic_not:
    case ExprKind::compare: {
      GS_TRY(const bool result, truth(expr));
      return Value(result);
    }
    case ExprKind::negate:
    case ExprKind::positive:
      return evaluate_sign(static_cast<const UnaryExpr&>(expr));
    case ExprKind::binary:
      return evaluate_binary(static_cast<const BinaryExpr&>(expr));
    case ExprKind::logic_and:
    case ExprKind::logic_or:
      return evaluate_logic(static_cast<const BinaryExpr&>(expr));
    case ExprKind::concat:
      return evaluate_concat(static_cast<const ListExpr&>(expr));
    case ExprKind::conditional:
      return evaluate_conditional(static_cast<const ConditionalExpr&>(expr));
    case ExprKind::list:
    case ExprKind::tuple:
      return evaluate_list(static_cast<const ListExpr&>(expr));
    case ExprKind::map:
      return evaluate_map(static_cast<const MapExpr&>(expr));
  }
  return Error(ErrorCode::bug, "unknown expression node");
}

Result<Value> Render::evaluate_attribute(const AttributeExpr& expr) {
  GS_TRY(const Value object, evaluate(*expr.object));
  const Value* member =
      object.is_map() && expr.map_method == nullptr ? object.find(*expr.name) : nullptr;
  if (member != nullptr) return part_of(object, *member);
  auto value = attribute(object, *expr.name);
  if (!value) return locate(std::move(value).error(), expr);
  return value;
}

Result<Value> Render::evaluate_item(const ItemExpr& expr) {
  Value object_room;
  const Value* object = operand(*expr.object, object_room);
  if (object == nullptr) return take_failure();
  if (object != &object_room && expr.key->kind != ExprKind::constant) {
    object_room = *object;  // the key may change what lies there
    object = &object_room;
  }
  Value key_room;
  const Value* key = operand(*expr.key, key_room);
  if (key == nullptr) return take_failure();
  if (key->is_undefined() && !object->is_undefined())
    return locate(undefined_error(*key), *expr.key);
  auto value = item(*object, *key);
  if (!value) return locate(std::move(value).error(), expr);
  return value;
}

Result<Value> Render::evaluate_sign(const UnaryExpr& expr) {
  GS_TRY(Value operand, evaluate(*expr.operand));
  auto result = negate(operand);
  if (!result) return locate(std::move(result).error(), expr);
  if (expr.kind == ExprKind::positive) return operand;
  return result;
}

Result<Value> Render::evaluate_binary(const BinaryExpr& expr) {
  Value left_room;
  Value right_room;
  const Value* left_seen = peek(*expr.left, left_room);
  const Value* right_seen = left_seen != nullptr ? peek(*expr.right, right_room) : nullptr;
  if (right_seen != nullptr)
    return settle(binary(expr.op, *left_seen, *right_seen, context_.limits.output), expr);
  GS_TRY(const Value left, evaluate(*expr.left));
  if (left.is_undefined()) return locate(undefined_error(left), *expr.left);
  GS_TRY(const Value right, evaluate(*expr.right));
  if (right.is_undefined()) return locate(undefined_error(right), *expr.right);
  return settle(binary(expr.op, left, right, context_.limits.output), expr);
}

Result<Value> Render::evaluate_logic(const BinaryExpr& expr) {
  GS_TRY(Value left, evaluate(*expr.left));
  GS_TRY(const bool holds, truth_of(left, *expr.left));
  if (holds == (expr.kind == ExprKind::logic_or)) return left;
  return evaluate(*expr.right);
}

Result<Value> Render::evaluate_concat(const ListExpr& expr) {
  std::string out;
  Mark marks = Mark::none;
  for (const Expr* part : expr.items) {
    GS_TRY(const Value value, evaluate(*part));
    if (value.is_undefined() && !is_lenient(value)) return locate(undefined_error(value), *part);
    auto text = text_of(value);
    if (!text) return locate(std::move(text).error(), *part);
    out += *text;
    marks = marks | deep_marks(value);
    GS_TRY_VOID(check_size(out.size()));
  }
  return Value(std::move(out)).marked(marks);
}

Result<Value> Render::evaluate_conditional(const ConditionalExpr& expr) {
  GS_TRY(const bool holds, truth(*expr.condition));
  if (holds) return evaluate(*expr.then);
  if (expr.otherwise != nullptr) return evaluate(*expr.otherwise);
  return missing_else();
}

Result<Value> Render::evaluate_list(const ListExpr& expr) {
  List items;
  items.reserve(expr.items.size());
  for (const Expr* item_expr : expr.items) {
    GS_TRY(Value value, evaluate(*item_expr));
    items.push_back(std::move(value));
  }
  Value result(std::move(items));
  if (expr.kind == ExprKind::tuple) result = result.as_tuple();
  result.set_owner(owner_);
  return result;
}

Result<Value> Render::evaluate_map(const MapExpr& expr) {
  Map entries;
  entries.reserve(expr.items.size());
  for (const auto& [key_expr, value_expr] : expr.items) {
    GS_TRY(Value key, evaluate(*key_expr));
    if (key.is_undefined()) return locate(undefined_error(key), *key_expr);
    if ((key.is_list() && !key.is_tuple()) || key.is_map()) {
      return locate(Error(ErrorCode::template_type,
                          "a " + std::string(type_name(key)) + " cannot be a dict key"),
                    *key_expr);
    }
    GS_TRY(Value value, evaluate(*value_expr));
    entries.set(std::move(key), std::move(value));
  }
  Value result(std::move(entries));
  result.set_owner(owner_);
  return result;
}

Result<bool> Render::truth_of(const Value& value, const Expr& expr) {
  if (value.is_undefined() && !is_lenient(value)) return locate(undefined_error(value), expr);
  return value.truthy();
}

Result<bool> Render::truth(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::logic_not: {
      GS_TRY_VOID(step());
      GS_TRY(const bool holds, truth(*static_cast<const UnaryExpr&>(expr).operand));
      return !holds;
    }
    case ExprKind::test:
      GS_TRY_VOID(step());
      return evaluate_test(static_cast<const TestExpr&>(expr));
    case ExprKind::compare:
      GS_TRY_VOID(step());
      return evaluate_compare(static_cast<const CompareExpr&>(expr));
    case ExprKind::logic_and:
    case ExprKind::logic_or: {
      GS_TRY_VOID(step());
      const auto& node = static_cast<const BinaryExpr&>(expr);
      GS_TRY(const bool left, truth(*node.left));
      if (left == (expr.kind == ExprKind::logic_or)) return left;
      return truth(*node.right);
    }
    default: {
      Value room;
      const Value* value = operand(expr, room);
      if (value == nullptr) return take_failure();
      return truth_of(*value, expr);
    }
  }
}

Result<bool> Render::evaluate_compare(const CompareExpr& expr) {
  if (expr.steps.size() == 1) {
    Value left_room;
    Value right_room;
    const CompareStep& only = expr.steps.front();
    const Value* left_value = peek(*expr.left, left_room);
    const Value* right_value = left_value != nullptr ? peek(*only.right, right_room) : nullptr;
    if (right_value != nullptr) {
      auto holds = compare(only.op, *left_value, *right_value);
      if (!holds) return locate(std::move(holds).error(), expr);
      return holds;
    }
  }
  GS_TRY(Value left, evaluate(*expr.left));
  const Expr* left_expr = expr.left;
  for (const CompareStep& step_expr : expr.steps) {
    GS_TRY(Value right, evaluate(*step_expr.right));
    if (left.is_undefined() && !is_lenient(left)) return locate(undefined_error(left), *left_expr);
    if (right.is_undefined() && !is_lenient(right))
      return locate(undefined_error(right), *step_expr.right);
    auto holds = compare(step_expr.op, left, right);
    if (!holds) return locate(std::move(holds).error(), expr);
    if (!*holds) return false;
    left = std::move(right);
    left_expr = step_expr.right;
  }
  return true;
}

Result<Value> Render::evaluate_slice(const SliceExpr& expr) {
  const auto part = [&](const Expr* bound) -> Result<Value> {
    return bound == nullptr ? Result<Value>(Value()) : evaluate(*bound);
  };
  GS_TRY(const Value object, evaluate(*expr.object));
  if (object.is_undefined()) return object;
  GS_TRY(const Value start, part(expr.start));
  GS_TRY(const Value stop, part(expr.stop));
  GS_TRY(const Value stride, part(expr.step));
  Value sequence = object;
  if (object.is_object()) {
    auto list = items(object);
    if (!list) return locate(std::move(list).error(), expr);
    sequence = Value(std::move(*list));
  }
  if (!sequence.is_list() && !sequence.is_string()) {
    return Value::undefined("'" + std::string(type_name(object)) + " object' cannot be sliced");
  }
  const std::size_t size = sequence.is_list() ? sequence.size() : code_points(sequence.as_string());
  auto bounds = slice_bounds(static_cast<std::int64_t>(size), start, stop, stride);
  if (!bounds) return locate(std::move(bounds).error(), expr);
  if (sequence.is_string()) {
    return Value(pick_code_points(sequence.as_string(), bounds->start, bounds->step, bounds->count))
        .marked(object.marks());
  }
  List out;
  out.reserve(static_cast<std::size_t>(bounds->count));
  for (std::int64_t i = 0; i < bounds->count; ++i) {
    out.push_back(sequence.as_list()[static_cast<std::size_t>(bounds->start + i * bounds->step)]);
  }
  Value result(std::move(out));
  if (sequence.is_tuple()) result = result.as_tuple();
  result.set_owner(owner_);
  return result.marked(object.marks());
}

}  // namespace gpustack::jinja
