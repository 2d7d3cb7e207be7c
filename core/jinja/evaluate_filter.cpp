// Filters and tests: their input, their arguments, and text that is written where it goes.
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <optional>

namespace gpustack::jinja {

const Value* Render::open_input(const Expr& expr, bool ignores_reason, Value& room) {
  if (const Value* found = ignores_reason ? peek_or_missing(expr, room) : peek(expr, room))
    return found;
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
  if (expr.arguments.words != nullptr) return apply_worded_filter(expr, *input);
  if (!expr.arguments.is_bound) return apply_loose_filter(expr, *input);
  Invocation call(*this, expr.row->name, *input);
  GS_TRY(const Mark given, bind_filter(expr, call));
  return settle(run_filter(*expr.row, call, given), expr);
}

/// With literals for a filter that takes any arguments.
Result<Value> Render::apply_worded_filter(const FilterExpr& expr, const Value& input) {
  GS_TRY_VOID(step());
  Invocation call(*this, expr.row->name, input);
  call.rest = expr.arguments.words->as_list();
  return settle(run_filter(*expr.row, call, Mark::none), expr);
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

[[gnu::flatten]] Flow Render::write_filter(const FilterExpr& expr,
                                           const OutputStmt& stmt,
                                           Output& out) {
  const FilterRow& row = *expr.row;
  const Arguments& arguments = expr.arguments;
  Value room;
  const Value* input = arguments.is_quiet ? glance(*expr.input, room) : nullptr;
  if (input == nullptr) input = checked_input(expr, nullptr, room);
  if (input == nullptr) return Flow::failed;
  Invocation call(*this, row.name, *input);
  Mark marks = input->kind() < Kind::list ? input->marks() : deep_marks(*input);
  if (arguments.numbers.empty() || !arguments.constants.empty()) {
    call.given = arguments.constants;
    if (++steps_ > context_.limits.steps) [[unlikely]]
      return fail(too_many_steps());
  } else {
    const auto given = bind_filter(expr, call);
    if (!given) return fail(given.error());
    marks = marks | *given;
  }
  TextBuffer& text = out.text(marks);
  const std::size_t before = text.size();
  auto done = row.write(call, text);
  if (done && !is_size_allowed(text.size() - before)) done = check_size(text.size() - before);
  if (!done) return fail(locate(std::move(done).error(), expr));
  return out.is_too_large() ? fail(locate(out.too_large(), stmt)) : Flow::next;
}

[[gnu::flatten]] Result<bool> Render::evaluate_test(const TestExpr& expr) {
  const TestRow& row = *expr.row;
  Value room;
  const bool is_plain = row.plain != nullptr && expr.arguments.is_bound;
  const Value* seen = is_plain ? glance(*expr.input, room) : nullptr;
  if (seen != nullptr && ++steps_ <= context_.limits.steps) return row.plain(*seen);
  const Value* input = row.accepts_undefined ? open_input(*expr.input, row.ignores_reason, room)
                                             : operand(*expr.input, room);
  if (input == nullptr) return take_failure();
  if (input->is_undefined() && !row.accepts_undefined)
    return locate(undefined_error(*input), *expr.input);
  if (is_plain) {
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
