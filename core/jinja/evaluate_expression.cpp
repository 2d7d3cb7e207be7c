#include "core/base/sealed.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>

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

void Render::remember(NameId name, Value value) {
  memo_.emplace_back(name, owner_ != 0 ? adopt(std::move(value)) : std::move(value));
}

const Value* Render::known(NameId name) const {
  for (Frame* frame = frame_.get(); frame != nullptr; frame = frame->parent.get()) {
    if (const Value* found = frame->find(name)) return found;
    if (frame->isolated) return nullptr;
  }
  for (const auto& [key, value] : memo_) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Value* Render::peek(const Expr& expr) {
  const Value* found = nullptr;
  switch (expr.kind) {
    case ExprKind::constant:
      return static_cast<const ConstantExpr&>(expr).value;
    case ExprKind::name:
      found = known(static_cast<const NameExpr&>(expr).name);
      break;
    case ExprKind::attribute: {
      const auto& member = static_cast<const AttributeExpr&>(expr);
      const Value* object = member.is_map_method ? nullptr : peek(*member.object);
      const bool is_plain = object != nullptr && object->is_map() && object->marks() == Mark::none;
      if (is_plain) found = object->find(*member.name);
      break;
    }
    default:
      return nullptr;
  }
  if (found == nullptr || found->is_object() || found->is_undefined()) return nullptr;
  ++steps_;
  return found;
}

Result<Value> Render::resolve(NameId name) {
  for (Frame* frame = frame_.get(); frame != nullptr; frame = frame->parent.get()) {
    if (const Value* found = frame->find(name)) return *found;
    if (frame->isolated) {
      if (const Value* global = find_global(name)) return *global;
      return Value::undefined("'" + name_text(name) + "' is undefined", name_text(name));
    }
  }
  for (const auto& [key, value] : memo_) {
    if (key == name) return value;
  }
  if (context_.scope != nullptr) {
    auto looked_up = context_.scope->lookup(name_text(name));
    if (!looked_up) {
      // A variable made of one that is missing counts as missing itself, until it is used.
      if (looked_up.error().code() != ErrorCode::undefined_variable)
        return std::move(looked_up).error();
      return Value::undefined(looked_up.error().one_line(), name_text(name));
    }
    std::optional<Value>& found = *looked_up;
    if (found) {
      remember(name, std::move(*found));
      return memo_.back().second;
    }
  }
  if (const Value* global = find_global(name)) return *global;
  return Value::undefined("'" + name_text(name) + "' is undefined", name_text(name));
}

Result<Value> Render::variable(std::string_view name) {
  if (context_.scope != nullptr) {
    GS_TRY(auto found, context_.scope->lookup(name));
    if (found) return std::move(*found);
  }
  return Value::undefined("'" + std::string(name) + "' is undefined", std::string(name));
}

Result<Value> Render::evaluate_name(const NameExpr& expr) {
  auto value = resolve(expr.name);
  if (!value) return locate(std::move(value).error(), expr);
  return value;
}

Result<Value> Render::evaluate(const Expr& expr) {
  if (const Value* found = peek(expr)) return *found;
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
  const Value* member = object.is_map() && !expr.is_map_method ? object.find(*expr.name) : nullptr;
  if (member != nullptr) return part_of(object, *member);
  auto value = attribute(object, *expr.name);
  if (!value) return locate(std::move(value).error(), expr);
  return value;
}

Result<Value> Render::evaluate_item(const ItemExpr& expr) {
  GS_TRY(const Value object, evaluate(*expr.object));
  GS_TRY(const Value key, evaluate(*expr.key));
  if (key.is_undefined() && !object.is_undefined()) return locate(undefined_error(key), *expr.key);
  auto value = item(object, key);
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
      if (const Value* found = peek(expr)) return found->truthy();
      GS_TRY(const Value value, evaluate(expr));
      return truth_of(value, expr);
    }
  }
}

