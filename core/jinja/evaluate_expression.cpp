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

const Value& Render::remember(const NameExpr& name, Value value) {
  if (owner_ != 0) value = adopt(std::move(value));
  const bool is_numbered = places_ == Places::all && name.place.hops == NamePlace::kOuter;
  Slot& slot = is_numbered ? memo_[name.place.slot] : more_memo_.emplace_front();
  slot.bind(name.name, std::move(value));
  return slot.own;
}

const Value* Render::known(NameId name) const {
  for (Frame* frame = frame_.get(); frame != nullptr; frame = frame->parent.get()) {
    if (const Slot* found = frame->find(name)) return &found->value();
    if (frame->isolated) return nullptr;
  }
  for (const Slot& slot : memo_) {
    if (slot.name == name) return &slot.own;
  }
  for (const Slot& slot : more_memo_) {
    if (slot.name == name) return &slot.own;
  }
  return nullptr;
}

bool Render::is_isolated() const {
  const Frame* frame = frame_.get();
  while (frame != nullptr && !frame->isolated) frame = frame->parent.get();
  return frame != nullptr;
}

const Value* Render::find(const NameExpr& expr) {
  if (const Slot* slot = place_of(expr)) return &slot->value();
  if (const Value* found = known(expr.name)) return found;
  if (places_ != Places::all && is_isolated()) return find_global(expr.name);
  return ask(expr);
}

const Value* Render::ask(const NameExpr& expr) {
  if (failed_lookup_ && failed_lookup_->name == expr.name) return nullptr;
  auto value = outer_value(expr);
  if (value) return &remember(expr, std::move(*value));
  failed_lookup_.emplace(FailedLookup{expr.name, std::move(value).error()});
  return nullptr;
}

Result<Value> Render::outer_value(const NameExpr& expr) {
  const std::string& text = *expr.text;
  if (context_.scope != nullptr) {
    auto found = context_.scope->lookup(text);
    if (!found) {
      // A variable made of one that is missing counts as missing itself, until it is used.
      if (found.error().code() != ErrorCode::undefined_variable) return std::move(found).error();
      return Value::undefined(found.error().one_line(), text);
    }
    if (*found) return std::move(**found);
  }
  if (const Value* global = find_global(expr.name)) return *global;
  return Value::undefined("'" + text + "' is undefined", text);
}

Result<Value> Render::resolve(const NameExpr& expr) {
  if (const Value* found = find(expr)) return *found;
  if (failed_lookup_ && failed_lookup_->name == expr.name) {
    Error error = std::move(failed_lookup_->error);
    failed_lookup_.reset();
    return error;
  }
  return Value::undefined("'" + *expr.text + "' is undefined", *expr.text);
}

