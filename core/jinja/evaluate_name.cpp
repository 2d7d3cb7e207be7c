// What a name stands for: in the scopes of the template, then outside, where each is asked for
// once.
#include "core/jinja/render.hpp"

#include <optional>

namespace gpustack::jinja {

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

/// Is the name none that a scope around binds, nor one that was asked for?
bool Render::is_unknown(const NameExpr& expr) const {
  if (places_ != Places::all || expr.place.hops != NamePlace::kOuter || !more_memo_.empty())
    return false;
  const Frame* frame = frame_.get();
  while (frame != nullptr && !frame->has_unnumbered) frame = frame->parent.get();
  return frame == nullptr;
}

const Value* Render::find(const NameExpr& expr) {
  if (const Slot* slot = place_of(expr)) return &slot->value();
  if (is_unknown(expr)) return ask(expr);
  if (const Value* found = known(expr.name)) return found;
  if (places_ != Places::all && is_isolated()) return find_global(expr.name);
  return ask(expr);
}

const Value* Render::ask(const NameExpr& expr) {
  if (failed_lookup_ && failed_lookup_->name == expr.name) return nullptr;
  if (context_.scope == nullptr) return &remember(expr, global_value(expr));
  auto found = context_.scope->lookup(*expr.text);
  if (found && *found && owner_ == 0 && places_ == Places::all &&
      expr.place.hops == NamePlace::kOuter) {
    Slot& slot = memo_[expr.place.slot];
    slot.bind(expr.name, std::move(**found));
    return &slot.own;
  }
  if (found) return &remember(expr, *found ? std::move(**found) : global_value(expr));
  // A variable made of one that is missing counts as missing itself, until it is used.
  if (found.error().code() == ErrorCode::undefined_variable)
    return &remember(expr, Value::undefined(found.error().one_line(), *expr.text));
  failed_lookup_.emplace(FailedLookup{expr.name, std::move(found).error()});
  return nullptr;
}

Value Render::global_value(const NameExpr& expr) {
  if (const Value* global = find_global(expr.name)) return *global;
  return Value::undefined("'" + *expr.text + "' is undefined", *expr.text);
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

}  // namespace gpustack::jinja