Result<bool> Render::evaluate_compare(const CompareExpr& expr) {
  GS_TRY(Value left, evaluate(*expr.left));
  const Expr* left_expr = expr.left;
  if (expr.steps.size() == 1) {
    if (const Value* right = peek(*expr.steps.front().right);
        right != nullptr && !left.is_undefined()) {
      auto holds = compare(expr.steps.front().op, left, *right);
      if (!holds) return locate(std::move(holds).error(), expr);
      return holds;
    }
  }
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

Result<CallArguments> Render::evaluate_arguments(const Arguments& arguments) {
  CallArguments out;
  out.positional.reserve(arguments.positional.size());
  for (const Expr* expr : arguments.positional) {
    GS_TRY(Value value, evaluate(*expr));
    out.positional.push_back(std::move(value));
  }
  if (arguments.star != nullptr) {
    GS_TRY(const Value more, evaluate(*arguments.star));
    auto list = items(more);
    if (!list) return locate(std::move(list).error(), *arguments.star);
    out.positional.insert(out.positional.end(), list->begin(), list->end());
  }
  for (const KeywordArgument& argument : arguments.named) {
    GS_TRY(Value value, evaluate(*argument.value));
    out.named.set(*argument.name, std::move(value));
  }
  if (arguments.double_star != nullptr) {
    GS_TRY(const Value more, evaluate(*arguments.double_star));
    if (!more.is_map()) {
      return locate(Error(ErrorCode::template_type,
                          "expected a dict after '**', found " + std::string(type_name(more))),
                    *arguments.double_star);
    }
    for (const auto& [key, value] : more.as_map()) out.named.set(key, value);
  }
  return out;
}

Result<Value> Render::evaluate_call(const CallExpr& expr) {
  if (expr.callee->kind == ExprKind::attribute) return evaluate_method_call(expr);
  GS_TRY(const Value callee, evaluate(*expr.callee));
  if (callee.is_undefined()) return locate(undefined_error(callee), *expr.callee);
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  return settle(call(callee, std::move(arguments)), expr);
}

Result<Value> Render::evaluate_method_call(const CallExpr& expr) {
  const auto& method = static_cast<const AttributeExpr&>(*expr.callee);
  GS_TRY(const Value object, evaluate(*method.object));
  if (object.is_undefined()) return locate(undefined_error(object), *method.object);
  // What is known to be a method is called as one: no object for the bound method is needed.
  if (!object.is_object() && has_method(object, *method.name)) {
    GS_TRY(const CallArguments arguments, evaluate_arguments(expr.arguments));
    return settle(call_method(*this, object, *method.name, arguments), expr);
  }
  if (object.is_object() && object.as_object().is_mapping() && is_mapping_method(*method.name)) {
    GS_TRY(const CallArguments arguments, evaluate_arguments(expr.arguments));
    return settle(call_mapping_method(object.as_object(), *method.name, arguments), expr);
  }
  auto callee = attribute(object, *method.name);
  if (!callee) return locate(std::move(callee).error(), expr);
  if (callee->is_undefined()) return locate(undefined_error(*callee), method);
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  return settle(call(*callee, std::move(arguments)), expr);
}

Result<Value> Render::call(const Value& callee, CallArguments arguments) {
  if (callee.is_undefined()) return undefined_error(callee);
  if (!callee.is_object()) {
    return Error(ErrorCode::template_type,
                 "a " + std::string(type_name(callee)) + " cannot be called");
  }
  if (const auto* lookups = dynamic_cast<const LookupFunctionObject*>(&callee.as_object())) {
    return call_lookup(std::move(arguments), lookups->wants_list());
  }
  return callee.as_object().call(arguments);
}

Result<Value> Render::filter_input(const FilterExpr& expr, const Value* block_text) {
  if (expr.input == nullptr) {
    GS_ASSERT(block_text != nullptr, "only a block's filter has no input of its own");
    return *block_text;
  }
  if (block_text != nullptr)
    return evaluate_filter(static_cast<const FilterExpr&>(*expr.input), block_text);
  return expr.row->accepts_undefined ? evaluate_closed(*expr.input) : evaluate(*expr.input);
}

Result<Value> Render::evaluate_filter(const FilterExpr& expr, const Value* block_text) {
  const bool accepts_undefined = expr.row->accepts_undefined;
  GS_TRY(Value input, filter_input(expr, block_text));
  if (input.is_undefined() && !accepts_undefined) {
    if (!is_lenient(input))
      return locate(undefined_error(input), expr.input != nullptr ? *expr.input : expr);
    input = Value("");
  }
  if (expr.arguments.empty()) {
    static const Map kNone;
    return settle(apply_filter(*expr.row, input, List(), kNone), expr);
  }
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  if (!accepts_undefined) {
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
      if (!arguments.positional[i].is_undefined()) continue;
      const Expr& where =
          i < expr.arguments.positional.size() ? *expr.arguments.positional[i] : expr;
      return locate(undefined_error(arguments.positional[i]), where);
    }
  }
  return settle(apply_filter(*expr.row, input, std::move(arguments.positional), arguments.named),
                expr);
}

Result<bool> Render::evaluate_test(const TestExpr& expr) {
  GS_TRY(const Value input,
         expr.row->accepts_undefined ? evaluate_closed(*expr.input) : evaluate(*expr.input));
  if (input.is_undefined() && !expr.row->accepts_undefined)
    return locate(undefined_error(input), *expr.input);
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  auto result = apply_test(*expr.row, input, std::move(arguments.positional), arguments.named);
  if (!result) return locate(std::move(result).error(), expr);
  return result;
}

}  // namespace gpustack::jinja
