// Macros, blocks as values, include and import.
#include "core/jinja/cache.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace gpustack::jinja {

namespace {

const NameId kCaller = intern_name("caller");
const NameId kVarargs = intern_name("varargs");
const NameId kKwargs = intern_name("kwargs");

Error macro_error(const MacroStmt& macro, const std::string& what) {
  return Error(ErrorCode::template_type, "macro '" + name_text(macro.name) + "' " + what);
}

Error over() {
  return Error(ErrorCode::template_type, "a macro was called after its template ended");
}

Value not_exported(const std::string& where, const std::string& name) {
  return Value::undefined("template '" + where + "' does not export the name '" + name + "'", name);
}

class MacroObject final : public Object {
 public:
  MacroObject(std::shared_ptr<RenderHandle> handle, MacroCode code)
      : handle_(std::move(handle)), code_(std::move(code)), macro_(code_.macro) {}

  [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
  [[nodiscard]] bool is_callable() const override { return true; }
  [[nodiscard]] std::string to_text() const override {
    return "<Macro '" + name_text(macro_.name) + "'>";
  }
  [[nodiscard]] const MacroCode& code() const { return code_; }
  [[nodiscard]] bool is_of(const Render& render) const { return handle_->render == &render; }

  Result<Value> call(const CallArguments& arguments) override {
    if (handle_->render == nullptr) return over();
    return handle_->render->call_macro(code_, arguments);
  }

  Result<Value> attribute(std::string_view name) override {
    if (name == "name") return Value(name_text(macro_.name));
    if (name == "catch_kwargs") return Value(macro_.uses_kwargs);
    if (name == "catch_varargs") return Value(macro_.uses_varargs);
    if (name == "caller") return Value(macro_.uses_caller);
    if (name == "arguments") {
      List names;
      for (const Parameter& parameter : macro_.parameters)
        names.emplace_back(name_text(parameter.name));
      return Value(std::move(names)).as_tuple();
    }
    return Object::attribute(name);
  }

 private:
  std::shared_ptr<RenderHandle> handle_;
  MacroCode code_;
  const MacroStmt& macro_;
};

class BlockReference : public Object {
 public:
  BlockReference(std::shared_ptr<RenderHandle> handle,
                 NameId name,
                 std::size_t level,
                 FramePtr frame)
      : handle_(std::move(handle)), name_(name), level_(level), frame_(std::move(frame)) {}
  [[nodiscard]] std::string_view type_name() const override { return "BlockReference"; }
  [[nodiscard]] bool is_callable() const override { return true; }
  Result<Value> call(const CallArguments& /*arguments*/) override {
    if (handle_->render == nullptr) return over();
    return handle_->render->run_block(name_, level_, frame_);
  }
  Result<Value> attribute(std::string_view name) override {
    if (name == "super" && handle_->render != nullptr &&
        handle_->render->has_block(name_, level_ + 1)) {
      return make_block_reference(*handle_->render, name_, level_ + 1, frame_);
    }
    return Object::attribute(name);
  }

 private:
  std::shared_ptr<RenderHandle> handle_;
  NameId name_;
  std::size_t level_;
  FramePtr frame_;
};

class SelfObject : public Object {
 public:
  SelfObject(std::shared_ptr<RenderHandle> handle, FramePtr frame)
      : handle_(std::move(handle)), frame_(std::move(frame)) {}
  [[nodiscard]] std::string_view type_name() const override { return "TemplateReference"; }
  Result<Value> attribute(std::string_view name) override {
    const NameId id = intern_name(name);
    if (handle_->render == nullptr || !handle_->render->has_block(id, 0))
      return Object::attribute(name);
    return make_block_reference(*handle_->render, id, 0, frame_);
  }

