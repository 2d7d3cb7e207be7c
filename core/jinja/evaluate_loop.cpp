// `for`: over lists, over the pairs of a dict as they lie, and again where `loop()` asks for it.
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/scope_guard.hpp"

#include <optional>
#include <utility>

namespace gpustack::jinja {

namespace {

const NameId kLoop = intern_name("loop");

}  // namespace

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
[[gnu::always_inline]] inline void Render::begin_pass(const LoopStmt& loop,
                                                      const Value* loop_value) {
  if (frame_.is_shared())  // a macro holds the old one
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

}  // namespace gpustack::jinja
