#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <memory>
#include <utility>

namespace gpustack::jinja {

namespace {

const NameId kLoop = intern_name("loop");
const NameId kSelf = intern_name("self");

/// A scope for the time of a block.
class ScopeGuard {
 public:
  ScopeGuard(FramePtr& current, FramePtr inner)
      : current_(current), outer_(std::exchange(current, std::move(inner))) {}
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;
  ~ScopeGuard() { current_ = std::move(outer_); }

 private:
  FramePtr& current_;
  FramePtr outer_;
};

/// Where a statement that cannot leave a loop goes on.
Result<Flow> next_after(Result<void> done) {
  if (!done) return std::move(done).error();
  return Flow::next;
}

}  // namespace

Error Render::locate(Error error, const Stmt& stmt) const {
  if (error.span().known()) return error;
  return std::move(error).at_if_unknown(template_->span(stmt.offset, 1));
}

Result<Flow> Render::run_body(const Body& body, Output& out) {
  for (const Stmt* stmt : body) {
    GS_TRY(const Flow flow, run_statement(*stmt, out));
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Result<Flow> Render::run_statement(const Stmt& stmt, Output& out) {
  GS_TRY_VOID(step());
  switch (stmt.kind) {
    case StmtKind::text:
      if (discard_) return Flow::next;
      return next_after(out.value(*static_cast<const TextStmt&>(stmt).text));
    case StmtKind::output:
      return next_after(run_output(static_cast<const OutputStmt&>(stmt), out));
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
    case StmtKind::evaluate: {
      GS_TRY(const Value ignored, evaluate(*static_cast<const OutputStmt&>(stmt).value));
      return Flow::next;
    }
    case StmtKind::break_loop:
      return Flow::break_loop;
    case StmtKind::continue_loop:
      return Flow::continue_loop;
  }
  return Error(ErrorCode::bug, "unknown statement node");
}

Result<void> Render::run_output(const OutputStmt& stmt, Output& out) {
  if (discard_) return {};
  if (const Value* found = peek(*stmt.value); found != nullptr && found->kind() < Kind::list) {
    auto done = out.value(*found);
    if (!done) return locate(std::move(done).error(), stmt);
    return {};
  }
  GS_TRY(Value value, evaluate(*stmt.value));
  if (value.is_object()) {
    // Ansible unrolls iterators.
    if (dynamic_cast<const RangeObject*>(&value.as_object()) != nullptr) {
      GS_TRY(List items_of_range, items(value));
      value = Value(std::move(items_of_range));
    }
  } else if (value.kind() >= Kind::list) {
    if (auto defined = require_defined(value); !defined)
      return locate(std::move(defined).error(), *stmt.value);
  }
  if (auto done = out.value(value); !done) return locate(std::move(done).error(), stmt);
  return {};
}

Result<Flow> Render::run_branch(const BranchStmt& stmt, Output& out) {
  for (const BranchStmt::Arm& arm : stmt.arms) {
    GS_TRY(const bool holds, truth(*arm.condition));
    if (holds) return run_body(arm.body, out);
  }
  return run_body(stmt.otherwise, out);
}

Result<void> Render::run_set(const SetStmt& stmt) {
  GS_TRY(Value value, evaluate(*stmt.value));
  if (auto done = assign(stmt.target, std::move(value)); !done)
    return locate(std::move(done).error(), *stmt.value);
  return {};
}

void Render::run_macro(const MacroStmt& stmt) {
  const std::shared_ptr<const Template> where = template_->shared_from_this();
  frame_->set(stmt.name, make_macro(*this, stmt, where, frame_));
}

Result<void> Render::run_extends(const IncludeStmt& stmt) {
  if (parent_ != nullptr) {
    return locate(Error(ErrorCode::template_syntax, "a template can extend one other only"), stmt);
  }
  GS_TRY(const Value name, evaluate(*stmt.name));
  auto loaded = load(name);
  if (!loaded) return locate(std::move(loaded).error(), *stmt.name);
  parent_ = std::move(*loaded);
  discard_ = true;
  return {};
}

Result<void> Render::run_block_here(const BlockStmt& stmt, Output& out) {
  if (discard_) return {};
  GS_TRY(Value text, run_block(stmt.name, 0, stmt.scoped ? frame_ : top_));
  return out.value(text);
}

Result<Flow> Render::run_for(const LoopStmt& stmt, Output& out) {
  GS_TRY(const Value list, evaluate(*stmt.items));
  if (list.is_undefined() && !is_lenient(list)) return locate(undefined_error(list), *stmt.items);
  auto flow = run_loop(stmt, list, out, 0);
  if (!flow) return locate(std::move(flow).error(), *stmt.items);
  return flow;
}

Result<Value> Render::loop_items(const LoopStmt& loop, const Value& value) {
  const bool is_plain = value.is_list() && value.marks() == Mark::none && loop.condition == nullptr;
  // Where methods may change a list in place, the loop goes over what it held at first.
  if (is_plain && owner_ == 0) return value;
  GS_TRY(List list, items(value));
  if (loop.condition == nullptr) return list;
  const FramePtr outer = frame_;
  const ScopeGuard guard(frame_, std::make_shared<Frame>(outer));
  List kept;
  for (Value& item_value : list) {
    if (frame_.use_count() > 1) frame_ = std::make_shared<Frame>(outer);
    GS_TRY_VOID(assign(loop.target, item_value));
    GS_TRY(const bool holds, truth(*loop.condition));
    if (holds) kept.push_back(std::move(item_value));
  }
  return kept;
}

Value Render::make_loop(const LoopStmt& loop, const Value& list, int depth) {
  Value out = make_object<LoopObject>(list, depth);
  if (!loop.recursive) return out;
  auto again = [handle = handle(), node = &loop, outer = capture(frame_), depth](
                   const Value& inner) -> Result<Value> {
    if (handle->render == nullptr)
      return Error(ErrorCode::template_type, "loop() was called after its template ended");
    return handle->render->run_loop_again(*node, outer, inner, depth + 1);
  };
  static_cast<LoopObject&>(out.as_object()).set_again(std::move(again));
  return out;
}

Result<Flow> Render::run_loop(const LoopStmt& loop, const Value& value, Output& out, int depth) {
  GS_TRY(const Value list, loop_items(loop, value));
  const List& items = list.as_list();
  if (items.empty()) return run_body(loop.otherwise, out);
  Value loop_value;
  LoopObject* object = nullptr;
  if (loop.uses_loop) {
    loop_value = make_loop(loop, list, depth);
    object = static_cast<LoopObject*>(&loop_value.as_object());
  }
  const FramePtr outer = frame_;
  const ScopeGuard guard(frame_, std::make_shared<Frame>(outer));
  for (std::size_t i = 0; i < items.size(); ++i) {
    GS_TRY_VOID(step());
    if (frame_.use_count() > 1) {
      frame_ = std::make_shared<Frame>(outer);  // a macro holds the old one
    } else {
      frame_->slots.clear();
    }
    if (object != nullptr) {
      object->move_to(i);
      frame_->slots.emplace_back(kLoop, loop_value);
    }
    GS_TRY_VOID(assign(loop.target, items[i]));
    GS_TRY(const Flow flow, run_body(loop.body, out));
    if (flow == Flow::break_loop) break;
  }
  return Flow::next;
}

Result<Value> Render::run_loop_again(const LoopStmt& loop,
                                     const FramePtr& frame,
                                     const Value& value,
                                     int depth) {
  GS_TRY_VOID(enter());
  const ScopeGuard guard(frame_, frame);
  Output out(context_.limits.output, mode_);
  auto flow = run_loop(loop, value, out, depth);
  leave();
  if (!flow) return std::move(flow).error();
  return out.finish();
}

Result<void> Render::assign(const Target& target, Value value) {
  if (target.kind == Target::Kind::name) {
    frame_->set(target.name, std::move(value));
    return {};
  }
  if (target.kind == Target::Kind::attribute) {
    GS_TRY(const Value object, resolve(target.name));
    if (object.is_undefined()) return undefined_error(object);
    if (!object.is_object()) {
      return Error(ErrorCode::template_type,
                   "only a namespace takes assignments to its attributes, '" +
                       name_text(target.name) + "' is a " + std::string(type_name(object)));
    }
    GS_TRY(const Value ignored,
           object.as_object().set_attribute(*target.attribute, std::move(value)));
    return {};
  }
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
    const ScopeGuard guard(frame_, std::make_shared<Frame>(frame_));
    Output inner(context_.limits.output, mode_);
    const bool discard = std::exchange(discard_, false);
    auto flow = run_body(stmt.body, inner);
    discard_ = discard;
    if (!flow) return std::move(flow).error();
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
  const Value caller = make_macro(*this, *stmt.macro, template_->shared_from_this(), frame_);
  GS_TRY(const Value callee, evaluate(*stmt.call->callee));
  if (callee.is_undefined()) return locate(undefined_error(callee), *stmt.call->callee);
  GS_TRY(CallArguments arguments, evaluate_arguments(stmt.call->arguments));
  arguments.named.set("caller", caller);
  auto result = call(callee, std::move(arguments));
  if (!result) return locate(std::move(result).error(), *stmt.call);
  if (discard_) return {};
  return out.value(*result);
}

Result<Flow> Render::run_with(const WithStmt& stmt, Output& out) {
  auto inner = std::make_shared<Frame>(frame_);
  List values;
  for (const auto& [target, expr] : stmt.values) {
    GS_TRY(Value value, evaluate(*expr));
    values.push_back(std::move(value));
  }
  const ScopeGuard guard(frame_, inner);
  for (std::size_t i = 0; i < values.size(); ++i) {
    GS_TRY_VOID(assign(stmt.values[i].first, std::move(values[i])));
  }
  return run_body(stmt.body, out);
}

bool Render::has_block(NameId name, std::size_t level) const {
  for (const auto& [key, entries] : blocks_) {
    if (key == name) return level < entries.size();
  }
  return false;
}

Result<Value> Render::run_block(NameId name, std::size_t level, const FramePtr& frame) {
  const BlockEntry* entry = nullptr;
  for (const auto& [key, entries] : blocks_) {
    if (key == name && level < entries.size()) entry = &entries[level];
  }
  if (entry == nullptr) {
    return Value::undefined("there is no parent block called '" + name_text(name) + "'", "super");
  }
  const BlockEntry found = *entry;
  if (found.block->required && level == 0) {
    return Error(ErrorCode::template_type,
                 "block '" + name_text(name) + "' is required and no template fills it");
  }
  GS_TRY_VOID(enter());
  auto inner = std::make_shared<Frame>(frame);
  inner->set(
      intern_name("super"),
      has_block(name, level + 1)
          ? make_block_reference(*this, name, level + 1, frame)
          : Value::undefined("there is no parent block called '" + name_text(name) + "'", "super"));
  const ScopeGuard guard(frame_, inner);
  const Template* outer_template = std::exchange(template_, found.where.get());
  const bool discard = std::exchange(discard_, false);
  Output out(context_.limits.output, Mode::text);
  auto flow = run_body(found.block->body, out);
  template_ = outer_template;
  discard_ = discard;
  leave();
  if (!flow) return std::move(flow).error();
  return out.finish();
}

void Render::add_blocks(const std::shared_ptr<const Template>& where) {
  for (const auto& [name, block] : where->program().blocks) {
    auto place = blocks_.begin();
    while (place != blocks_.end() && place->first != name) ++place;
    if (place == blocks_.end()) place = blocks_.insert(blocks_.end(), {name, {}});
    place->second.push_back(BlockEntry{block, where});
  }
}

Result<void> Render::run_program(const std::shared_ptr<const Template>& root, Output& out) {
  std::shared_ptr<const Template> current = root;
  const Template* outer_template = template_;
  const auto outer_parent = std::exchange(parent_, nullptr);
  const bool outer_discard = std::exchange(discard_, false);
  BlockTable outer_blocks = std::exchange(blocks_, {});
  bool uses_blocks = false;
  Result<void> done;
  while (current != nullptr) {
    const Program& program = current->program();
    if (program.changes_values) become_owner();
    add_blocks(current);
    if (!program.blocks.empty() && !uses_blocks) {
      uses_blocks = true;
      frame_->set(kSelf, make_self(*this, frame_));
    }
    template_ = current.get();
    parent_ = nullptr;
    discard_ = false;
    auto flow = run_body(program.body, out);
    if (!flow) {
      done = Result<void>(std::move(flow).error());
      break;
    }
    current = std::exchange(parent_, nullptr);
  }
  template_ = outer_template;
  parent_ = outer_parent;
  discard_ = outer_discard;
  blocks_ = std::move(outer_blocks);
  return done;
}

}  // namespace gpustack::jinja
