#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/scope_guard.hpp"

#include <optional>
#include <utility>

namespace gpustack::jinja {

Error Render::locate(Error error, const Stmt& stmt) const {
  if (error.span().known()) return error;
  return std::move(error).at_if_unknown(template_->span(stmt.offset, 1));
}

Flow Render::fail(Error error) {
  failure_ = std::move(error);
  return Flow::failed;
}

/// Where a statement that cannot leave a loop goes on.
Flow Render::next_after(Result<void> done) {
  return done ? Flow::next : fail(std::move(done).error());
}

Error Render::take_failure() {
  GS_ASSERT(failure_.has_value(), "a body failed");
  Error error = std::move(*failure_);
  failure_.reset();
  return error;
}

// What is written most: nothing on the way is worth a call.
[[gnu::flatten]] bool Render::write_count(const AttributeExpr& member,
                                          const Value& holder,
                                          Output& out) {
  const auto* loop = member.loop_field != LoopField::none ? exactly<LoopObject>(holder) : nullptr;
  if (loop == nullptr) return false;
  const auto number = loop->count(member.loop_field);
  if (!number) return false;
  ++steps_;
  return out.write(*number);
}

[[gnu::flatten]] bool Render::write_seen(const OutputStmt& stmt, Output& out) {
  const Value* found = nullptr;
  if (stmt.form == OutputForm::name) {
    const auto& name = static_cast<const NameExpr&>(*stmt.value);
    const Slot* slot = place_of(name);
    found = slot != nullptr ? &slot->value() : find(name);
  } else {
    const auto& member = static_cast<const AttributeExpr&>(*stmt.value);
    const Slot* slot = place_of(*member.holder);
    const Value* holder = slot != nullptr ? &slot->value() : find(*member.holder);
    if (holder == nullptr || holder->marks() != Mark::none) return false;
    if (!holder->is_map()) return write_count(member, *holder, out);
    found = member.place.guess(holder->as_map(), *member.name);
  }
  if (found == nullptr || found->kind() >= Kind::list) return false;
  ++steps_;
  return out.write(*found);
}

Flow Render::run_body(const Body& body, Output& out) {
  bool writes = out.is_text() && !discard_;  // what comes next is added to a text
  // Text and output are most of what templates hold.
  for (const Stmt* stmt : body) {
    Flow flow = Flow::next;
    if (writes && stmt->kind == StmtKind::text) {
      ++steps_;
      if (out.write(static_cast<const TextStmt*>(stmt)->pieces)) [[likely]]
        continue;
    }
    if (stmt->kind == StmtKind::output) {
      if (++steps_ > context_.limits.steps) [[unlikely]]
        return fail(too_many_steps());
      const auto& output = *static_cast<const OutputStmt*>(stmt);
      if (writes && output.form == OutputForm::filter) {
        flow = write_filter(static_cast<const FilterExpr&>(*output.value), output, out);
      } else if (!writes || output.form == OutputForm::any || !write_seen(output, out)) {
        flow = run_output(output, out);
      } else {
        continue;
      }
    } else {
      flow = run_statement(*stmt, out);
      writes = out.is_text() && !discard_;
    }
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Flow Render::run_statement(const Stmt& stmt, Output& out) {
  if (++steps_ > context_.limits.steps) [[unlikely]]
    return fail(too_many_steps());
  switch (stmt.kind) {
    case StmtKind::text:
      return write_text(*static_cast<const TextStmt&>(stmt).text, stmt, out);
    case StmtKind::output:
      return run_output(static_cast<const OutputStmt&>(stmt), out);
    case StmtKind::loop:
      return run_for(static_cast<const LoopStmt&>(stmt), out);
    case StmtKind::branch:
      return run_branch(static_cast<const BranchStmt&>(stmt), out);
    case StmtKind::set:
      return next_after(run_set(static_cast<const SetStmt&>(stmt)));
    case StmtKind::set_block:
    case StmtKind::filter_block:
      return next_after(run_set_block(static_cast<const SetBlockStmt&>(stmt), out));
    case StmtKind::macro:
      run_macro(static_cast<const MacroStmt&>(stmt));
      return Flow::next;
    case StmtKind::call_block:
      return next_after(run_call_block(static_cast<const CallBlockStmt&>(stmt), out));
    case StmtKind::include:
      return next_after(run_include(static_cast<const IncludeStmt&>(stmt), out));
    case StmtKind::import:
    case StmtKind::from_import:
      return next_after(run_import(static_cast<const ImportStmt&>(stmt)));
    case StmtKind::extends:
      return next_after(run_extends(static_cast<const IncludeStmt&>(stmt)));
    case StmtKind::block:
      return next_after(run_block_here(static_cast<const BlockStmt&>(stmt), out));
    case StmtKind::with:
    case StmtKind::scope:
      return run_with(static_cast<const WithStmt&>(stmt), out);
    case StmtKind::evaluate:
      return run_evaluate(static_cast<const OutputStmt&>(stmt));
    case StmtKind::break_loop:
      return Flow::break_loop;
    case StmtKind::continue_loop:
      return Flow::continue_loop;
  }
  return fail(Error(ErrorCode::bug, "unknown statement node"));
}

/// @param text  neither container nor object
Flow Render::write_text(const Value& text, const Stmt& stmt, Output& out) {
  if (discard_) return Flow::next;
  if (!out.is_text()) {
    auto done = out.value(text);
    return done ? Flow::next : fail(locate(std::move(done).error(), stmt));
  }
  if (out.write(text)) return Flow::next;
  return fail(locate(out.too_large(), stmt));
}

Flow Render::run_output(const OutputStmt& stmt, Output& out) {
  if (discard_) return Flow::next;
  const bool is_call = stmt.value->kind == ExprKind::call;  // never read where it lies
  Value room;
  const Value* found = is_call ? nullptr : peek(*stmt.value, room);
  if (found != nullptr && found->kind() < Kind::list) {
    if (out.is_text() && out.write(*found)) return Flow::next;
    return write_text(*found, stmt, out);
  }
  if (found != nullptr) return write_value(*found, stmt, out);
  if (out.is_text()) {
    if (const auto flow = write_directly(stmt, out)) return *flow;
  }
  auto made = evaluate_unseen(*stmt.value);
  if (!made) return fail(std::move(made).error());
  return write_value(std::move(*made), stmt, out);
}

/// Filters and macros that write where their text goes; nothing for anything else.
std::optional<Flow> Render::write_directly(const OutputStmt& stmt, Output& out) {
  if (stmt.form == OutputForm::filter)
    return write_filter(static_cast<const FilterExpr&>(*stmt.value), stmt, out);
  if (stmt.value->kind != ExprKind::call) return std::nullopt;
  return write_macro(static_cast<const CallExpr&>(*stmt.value), out);
}

Flow Render::write_value(Value value, const OutputStmt& stmt, Output& out) {
  if (value.is_object()) {
    // Ansible unrolls iterators.
    if (dynamic_cast<const RangeObject*>(&value.as_object()) != nullptr) {
      auto numbers = items(value);
      if (!numbers) return fail(std::move(numbers).error());
      value = Value(std::move(*numbers));
    }
  } else if (value.kind() >= Kind::list) {
    if (auto defined = require_defined(value); !defined)
      return fail(locate(std::move(defined).error(), *stmt.value));
  }
  if (auto done = out.value(value); !done) return fail(locate(std::move(done).error(), stmt));
  return Flow::next;
}

Flow Render::run_evaluate(const OutputStmt& stmt) {
  auto value = evaluate(*stmt.value);
  return value ? Flow::next : fail(std::move(value).error());
}

Flow Render::run_branch(const BranchStmt& stmt, Output& out) {
  for (const BranchStmt::Arm& arm : stmt.arms) {
    auto holds = truth(*arm.condition);
    if (!holds) return fail(std::move(holds).error());
    if (*holds) return run_body(arm.body, out);
  }
  return run_body(stmt.otherwise, out);
}

Result<void> Render::run_set(const SetStmt& stmt) {
  Value room;
  const Value* value = operand(*stmt.value, room);
  if (value == nullptr) return take_failure();
  if (value != &room) room = *value;
  if (stmt.target.kind == Target::Kind::name) {
    bind(stmt.target.name, stmt.target.slot, std::move(room));
    return {};
  }
  if (stmt.target.kind == Target::Kind::attribute) {
    const Value* holder = find(*stmt.target.object);
    auto* space = holder != nullptr ? exactly<NamespaceObject>(*holder) : nullptr;
    if (space != nullptr) {
      space->set(*stmt.target.attribute, stmt.target.place, std::move(room));
      return {};
    }
  }
  if (auto done = assign(stmt.target, std::move(room)); !done)
    return locate(std::move(done).error(), *stmt.value);
  return {};
}

void Render::run_macro(const MacroStmt& stmt) {
  bind(stmt.name,
       stmt.slot,
       make_macro(*this, MacroCode{stmt, template_->shared_from_this(), frame_, places_}));
}

void Render::bind(NameId name, std::uint32_t slot, Value value) {
  if (places_ == Places::none) {
    frame_->set(name, std::move(value));
  } else {
    frame_->slots[slot].bind(name, std::move(value));
  }
}

Result<void> Render::assign(const Target& target, Value value) {
  if (target.kind == Target::Kind::name) {
    bind(target.name, target.slot, std::move(value));
    return {};
  }
  if (target.kind == Target::Kind::tuple) return assign_parts(target, value);
  if (const Value* holder = find(*target.object); holder != nullptr && holder->is_object()) {
    Object& object = holder->as_object();
    if (auto* space = exactly<NamespaceObject>(object)) {
      space->set(*target.attribute, target.place, std::move(value));
      return {};
    }
    auto done = object.set_attribute(*target.attribute, std::move(value));
    if (!done) return std::move(done).error();
    return {};
  }
  GS_TRY(const Value object, resolve(*target.object));
  if (object.is_undefined()) return undefined_error(object);
  return Error(ErrorCode::template_type,
               "only a namespace takes assignments to its attributes, '" + name_text(target.name) +
                   "' is a " + std::string(type_name(object)));
}

Result<void> Render::assign_parts(const Target& target, const Value& value) {
  const bool is_plain = value.is_list() && value.marks() == Mark::none;
  List made;
  if (!is_plain) {
    GS_TRY(made, items(value));
  }
  const List& parts = is_plain ? value.as_list() : made;
  if (parts.size() != target.items.size()) {
    return Error(ErrorCode::template_type,
                 "cannot unpack " + std::to_string(parts.size()) + " values into " +
                     std::to_string(target.items.size()) + " names");
  }
  for (std::size_t i = 0; i < parts.size(); ++i) GS_TRY_VOID(assign(target.items[i], parts[i]));
  return {};
}

Result<void> Render::run_set_block(const SetBlockStmt& stmt, Output& out) {
  Value text;
  {
    const InnerScope scope(*this, stmt.slots);
    Output inner(context_.limits.output, mode_);
    const bool discard = std::exchange(discard_, false);
    const Flow flow = run_body(stmt.body, inner);
    discard_ = discard;
    if (flow == Flow::failed) return take_failure();
    GS_TRY(text, inner.finish());
  }
  if (stmt.filter != nullptr) {
    const Value block_text = std::move(text);
    GS_TRY(text, evaluate_filter(static_cast<const FilterExpr&>(*stmt.filter), &block_text));
  }
  if (stmt.kind == StmtKind::set_block) return assign(stmt.target, std::move(text));
  if (discard_) return {};
  return out.value(text);
}

Result<void> Render::run_call_block(const CallBlockStmt& stmt, Output& out) {
  const Value caller =
      make_macro(*this, MacroCode{*stmt.macro, template_->shared_from_this(), frame_, places_});
  GS_TRY(const Value callee, evaluate(*stmt.call->callee));
  if (callee.is_undefined()) return locate(undefined_error(callee), *stmt.call->callee);
  GS_TRY(CallArguments arguments, evaluate_arguments(stmt.call->arguments));
  arguments.named.set("caller", caller);
  auto result = call(callee, std::move(arguments));
  if (!result) return locate(std::move(result).error(), *stmt.call);
  if (discard_) return {};
  return out.value(*result);
}

Flow Render::run_with(const WithStmt& stmt, Output& out) {
  List values;
  for (const auto& [target, expr] : stmt.values) {
    auto value = evaluate(*expr);
    if (!value) return fail(std::move(value).error());
    values.push_back(std::move(*value));
  }
  const InnerScope scope(*this, stmt.slots);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (auto done = assign(stmt.values[i].first, std::move(values[i])); !done)
      return fail(std::move(done).error());
  }
  return run_body(stmt.body, out);
}

}  // namespace gpustack::jinja
