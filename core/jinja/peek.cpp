// Values that need no evaluation: read where they lie, or made in a room of the caller's.
#include "core/jinja/objects.hpp"
#include "core/jinja/render.hpp"

#include <optional>

namespace gpustack::jinja {

[[gnu::flatten]] const Value* Render::glance_member(const AttributeExpr& member,
                                                    const Value& holder,
                                                    Value& room) {
  if (holder.marks() != Mark::none) return nullptr;
  if (holder.is_map()) {
    return member.map_method == nullptr ? member.place.guess(holder.as_map(), *member.name)
                                        : nullptr;
  }
  // Where a render may change values in place, what an object gives is made its own first.
  if (!holder.is_object() || owner_ != 0) return nullptr;
  if (const auto* space = exactly<NamespaceObject>(holder))
    return member.place.guess(space->members(), *member.name);
  const auto* loop = member.loop_field != LoopField::none ? exactly<LoopObject>(holder) : nullptr;
  if (loop == nullptr) return nullptr;
  room = loop->field(member.loop_field);
  return &room;
}

[[gnu::flatten]] const Value* Render::peek(const Expr& expr, Value& room) {
  const Value* found = glance(expr, room);
  if (found != nullptr) return found;
  switch (expr.kind) {
    case ExprKind::constant:
      return static_cast<const ConstantExpr&>(expr).value;
    case ExprKind::name:
      found = find(static_cast<const NameExpr&>(expr));
      break;
    case ExprKind::attribute:
      found = peek_attribute(static_cast<const AttributeExpr&>(expr), room);
      break;
    case ExprKind::item:
      found = peek_item(static_cast<const ItemExpr&>(expr), room);
      break;
    case ExprKind::binary:
      found = peek_binary(static_cast<const BinaryExpr&>(expr), room);
      break;
    case ExprKind::filter:
      found = peek_filter(static_cast<const FilterExpr&>(expr), room);
      break;
    default:
      return nullptr;
  }
  if (found == nullptr || found->is_object() || found->is_undefined()) return nullptr;
  ++steps_;
  return found;
}

namespace {

const Value* member_of(const Map& map, const AttributeExpr& expr) {
  return find_near(map, *expr.name, expr.place, [&] { return map.find(*expr.name, expr.hash); });
}

}  // namespace

/// What an attribute or item is taken of: may be an object.
const Value* Render::peek_holder(const Expr& expr, Value& room) {
  const Value* holder = nullptr;
  if (expr.kind == ExprKind::name) {
    const auto& name = static_cast<const NameExpr&>(expr);
    const Slot* slot = place_of(name);
    holder = slot != nullptr ? &slot->value() : find(name);
  } else {
    holder = peek(expr, room);
  }
  return holder != nullptr && holder->marks() == Mark::none ? holder : nullptr;
}

const Value* Render::peek_attribute(const AttributeExpr& expr, Value& room) {
  const Value* holder = peek_holder(*expr.object, room);
  if (holder == nullptr) return nullptr;
  if (holder->is_map())
    return expr.map_method != nullptr ? nullptr : member_of(holder->as_map(), expr);
  // Where a render may change values in place, what an object gives is made its own first.
  if (!holder->is_object() || owner_ != 0) return nullptr;
  if (const auto* space = exactly<NamespaceObject>(*holder))
    return member_of(space->members(), expr);
  return holder->as_object().peek(*expr.name, room);
}

const Value* Render::peek_item(const ItemExpr& expr, Value& room) {
  const Value* holder = peek_holder(*expr.object, room);
  if (holder == nullptr || (!holder->is_map() && !holder->is_list())) return nullptr;
  Value key_room;
  const Value* key = peek(*expr.key, key_room);
  if (key == nullptr) return nullptr;
  if (holder->is_map()) return holder->as_map().find(*key);
  const List& list = holder->as_list();
  if (!key->is_integer() || key->as_integer() < 0) return nullptr;
  const auto place = static_cast<std::size_t>(key->as_integer());
  return place < list.size() ? &list[place] : nullptr;
}

namespace {

/// Whole numbers whose result is one. @return nothing when that is not sure
std::optional<std::int64_t> whole_result(BinaryOp op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOp::add:
      if (__builtin_add_overflow(left, right, &result)) return std::nullopt;
      return result;
    case BinaryOp::sub:
      if (__builtin_sub_overflow(left, right, &result)) return std::nullopt;
      return result;
    case BinaryOp::mul:
      if (__builtin_mul_overflow(left, right, &result)) return std::nullopt;
      return result;
    case BinaryOp::floor_div:
      if (left < 0 || right <= 0) return std::nullopt;
      return left / right;
    case BinaryOp::mod:
      if (left < 0 || right <= 0) return std::nullopt;
      return left % right;
    default:
      return std::nullopt;
  }
}

bool is_plain_integer(const Value* value) {
  return value != nullptr && value->is_integer() && value->marks() == Mark::none;
}

}  // namespace

const Value* Render::peek_binary(const BinaryExpr& expr, Value& room) {
  Value right_room;
  const Value* left = peek(*expr.left, room);
  if (!is_plain_integer(left)) return nullptr;
  const Value* right = peek(*expr.right, right_room);
  if (!is_plain_integer(right)) return nullptr;
  const auto result = whole_result(expr.op, left->as_integer(), right->as_integer());
  if (!result) return nullptr;
  room = Value(*result);
  return &room;
}

const Value* Render::peek_filter(const FilterExpr& expr, Value& room) {
  const FilterRow& row = *expr.row;
  const Arguments& arguments = expr.arguments;
  const bool is_plain = row.pick != nullptr && arguments.is_bound && expr.input != nullptr &&
                        (arguments.numbers.empty() || !arguments.constants.empty());
  if (!is_plain) return nullptr;
  const Value* input =
      row.ignores_reason ? peek_or_missing(*expr.input, room) : peek(*expr.input, room);
  if (input == nullptr || input == &room || input->marks() != Mark::none) return nullptr;
  return row.pick(*input, arguments.constants, room);
}

/// A value, or an undefined one for a name or a member of a dict that is not there.
const Value* Render::peek_or_missing(const Expr& expr, Value& room) {
  static const Value kMissing = Value::undefined("missing");
  if (const Value* found = glance(expr, room)) return found;
  if (expr.kind == ExprKind::attribute) {
    const auto& member = static_cast<const AttributeExpr&>(expr);
    const Value* holder = peek_holder(*member.object, room);
    if (holder == nullptr || !holder->is_map() || member.map_method != nullptr)
      return peek(expr, room);
    const Value* found = member_of(holder->as_map(), member);
    if (found != nullptr && (found->is_object() || found->is_undefined())) return nullptr;
    ++steps_;
    return found != nullptr ? found : &kMissing;
  }
  if (expr.kind != ExprKind::name) return peek(expr, room);
  const Value* found = find(static_cast<const NameExpr&>(expr));
  if (found == nullptr || found->is_object()) return nullptr;
  ++steps_;
  return found->is_undefined() ? &kMissing : found;
}

const Value* Render::operand(const Expr& expr, Value& room) {
  if (const Value* found = peek(expr, room)) return found;
  return kept_in(room, evaluate_unseen(expr));
}

const Value* Render::kept_in(Value& room, Result<Value> value) {
  if (!value) {
    failure_ = std::move(value).error();
    return nullptr;
  }
  room = std::move(*value);
  return &room;
}

}  // namespace gpustack::jinja