 private:
  std::shared_ptr<RenderHandle> handle_;
  FramePtr frame_;
};

class ModuleObject : public Object {
 public:
  ModuleObject(std::string name, Map exports, std::string text)
      : name_(std::move(name)), exports_(std::move(exports)), text_(std::move(text)) {}
  [[nodiscard]] std::string_view type_name() const override { return "TemplateModule"; }
  [[nodiscard]] std::string to_text() const override { return text_; }
  Result<Value> attribute(std::string_view name) override {
    if (const Value* found = exports_.find(name)) return *found;
    return not_exported(name_, std::string(name));
  }

 private:
  std::string name_;
  Map exports_;
  std::string text_;
};

}  // namespace

/// The render inside a macro it entered, for the time of the call.
class Render::MacroGuard {
 public:
  MacroGuard(Render& render, const MacroCode& code, FramePtr inner)
      : render_(render),
        frame_(std::exchange(render.frame_, std::move(inner))),
        template_(std::exchange(render.template_, code.where.get())),
        discard_(std::exchange(render.discard_, false)),
        places_(std::exchange(render.places_, code.places)) {}
  MacroGuard(const MacroGuard&) = delete;
  MacroGuard& operator=(const MacroGuard&) = delete;
  ~MacroGuard() {
    render_.frame_ = std::move(frame_);
    render_.template_ = template_;
    render_.discard_ = discard_;
    render_.places_ = places_;
    render_.leave();
  }

 private:
  Render& render_;
  FramePtr frame_;
  const Template* template_;
  bool discard_;
  Places places_;
};

Value make_macro(Render& render, MacroCode code) {
  code.frame = render.capture(std::move(code.frame));
  return make_object<MacroObject>(render.handle(), std::move(code));
}

Value make_block_reference(Render& render, NameId name, std::size_t level, FramePtr frame) {
  return make_object<BlockReference>(
      render.handle(), name, level, render.capture(std::move(frame)));
}

Value make_self(Render& render, FramePtr frame) {
  return make_object<SelfObject>(render.handle(), render.capture(std::move(frame)));
}

Result<Value> Render::macro_argument(const MacroStmt& macro,
                                     std::size_t index,
                                     const List& positional,
                                     Map& named) {
  const Parameter& parameter = macro.parameters[index];
  const std::string& name = name_text(parameter.name);
  const bool is_given = index < positional.size();
  if (const Value* by_name = named.find(name)) {
    if (is_given) return macro_error(macro, "got two values for '" + name + "'");
    Value value = *by_name;
    named.erase(std::string_view(name));
    return value;
  }
  if (is_given) return positional[index];
  if (parameter.fallback != nullptr) return evaluate(*parameter.fallback);
  return Value::undefined("parameter '" + name + "' was not provided", name);
}

Result<void> Render::bind_macro_arguments(const MacroStmt& macro,
                                          const List& positional,
                                          Map named) {
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    GS_TRY(Value value, macro_argument(macro, i, positional, named));
    frame_->slots[macro.parameters[i].slot].bind(macro.parameters[i].name, std::move(value));
  }
  if (macro.uses_varargs) {
    const std::size_t bound = std::min(positional.size(), macro.parameters.size());
    List more(positional.begin() + static_cast<std::ptrdiff_t>(bound), positional.end());
    frame_->set(kVarargs, Value(std::move(more)).as_tuple());
  }
  if (macro.uses_kwargs) {
    frame_->set(kKwargs, Value(std::move(named)));
  } else if (!named.empty()) {
    return macro_error(macro, "takes no argument '" + to_text(named.begin()->key) + "'");
  }
  return {};
}

Result<Value> Render::run_macro_body(const MacroStmt& macro, const List& positional, Map named) {
  GS_TRY_VOID(bind_macro_arguments(macro, positional, std::move(named)));
  Output out(context_.limits.output, mode_);
  if (run_body(macro.body, out) == Flow::failed) return take_failure();
  return out.finish();
}

