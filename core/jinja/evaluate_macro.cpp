// Macros, blocks as values, include and import.
#include "core/jinja/cache.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

Error macro_error(const MacroStmt& macro, const std::string& what) {
  return Error(ErrorCode::template_type, "macro '" + name_text(macro.name) + "' " + what);
}

Error over() {
  return Error(ErrorCode::template_type, "a macro was called after its template ended");
}

class MacroObject : public Object {
 public:
  MacroObject(std::shared_ptr<RenderHandle> handle,
              const MacroStmt& macro,
              std::shared_ptr<const Template> where,
              FramePtr frame)
      : handle_(std::move(handle)),
        macro_(macro),
        where_(std::move(where)),
        frame_(std::move(frame)) {}

  [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
  [[nodiscard]] bool is_callable() const override { return true; }
  [[nodiscard]] std::string to_text() const override {
    return "<Macro '" + name_text(macro_.name) + "'>";
  }

  Result<Value> call(const CallArguments& arguments) override {
    if (handle_->render == nullptr) return over();
    return handle_->render->call_macro(macro_, *where_, frame_, arguments);
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
  const MacroStmt& macro_;
  std::shared_ptr<const Template> where_;  // owns macro_
  FramePtr frame_;
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
    return Value::undefined(
        "template '" + name_ + "' does not export the name '" + std::string(name) + "'",
        std::string(name));
  }

 private:
  std::string name_;
  Map exports_;
  std::string text_;
};

}  // namespace

Value make_macro(Render& render,
                 const MacroStmt& macro,
                 std::shared_ptr<const Template> where,
                 FramePtr frame) {
  return make_object<MacroObject>(
      render.handle(), macro, std::move(where), render.capture(std::move(frame)));
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
    frame_->set(macro.parameters[i].name, std::move(value));
  }
  if (macro.uses_varargs) {
    const std::size_t bound = std::min(positional.size(), macro.parameters.size());
    List more(positional.begin() + static_cast<std::ptrdiff_t>(bound), positional.end());
    frame_->set(intern_name("varargs"), Value(std::move(more)).as_tuple());
  }
  if (macro.uses_kwargs) {
    frame_->set(intern_name("kwargs"), Value(std::move(named)));
  } else if (!named.empty()) {
    return macro_error(macro, "takes no argument '" + to_text(named.begin()->key) + "'");
  }
  return {};
}

Result<Value> Render::run_macro_body(const MacroStmt& macro, const List& positional, Map named) {
  GS_TRY_VOID(bind_macro_arguments(macro, positional, std::move(named)));
  Output out(context_.limits.output, mode_);
  GS_TRY(const Flow ignored, run_body(macro.body, out));
  static_cast<void>(ignored);
  return out.finish();
}

Result<Value> Render::call_macro(const MacroStmt& macro,
                                 const Template& where,
                                 const FramePtr& frame,
                                 const CallArguments& arguments) {
  auto inner = std::make_shared<Frame>(frame);
  Map named = arguments.named;
  if (macro.uses_caller) {
    Value caller = Value::undefined("no caller defined", "caller");
    if (const Value* given = named.find("caller")) {
      caller = *given;
      named.erase(std::string_view("caller"));
    }
    inner->set(intern_name("caller"), std::move(caller));
  }
  if (arguments.positional.size() > macro.parameters.size() && !macro.uses_varargs) {
    return macro_error(macro,
                       "takes not more than " + std::to_string(macro.parameters.size()) +
                           " arguments, found " + std::to_string(arguments.positional.size()));
  }
  GS_TRY_VOID(enter());
  const FramePtr outer_frame = std::exchange(frame_, inner);
  const Template* outer_template = std::exchange(template_, &where);
  const bool outer_discard = std::exchange(discard_, false);
  auto result = run_macro_body(macro, arguments.positional, std::move(named));
  frame_ = outer_frame;
  template_ = outer_template;
  discard_ = outer_discard;
  leave();
  if (!result) {
    return std::move(result).error().while_doing("calling macro '" + name_text(macro.name) + "'");
  }
  return result;
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
  auto inner = std::make_shared<Frame>(stmt.with_context ? frame_ : nullptr, !stmt.with_context);
  const FramePtr outer_frame = std::exchange(frame_, inner);
  const FramePtr outer_top = std::exchange(top_, inner);
  const bool discard = discard_;
  Output dropped(context_.limits.output, Mode::text);
  auto done = run_program(found, discard ? dropped : out);
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
  auto inner = std::make_shared<Frame>(stmt.with_context ? frame_ : nullptr, !stmt.with_context);
  const FramePtr outer_frame = std::exchange(frame_, inner);
  const FramePtr outer_top = std::exchange(top_, inner);
  Output text(context_.limits.output, Mode::text);
  auto done = run_program(*loaded, text);
  frame_ = outer_frame;
  top_ = outer_top;
  leave();
  if (!done) return std::move(done).error();
  Map exports;
  for (const auto& [id, value] : inner->slots) {
    const std::string& key = name_text(id);
    if (!key.starts_with('_') && key != "self") exports.set(key, value);
  }
  if (stmt.kind == StmtKind::from_import) {
    for (const auto& [wanted, alias] : stmt.names) {
      const Value* found = exports.find(name_text(wanted));
      frame_->set(alias,
                  found != nullptr ? *found
                                   : Value::undefined("template '" + name.as_string() +
                                                          "' does not export the name '" +
                                                          name_text(wanted) + "'",
                                                      name_text(wanted)));
    }
    return {};
  }
  GS_TRY(const Value body, text.finish());
  frame_->set(stmt.target,
              make_object<ModuleObject>(name.as_string(), std::move(exports), to_text(body)));
  return {};
}

}  // namespace gpustack::jinja