const Value* Render::peek(const Expr& expr, Value& room) {
  const Value* found = nullptr;
  switch (expr.kind) {
    case ExprKind::constant:
      return static_cast<const ConstantExpr&>(expr).value;
    case ExprKind::name: {
      const auto& name = static_cast<const NameExpr&>(expr);
      const Slot* slot = place_of(name);
      found = slot != nullptr ? &slot->value() : find(name);
      break;
    }
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
  Object& object = holder->as_object();
  if (expr.loop_field == LoopField::none || typeid(object) != typeid(LoopObject))
    return object.peek(*expr.name, room);
  room = static_cast<const LoopObject&>(object).field(expr.loop_field);
  return &room;
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
  static const Value kMissing = Value::undefined("missing");
  const FilterRow& row = *expr.row;
  const Arguments& arguments = expr.arguments;
  const bool is_plain = row.pick != nullptr && arguments.is_bound && expr.input != nullptr &&
                        (arguments.numbers.empty() || !arguments.constants.empty());
  if (!is_plain) return nullptr;
  const Value* input = peek(*expr.input, room);
  if (input == nullptr && row.ignores_reason && is_missing(*expr.input)) input = &kMissing;
  if (input == nullptr || input == &room || input->marks() != Mark::none) return nullptr;
  return row.pick(*input, arguments.constants, room);
}

const Value* Render::operand(const Expr& expr, Value& room) {
  if (const Value* found = peek(expr, room)) return found;
  return kept_in(room, evaluate(expr));
}

const Value* Render::kept_in(Value& room, Result<Value> value) {
  if (!value) {
    failure_ = std::move(value).error();
    return nullptr;
  }
  room = std::move(*value);
  return &room;
}

Result<Value> Render::variable(std::string_view name) {
  if (context_.scope != nullptr) {
    GS_TRY(auto found, context_.scope->lookup(name));
    if (found) return std::move(*found);
  }
  return Value::undefined("'" + std::string(name) + "' is undefined", std::string(name));
}

Result<Value> Render::evaluate_name(const NameExpr& expr) {
  auto value = resolve(expr);
  if (!value) return locate(std::move(value).error(), expr);
  return value;
}

Result<Value> Render::evaluate(const Expr& expr) {
  Value room;
  const Value* found = peek(expr, room);
  if (found == &room) return room;
  if (found != nullptr) return *found;
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

namespace {

/// The method that the parser found for the value's type.
const MethodRow* method_of(const Value& object, const AttributeExpr& method) {
  if (object.is_string()) return method.string_method;
  if (object.is_list()) return method.list_method;
  return object.is_map() ? method.map_method : nullptr;
}

}  // namespace

Result<Value> Render::evaluate_method_call(const CallExpr& expr) {
  const auto& method = static_cast<const AttributeExpr&>(*expr.callee);
  GS_TRY(const Value object, evaluate(*method.object));
  if (object.is_undefined()) return locate(undefined_error(object), *method.object);
  // What is known to be a method is called as one: no object for the bound method is needed.
  if (const MethodRow* row = method_of(object, method)) {
    GS_TRY(const CallArguments arguments, evaluate_arguments(expr.arguments));
    return settle(call_method(*this, object, *row, arguments), expr);
  }
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

bool Render::is_missing(const Expr& expr) {
  if (expr.kind == ExprKind::name) {
    const Value* found = find(static_cast<const NameExpr&>(expr));
    return found != nullptr && found->is_undefined();
  }
  if (expr.kind != ExprKind::attribute) return false;
  const auto& member = static_cast<const AttributeExpr&>(expr);
  Value room;
  const Value* holder = peek_holder(*member.object, room);
  return holder != nullptr && holder->is_map() && member.map_method == nullptr &&
         member_of(holder->as_map(), member) == nullptr;
}

const Value* Render::open_input(const Expr& expr, bool ignores_reason, Value& room) {
  static const Value kMissing = Value::undefined("missing");
  if (const Value* found = peek(expr, room)) return found;
  if (ignores_reason && is_missing(expr)) {
    ++steps_;
    return &kMissing;
  }
  return kept_in(room, evaluate_closed(expr));
}

const Value* Render::filter_input(const FilterExpr& expr, const Value* block_text, Value& room) {
  const FilterRow& row = *expr.row;
  if (expr.input == nullptr) {
    GS_ASSERT(block_text != nullptr, "only a block's filter has no input of its own");
    return block_text;
  }
  if (block_text != nullptr) {
    auto value = evaluate_filter(static_cast<const FilterExpr&>(*expr.input), block_text);
    return kept_in(room, std::move(value));
  }
  const Value* input = row.accepts_undefined ? open_input(*expr.input, row.ignores_reason, room)
                                             : operand(*expr.input, room);
  if (input == nullptr || input == &room || expr.arguments.is_quiet) return input;
  room = *input;  // an argument may change what lies there
  return &room;
}

/// The input as the filter takes it: what is undefined is an error, or no text after an inline if.
const Value* Render::checked_input(const FilterExpr& expr, const Value* block_text, Value& room) {
  const Value* input = filter_input(expr, block_text, room);
  if (input == nullptr || !input->is_undefined() || expr.row->accepts_undefined) return input;
  if (is_lenient(*input)) {
    room = Value("");
    return &room;
  }
  failure_ = locate(undefined_error(*input), expr.input != nullptr ? *expr.input : expr);
  return nullptr;
}

Result<Mark> Render::bind_known(const Arguments& arguments, Invocation& call) {
  if (arguments.numbers.empty() || !arguments.constants.empty()) {
    call.given = arguments.constants;
    return Mark::none;
  }
  Mark marks = Mark::none;
  call.places.assign(arguments.parameters, nullptr);
  call.given = call.places;
  call.held.reserve(arguments.numbers.size());  // what was evaluated stays where it is
  for (std::size_t i = 0; i < arguments.numbers.size(); ++i) {
    const Expr& expr = *arguments.argument(i);
    const Value*& place = call.places[arguments.numbers[i]];
    if (expr.kind == ExprKind::constant) {
      place = static_cast<const ConstantExpr&>(expr).value;
      continue;
    }
    GS_TRY(Value value, evaluate(expr));
    call.held.push_back(std::move(value));
    place = &call.held.back();
    marks = marks | deep_marks(*place);
  }
  return marks;
}

Result<Mark> Render::bind_filter(const FilterExpr& expr, Invocation& call) {
  GS_TRY(const Mark marks, bind_known(expr.arguments, call));
  if (!expr.row->accepts_undefined && expr.arguments.constants.empty()) {
    for (std::size_t i = 0; i < expr.arguments.positional.size(); ++i) {
      const Value& value = *call.given[expr.arguments.numbers[i]];
      if (value.is_undefined())
        return locate(undefined_error(value), *expr.arguments.positional[i]);
    }
  }
  GS_TRY_VOID(step());
  return marks;
}

Result<Value> Render::evaluate_filter(const FilterExpr& expr, const Value* block_text) {
  Value room;
  const Value* input = checked_input(expr, block_text, room);
  if (input == nullptr) return take_failure();
  if (!expr.arguments.is_bound) return apply_loose_filter(expr, *input);
  Invocation call(*this, expr.row->name, *input);
  GS_TRY(const Mark given, bind_filter(expr, call));
  return settle(run_filter(*expr.row, call, given), expr);
}

/// With arguments whose parameters are known when it is called only, or which are wrong.
Result<Value> Render::apply_loose_filter(const FilterExpr& expr, const Value& input) {
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    if (expr.row->accepts_undefined || !arguments.positional[i].is_undefined()) continue;
    const Expr& where = i < expr.arguments.positional.size() ? *expr.arguments.positional[i] : expr;
    return locate(undefined_error(arguments.positional[i]), where);
  }
  return settle(apply_filter(*expr.row, input, std::move(arguments.positional), arguments.named),
                expr);
}

std::optional<Flow> Render::write_filter(const FilterExpr& expr, Output& out) {
  const FilterRow& row = *expr.row;
  if (row.write == nullptr || !expr.arguments.is_bound) return std::nullopt;
  Value room;
  const Value* input = checked_input(expr, nullptr, room);
  if (input == nullptr) return Flow::failed;
  Invocation call(*this, row.name, *input);
  Mark marks = input->kind() < Kind::list ? input->marks() : deep_marks(*input);
  if (expr.arguments.numbers.empty() || !expr.arguments.constants.empty()) {
    call.given = expr.arguments.constants;
    if (auto counted = step(); !counted) return fail(std::move(counted).error());
  } else {
    const auto given = bind_filter(expr, call);
    if (!given) return fail(given.error());
    marks = marks | *given;
  }
  TextBuffer& text = out.text(marks);
  const std::size_t before = text.size();
  auto done = row.write(call, text);
  if (done) done = check_size(text.size() - before);
  if (!done) return fail(locate(std::move(done).error(), expr));
  return Flow::next;
}

Result<bool> Render::evaluate_test(const TestExpr& expr) {
  const TestRow& row = *expr.row;
  Value room;
  const Value* input = row.accepts_undefined ? open_input(*expr.input, row.ignores_reason, room)
                                             : operand(*expr.input, room);
  if (input == nullptr) return take_failure();
  if (input->is_undefined() && !row.accepts_undefined)
    return locate(undefined_error(*input), *expr.input);
  if (row.plain != nullptr && expr.arguments.is_bound) {
    GS_TRY_VOID(step());
    return row.plain(*input);
  }
  if (input != &room && !expr.arguments.is_quiet) {
    room = *input;  // an argument may change what lies there
    input = &room;
  }
  auto result =
      expr.arguments.is_bound ? apply_bound_test(expr, *input) : apply_loose_test(expr, *input);
  if (!result) return locate(std::move(result).error(), expr);
  return result;
}

Result<bool> Render::apply_bound_test(const TestExpr& expr, const Value& input) {
  Invocation call(*this, expr.row->name, input);
  GS_TRY(const Mark ignored, bind_known(expr.arguments, call));
  static_cast<void>(ignored);
  GS_TRY_VOID(step());
  return run_test(*expr.row, call);
}

Result<bool> Render::apply_loose_test(const TestExpr& expr, const Value& input) {
  GS_TRY(CallArguments arguments, evaluate_arguments(expr.arguments));
  return apply_test(*expr.row, input, std::move(arguments.positional), arguments.named);
}

}  // namespace gpustack::jinja