Result<Value> Render::call_macro(const MacroCode& code, const CallArguments& arguments) {
  const MacroStmt& macro = code.macro;
  FramePtr inner = take_frame(code.frame, macro.slots);
  Map named = arguments.named;
  if (macro.uses_caller) {
    Value caller = Value::undefined("no caller defined", "caller");
    if (const Value* given = named.find("caller")) {
      caller = *given;
      named.erase(std::string_view("caller"));
    }
    inner->set(kCaller, std::move(caller));
  }
  if (arguments.positional.size() > macro.parameters.size() && !macro.uses_varargs) {
    return macro_error(macro,
                       "takes not more than " + std::to_string(macro.parameters.size()) +
                           " arguments, found " + std::to_string(arguments.positional.size()));
  }
  GS_TRY_VOID(enter());
  const MacroGuard guard(*this, code, std::move(inner));
  auto result = run_macro_body(macro, arguments.positional, std::move(named));
  if (!result)
    return std::move(result).error().while_doing("calling macro '" + name_text(macro.name) + "'");
  return result;
}

std::optional<Flow> Render::write_macro(const CallExpr& call, Output& out) {
  const Arguments& arguments = call.arguments;
  const bool is_plain = call.callee->kind == ExprKind::name && arguments.named.empty() &&
                        arguments.star == nullptr && arguments.double_star == nullptr;
  if (!is_plain) return std::nullopt;
  const Value* callee = find(static_cast<const NameExpr&>(*call.callee));
  if (callee == nullptr || !callee->is_object()) return std::nullopt;
  if (exactly<MacroObject>(*callee) == nullptr) return std::nullopt;
  const Value held = *callee;  // an argument may bind the name anew
  const auto& object = static_cast<const MacroObject&>(held.as_object());
  const MacroStmt& macro = object.code().macro;
  if (!object.is_of(*this) || macro.uses_caller || macro.uses_varargs || macro.uses_kwargs ||
      arguments.positional.size() > macro.parameters.size())
    return std::nullopt;
  FramePtr inner = take_frame(object.code().frame, macro.slots);
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    const Expr& expr = *arguments.positional[i];
    Slot& slot = inner->slots[macro.parameters[i].slot];
    if (expr.kind == ExprKind::name && owner_ == 0) {
      // What a name of the caller stands for stays where it is until the call is over.
      Value room;
      const Value* found = glance(expr, room);
      if (found == nullptr) found = peek(expr, room);
      if (found != nullptr) {
        slot.lend(macro.parameters[i].name, *found);
        continue;
      }
    }
    auto value = evaluate(expr);
    if (!value) return fail(std::move(value).error());
    slot.bind(macro.parameters[i].name, std::move(*value));
  }
  const Flow flow =
      run_macro_here(object.code(), std::move(inner), arguments.positional.size(), out);
  if (flow == Flow::failed) return fail(locate(take_failure(), call));
  return Flow::next;
}

/// @param given  how many of the parameters are bound already
Flow Render::run_macro_here(const MacroCode& code, FramePtr inner, std::size_t given, Output& out) {
  if (auto entered = enter(); !entered) return fail(std::move(entered).error());
  const MacroGuard guard(*this, code, std::move(inner));
  Flow flow = Flow::next;
  if (given < code.macro.parameters.size()) flow = bind_fallbacks(code.macro, given);
  if (flow == Flow::next) flow = run_body(code.macro.body, out);
  if (flow != Flow::failed) return Flow::next;
  return fail(take_failure().while_doing("calling macro '" + name_text(code.macro.name) + "'"));
}

Flow Render::bind_fallbacks(const MacroStmt& macro, std::size_t given) {
  static const List kNone;
  Map named;
  for (std::size_t i = given; i < macro.parameters.size(); ++i) {
    auto value = macro_argument(macro, i, kNone, named);
    if (!value) return fail(std::move(value).error());
    frame_->slots[macro.parameters[i].slot].bind(macro.parameters[i].name, std::move(*value));
  }
  return Flow::next;
}

