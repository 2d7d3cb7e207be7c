#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace gpustack::jinja {

namespace {

const NameId kLoop = intern_name("loop");
const NameId kSelf = intern_name("self");

/// A scope of elsewhere for the time of a block.
class ScopeGuard {
 public:
  ScopeGuard(FramePtr& current, FramePtr inner)
      : current_(current), outer_(std::exchange(current, std::move(inner))) {}
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;
  ~ScopeGuard() { give_back(std::exchange(current_, std::move(outer_))); }

 private:
  FramePtr& current_;
  FramePtr outer_;
};

}  // namespace

/// A scope inside the current one. The frame around it is handed to the inner one and back, which
/// costs less than sharing it.
class Render::InnerScope {
 public:
  InnerScope(Render& render, std::size_t slots) : render_(render) {
    FramePtr inner = render.fresh_frame(nullptr, slots);
    inner->parent = std::move(render.frame_);
    render.frame_ = std::move(inner);
  }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;
  ~InnerScope() {
    FramePtr inner = std::move(render_.frame_);
    render_.frame_ = inner.use_count() == 1 ? std::move(inner->parent) : inner->parent;
    render_.retire(std::move(inner));
  }

 private:
  Render& render_;
};

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

Flow Render::run_body(const Body& body, Output& out) {
  const bool is_text = out.is_text();
  for (const Stmt* stmt : body) {
    // Half of what most templates hold.
    if (stmt->kind == StmtKind::text && is_text && !discard_) {
      ++steps_;
      if (out.write(static_cast<const TextStmt*>(stmt)->text->as_string())) continue;
    }
    Flow flow = Flow::next;
    if (stmt->kind != StmtKind::output) {
      flow = run_statement(*stmt, out);
    } else if (++steps_ > context_.limits.steps) [[unlikely]] {
      flow = fail(too_many_steps());
    } else {
      flow = run_output(*static_cast<const OutputStmt*>(stmt), out);
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
  Value room;
  const Value* found = peek(*stmt.value, room);
  if (found != nullptr && found->kind() < Kind::list) {
    if (out.is_text() && out.write(*found)) return Flow::next;
    return write_text(*found, stmt, out);
  }
  if (out.is_text()) {
    if (const auto flow = write_directly(stmt, out)) return *flow;
  }
  return write_value(stmt, out);
}

/// Filters and macros that write where their text goes; nothing for anything else.
std::optional<Flow> Render::write_directly(const OutputStmt& stmt, Output& out) {
  if (stmt.value->kind == ExprKind::call)
    return write_macro(static_cast<const CallExpr&>(*stmt.value), out);
  if (stmt.value->kind != ExprKind::filter) return std::nullopt;
  const auto flow = write_filter(static_cast<const FilterExpr&>(*stmt.value), out);
  const bool is_written = flow && *flow == Flow::next;
  if (is_written && out.is_too_large()) return fail(locate(out.too_large(), stmt));
  return flow;
}

Flow Render::write_value(const OutputStmt& stmt, Output& out) {
  auto result = evaluate(*stmt.value);
  if (!result) return fail(std::move(result).error());
  Value value = std::move(*result);
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
  GS_TRY(Value value, evaluate(*stmt.value));
  if (auto done = assign(stmt.target, std::move(value)); !done)
    return locate(std::move(done).error(), *stmt.value);
  return {};
}

void Render::run_macro(const MacroStmt& stmt) {
  bind(stmt.name,
       stmt.slot,
       make_macro(*this, MacroCode{stmt, template_->shared_from_this(), frame_, places_}));
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

Flow Render::run_for(const LoopStmt& stmt, Output& out) {
  std::optional<Flow> flow;
  if (stmt.pairs_of != nullptr) flow = run_pairs(stmt, out);
  if (stmt.sorted_pairs != nullptr) flow = run_sorted_pairs(stmt, out);
  if (!flow) {
    Value room;
    const Value* items = operand(*stmt.items, room);
    if (items == nullptr) return Flow::failed;
    if (items->is_undefined() && !is_lenient(*items))
      return fail(locate(undefined_error(*items), *stmt.items));
    // A copy: a pass may bind the name to something else.
    if (items != &room) room = *items;
    flow = run_loop(stmt, std::move(room), out, 0);
  }
  if (*flow == Flow::failed) return fail(locate(take_failure(), *stmt.items));
  return *flow;
}

Result<Value> Render::loop_items(const LoopStmt& loop, Value value) {
  // Where methods may change a list in place, the loop goes over what it held at first.
  if (is_plain_list(loop, value)) return value;
  GS_TRY(List list, items(value));
  if (loop.condition == nullptr || !loop.uses_loop) return list;
  const InnerScope scope(*this, loop.slots);
  List kept;
  for (Value& item_value : list) {
    begin_pass(loop, nullptr);
    GS_TRY_VOID(assign(loop.target, item_value));
    GS_TRY(const bool holds, truth(*loop.condition));
    if (holds) kept.push_back(std::move(item_value));
  }
  return kept;
}

Value Render::make_loop(const LoopStmt& loop, Value list, int depth) {
  if (!loop.recursive && spare_loop_.is_object()) {
    static_cast<LoopObject&>(spare_loop_.as_object()).start(std::move(list), depth);
    return std::move(spare_loop_);
  }
  Value out = make_object<LoopObject>(std::move(list), depth);
  if (!loop.recursive) return out;
  auto again = [handle = handle(), node = &loop, outer = capture(frame_), places = places_, depth](
                   const Value& inner) -> Result<Value> {
    if (handle->render == nullptr)
      return Error(ErrorCode::template_type, "loop() was called after its template ended");
    return handle->render->run_loop_again(*node, outer, places, inner, depth + 1);
  };
  static_cast<LoopObject&>(out.as_object()).set_again(std::move(again));
  return out;
}

/// @param loop_value  what `loop` is; nullptr where the pass has none
void Render::begin_pass(const LoopStmt& loop, const Value* loop_value) {
  if (frame_.use_count() > 1)  // a macro holds the old one
    frame_ = take_frame(frame_->parent, loop.slots);
  auto& slots = frame_->slots;
  if (loop_value != nullptr) {
    slots.front().lend(kLoop, *loop_value);
  } else {
    slots.front().name = Slot::kUnbound;
  }
  for (std::size_t i = loop.target_slots; i < slots.size(); ++i) slots[i].clear();
}

/// @param bind_item  binds the target for a pass: bool(number of the pass)
template <typename BindItem>
Flow Render::run_passes(const LoopStmt& loop,
                        const Value* loop_value,
                        std::size_t count,
                        Output& out,
                        BindItem bind_item) {
  const Expr* condition = loop.uses_loop ? nullptr : loop.condition;  // else met by all
  bool is_empty = true;
  {
    const InnerScope scope(*this, loop.slots);
    for (std::size_t i = 0; i < count; ++i) {
      if (++steps_ > context_.limits.steps) return fail(too_many_steps());
      begin_pass(loop, loop_value);
      if (!bind_item(i)) return Flow::failed;
      if (condition != nullptr) {
        auto holds = truth(*condition);
        if (!holds) return fail(std::move(holds).error());
        if (!*holds) continue;
      }
      is_empty = false;
      const Flow flow = run_body(loop.body, out);
      if (flow == Flow::failed) return flow;
      if (flow == Flow::break_loop) break;
    }
  }
  return is_empty ? run_body(loop.otherwise, out) : Flow::next;
}

Flow Render::run_loop(const LoopStmt& loop, Value value, Output& out, int depth) {
  if (!is_plain_list(loop, value)) {
    auto list = loop_items(loop, std::move(value));
    if (!list) return fail(std::move(list).error());
    value = std::move(*list);
  }
  if (value.as_list().empty()) return run_body(loop.otherwise, out);
  if (!loop.uses_loop) {
    const List& items = value.as_list();
    return run_passes(loop, nullptr, items.size(), out, [&](std::size_t i) {
      return lend_item(loop.target, items[i]);
    });
  }
  Value loop_value = make_loop(loop, std::move(value), depth);
  auto& object = static_cast<LoopObject&>(loop_value.as_object());
  const List& items = object.list();
  const Flow flow = run_passes(loop, &loop_value, items.size(), out, [&](std::size_t i) {
    object.move_to(i);
    return lend_item(loop.target, items[i]);
  });
  if (object.is_spare()) {
    object.end();
    spare_loop_ = std::move(loop_value);
  }
  return flow;
}

std::optional<Flow> Render::run_pairs(const LoopStmt& loop, Output& out) {
  if (owner_ != 0) return std::nullopt;
  Value room;
  const Value* found = peek(*loop.pairs_of, room);
  if (found == nullptr || !found->is_map() || found->marks() != Mark::none) return std::nullopt;
  return run_entries(loop, Value(*found), nullptr, out);
}

/// The same for a filter that sorts the pairs; all its arguments are literals.
std::optional<Flow> Render::run_sorted_pairs(const LoopStmt& loop, Output& out) {
  if (owner_ != 0) return std::nullopt;
  const FilterExpr& filter = *loop.sorted_pairs;
  Value room;
  const Value* found = peek(*filter.input, room);
  if (found == nullptr || !found->is_map() || found->marks() != Mark::none) return std::nullopt;
  const Value map = *found;
  Invocation call(*this, filter.row->name, map);
  call.given = filter.arguments.constants;
  ++steps_;
  const auto places = filter.row->pairs(call);
  if (!places) return fail(locate(places.error(), filter));
  return run_entries(loop, map, places->data(), out);
}

/// @param places  the order of the entries; nullptr as they stand
Flow Render::run_entries(const LoopStmt& loop,
                         const Value& map,
                         const std::uint32_t* places,
                         Output& out) {
  const auto& entries = map.as_map().entries();
  const Target& key = loop.target.items[0];
  const Target& value = loop.target.items[1];
  return run_passes(loop, nullptr, entries.size(), out, [&](std::size_t i) {
    const Map::Entry& entry = entries[places != nullptr ? places[i] : i];
    frame_->slots[key.slot].lend(key.name, entry.key);
    frame_->slots[value.slot].lend(value.name, entry.value);
    return true;
  });
}

Result<Value> Render::run_loop_again(
    const LoopStmt& loop, const FramePtr& frame, Places places, const Value& value, int depth) {
  GS_TRY_VOID(enter());
  const ScopeGuard guard(frame_, frame);
  const Places outer_places = std::exchange(places_, places);
  Output out(context_.limits.output, mode_);
  const Flow flow = run_loop(loop, value, out, depth);
  places_ = outer_places;
  leave();
  if (flow == Flow::failed) return take_failure();
  return out.finish();
}

void Render::bind(NameId name, std::uint32_t slot, Value value) {
  if (places_ == Places::none) {
    frame_->set(name, std::move(value));
  } else {
    frame_->slots[slot].bind(name, std::move(value));
  }
}

/// Assigns what the loop holds until its last pass is over.
bool Render::lend(const Target& target, const Value& value) {
  if (target.kind == Target::Kind::name) {
    frame_->slots[target.slot].lend(target.name, value);
    return true;
  }
  const bool is_plain = target.kind == Target::Kind::tuple && value.is_list() &&
                        value.marks() == Mark::none && value.size() == target.items.size();
  if (!is_plain) {
    auto done = assign(target, value);
    if (done) return true;
    failure_ = std::move(done).error();
    return false;
  }
  const List& parts = value.as_list();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!lend(target.items[i], parts[i])) return false;
  }
  return true;
}

Result<void> Render::assign(const Target& target, Value value) {
  if (target.kind == Target::Kind::name) {
    bind(target.name, target.slot, std::move(value));
    return {};
  }
  if (target.kind == Target::Kind::tuple) return assign_parts(target, value);
  if (const Value* holder = find(*target.object); holder != nullptr && holder->is_object()) {
    auto done = holder->as_object().set_attribute(*target.attribute, std::move(value));
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
  const Places places = std::exchange(places_, Places::none);
  const Flow flow = run_body(found.block->body, out);
  template_ = outer_template;
  discard_ = discard;
  places_ = places;
  leave();
  if (flow == Flow::failed) return take_failure();
  return out.finish();
}

void Render::add_blocks(const Template& where) {
  for (const auto& [name, block] : where.program().blocks) {
    auto place = blocks_.begin();
    while (place != blocks_.end() && place->first != name) ++place;
    if (place == blocks_.end()) place = blocks_.insert(blocks_.end(), {name, {}});
    place->second.push_back(BlockEntry{block, where.shared_from_this()});
  }
}

Result<void> Render::run_program(const Template& root, Places places, Output& out) {
  const Template* current = &root;
  std::shared_ptr<const Template> extended;
  const Template* outer_template = template_;
  const auto outer_parent = std::exchange(parent_, nullptr);
  const bool outer_discard = std::exchange(discard_, false);
  const Places outer_places = std::exchange(places_, places);
  BlockTable outer_blocks = std::exchange(blocks_, {});
  bool uses_blocks = false;
  Result<void> done;
  while (current != nullptr) {
    const Program& program = current->program();
    if (program.changes_values) become_owner();
    add_blocks(*current);
    if (!program.blocks.empty() && !uses_blocks) {
      uses_blocks = true;
      frame_->set(kSelf, make_self(*this, frame_));
    }
    template_ = current;
    discard_ = false;
    const Flow flow = run_body(program.body, out);
    if (flow == Flow::failed) {
      done = Result<void>(take_failure());
      break;
    }
    extended = std::exchange(parent_, nullptr);
    current = extended.get();
    places_ = Places::none;  // a parent template runs in this one's frame
  }
  template_ = outer_template;
  parent_ = outer_parent;
  discard_ = outer_discard;
  places_ = outer_places;
  blocks_ = std::move(outer_blocks);
  return done;
}

}  // namespace gpustack::jinja