Result<std::shared_ptr<const Template>> Render::load(const Value& name) {
  if (name.is_undefined()) return undefined_error(name);
  if (!name.is_string()) {
    return Error(ErrorCode::template_type,
                 "expected the name of a template, found " + std::string(type_name(name)));
  }
  if (services() == nullptr) {
    return Error(ErrorCode::template_not_found,
                 "template '" + name.as_string() + "' cannot be loaded here");
  }
  auto path = services()->find_file("templates", name.as_string());
  if (!path) {
    return Error(ErrorCode::template_not_found,
                 "template '" + name.as_string() + "' not found: " + path.error().message());
  }
  GS_TRY(std::string text, services()->read_file(*path));
  Origin origin;
  origin.span = SourceSpan{intern_source(*path, text), 1, 1, 1};
  Options options = Options::for_files();
  options.keep_trailing_newline = false;
  return cache_->compile(text, &origin, options, TemplateCache::What::text);
}

/// The frame for the names of a template that is included or imported.
FramePtr Render::own_frame(const Template& other, bool with_context) const {
  FramePtr frame = take_frame(with_context ? frame_ : nullptr, other.program().slots);
  frame->isolated = !with_context;
  return frame;
}

Result<void> Render::run_include(const IncludeStmt& stmt, Output& out) {
  GS_TRY(const Value names, evaluate(*stmt.name));
  if (names.is_undefined()) return locate(undefined_error(names), *stmt.name);
  List candidates = names.is_list() ? names.as_list() : List{names};
  std::shared_ptr<const Template> found;
  for (const Value& name : candidates) {
    auto loaded = load(name);
    if (loaded) {
      found = std::move(*loaded);
      break;
    }
    const bool missing = loaded.error().code() == ErrorCode::template_not_found;
    if (missing && (stmt.ignore_missing || &name != &candidates.back())) continue;
    return locate(std::move(loaded).error(), *stmt.name);
  }
  if (found == nullptr) return {};
  // While our own frames are still in sight: what is handed over may be changed there.
  if (found->program().changes_values) become_owner();
  GS_TRY_VOID(enter());
  const FramePtr inner = own_frame(*found, stmt.with_context);
  const FramePtr outer_frame = std::exchange(frame_, inner);
  const FramePtr outer_top = std::exchange(top_, inner);
  const bool discard = discard_;
  Output dropped(context_.limits.output, Mode::text);
  auto done = run_program(*found, Places::inner, discard ? dropped : out);
  frame_ = outer_frame;
  top_ = outer_top;
  leave();
  if (!done) return std::move(done).error();
  return {};
}

Result<void> Render::run_import(const ImportStmt& stmt) {
  GS_TRY(const Value name, evaluate(*stmt.name));
  auto loaded = load(name);
  if (!loaded) return locate(std::move(loaded).error(), *stmt.name);
  if ((*loaded)->program().changes_values) become_owner();
  GS_TRY_VOID(enter());
  const FramePtr inner = own_frame(**loaded, stmt.with_context);
  const FramePtr outer_frame = std::exchange(frame_, inner);
  const FramePtr outer_top = std::exchange(top_, inner);
  Output text(context_.limits.output, Mode::text);
  auto done = run_program(**loaded, Places::inner, text);
  frame_ = outer_frame;
  top_ = outer_top;
  leave();
  if (!done) return std::move(done).error();
  Map exports;
  for (const Slot& slot : inner->slots) {
    if (slot.name == Slot::kUnbound) continue;
    const std::string& key = name_text(slot.name);
    if (!key.starts_with('_') && key != "self") exports.set(key, slot.value());
  }
  if (stmt.kind == StmtKind::from_import) {
    for (const ImportedName& one : stmt.names) {
      const std::string& wanted = name_text(one.wanted);
      const Value* found = exports.find(wanted);
      bind(one.alias, one.slot, found != nullptr ? *found : not_exported(name.as_string(), wanted));
    }
    return {};
  }
  GS_TRY(const Value body, text.finish());
  bind(stmt.target,
       stmt.slot,
       make_object<ModuleObject>(name.as_string(), std::move(exports), to_text(body)));
  return {};
}

}  // namespace gpustack::jinja
