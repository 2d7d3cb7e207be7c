#include "core/jinja/render.hpp"

#include "core/jinja/cache.hpp"
#include "core/jinja/operators.hpp"

#include <algorithm>
#include <atomic>

namespace gpustack::jinja {

namespace {

// Templates inside variables inside templates: each level is a Render on this thread's stack.
thread_local int nested_renders = 0;

/// Counts a look-up that may lead to another template, where no Render does.
class NestedLookup {
 public:
  NestedLookup() { ++nested_renders; }
  NestedLookup(const NestedLookup&) = delete;
  NestedLookup& operator=(const NestedLookup&) = delete;
  ~NestedLookup() { --nested_renders; }
};

Error too_deep(const Limits& limits) {
  return Error(ErrorCode::template_limit,
               "templates and macros call each other more than " + std::to_string(limits.depth) +
                   " levels deep");
}

std::uint32_t next_owner() {
  static std::atomic<std::uint32_t> counter{0};
  std::uint32_t id = 0;
  while (id == 0) id = ++counter;
  return id;
}

}  // namespace

Render::Render(const Template& root, const Context& context, Mode mode)
    : template_(&root),
      context_(context),
      mode_(mode),
      cache_(&root.cache()),
      frame_(take_frame(nullptr, root.program().slots)),
      top_(frame_),
      memo_(root.program().outer_names) {
  if (root.program().changes_values) owner_ = next_owner();
  ++nested_renders;
}

Render::~Render() {
  --nested_renders;
  if (handle_) handle_->render = nullptr;
  for (const FramePtr& frame : captured_) {
    frame->slots.clear();
    frame->parent.reset();
  }
}

const std::shared_ptr<RenderHandle>& Render::handle() {
  if (!handle_) handle_ = std::make_shared<RenderHandle>(RenderHandle{this});
  return handle_;
}

Error Render::too_many_steps() const {
  return Error(ErrorCode::template_limit,
               "the template takes more than " + std::to_string(context_.limits.steps) + " steps");
}

FramePtr Render::capture(FramePtr frame) {
  for (Frame* kept = frame.get(); kept != nullptr; kept = kept->parent.get()) {
    for (Slot& slot : kept->slots) slot.keep();  // the loops around it may end before
  }
  captured_.push_back(frame);
  return frame;
}

Result<void> Render::enter() {
  if (++nested_renders <= context_.limits.depth) return {};
  --nested_renders;
  return too_deep(context_.limits);
}

void Render::leave() { --nested_renders; }

/// Turns a render that shares data into one that may change it: everything reachable by name is
/// copied.
void Render::become_owner() {
  if (owner_ != 0) return;
  owner_ = next_owner();
  const auto adopt_slot = [this](Slot& slot) {
    slot.keep();
    slot.own = adopt(std::move(slot.own));
  };
  std::for_each(memo_.begin(), memo_.end(), adopt_slot);
  std::for_each(more_memo_.begin(), more_memo_.end(), adopt_slot);
  for (Frame* frame = frame_.get(); frame != nullptr; frame = frame->parent.get()) {
    std::for_each(frame->slots.begin(), frame->slots.end(), adopt_slot);
  }
}

Result<Value> Render::run_expression() {
  if (nested_renders > context_.limits.depth) {
    return Error(ErrorCode::template_limit,
                 "variables refer to each other more than " +
                     std::to_string(context_.limits.depth) + " levels deep");
  }
  return evaluate(*template_->program().expression);
}

Result<Value> Render::run_template() {
  if (nested_renders > context_.limits.depth) {
    return Error(ErrorCode::template_limit,
                 "variables refer to each other more than " +
                     std::to_string(context_.limits.depth) + " levels deep");
  }
  const Program& program = template_->program();
  Output out(context_.limits.output, mode_);
  if (program.blocks.empty() && !program.extends) {
    if (run_body(program.body, out) == Flow::failed) return take_failure();
  } else {
    GS_TRY_VOID(run_program(*template_, places_, out));
  }
  return out.finish(program.trailing_newlines, program.options.newline_sequence);
}

Result<Value> Render::render_nested(const Template& other, Mode mode, const Map* extra) {
  Render inner(other, context_, mode);
  if (extra != nullptr) {
    inner.places_ = Places::inner;  // the names given are in no template's count
    for (const auto& [key, value] : *extra) {
      if (key.is_string()) inner.frame_->set(intern_name(key.as_string()), value);
    }
  }
  return inner.run_template();
}

bool has_template(std::string_view text) {
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    if (at + 1 < text.size() && (text[at + 1] == '{' || text[at + 1] == '%' || text[at + 1] == '#'))
      return true;
  }
  return false;
}

Result<Value> render_text(const Template& compiled, const Context& context) {
  GS_TRY(Value out, Render(compiled, context, Mode::text).run_template());
  if (out.is_string()) return out;
  GS_TRY(std::string text, text_of(out));
  return Value(out.is_null() ? std::string() : std::move(text)).marked(deep_marks(out));
}

Result<Value> evaluate(const Template& compiled, const Context& context) {
  if (compiled.program().expression != nullptr)
    return Render(compiled, context, value_mode(context)).run_expression();
  return Render(compiled, context, value_mode(context)).run_template();
}

Result<Value> render_value(const Template& compiled, const Context& context) {
  const Program& program = compiled.program();
  if (program.is_expression) return evaluate(compiled, context);
  if (program.body.size() == 1 && program.body.front()->kind == StmtKind::text &&
      program.trailing_newlines == 0) {
    const Value& text = *static_cast<const TextStmt*>(program.body.front())->text;
    // Text without a tag is a value as it stands; text around comments goes through the literal
    // rule.
    if (text.as_string() == program.source) return text;
  }
  if (program.expression != nullptr && program.expression->kind == ExprKind::name &&
      context.scope != nullptr && !context.native) {
    const std::string& name = name_text(static_cast<const NameExpr*>(program.expression)->name);
    std::optional<Value> value;
    {
      const NestedLookup guard;
      if (nested_renders > context.limits.depth) return too_deep(context.limits);
      GS_TRY(value, context.scope->lookup(name));
    }
    if (value && (value->is_null() || ((value->is_number() || value->is_bool()) &&
                                       !context.scope->holds_template(name)))) {
      return std::move(*value);
    }
    Render render(compiled, context, Mode::convert);
    if (value) render.remember(static_cast<const NameExpr&>(*program.expression), *value);
    return render.run_template();
  }
  return Render(compiled, context, value_mode(context)).run_template();
}

Result<Value> render_deep(Environment& environment, const Value& value, const Context& context) {
  static const Options kOptions;
  if (value.is_string()) {
    if (value.is_unsafe() || !has_template(value.as_string())) return value;
    GS_TRY(const auto compiled, environment.compile(value.as_string(), value.origin(), kOptions));
    GS_TRY(Value out, render_value(*compiled, context));
    return mark_deep(std::move(out), value.marks());
  }
  // What a host, a file or `!unsafe` brought is marked as a whole: there is no template inside.
  if (value.is_unsafe()) return value;
  if (value.is_list()) {
    List items;
    items.reserve(value.size());
    for (const Value& item : value.as_list()) {
      GS_TRY(Value rendered, render_deep(environment, item, context));
      items.push_back(std::move(rendered));
    }
    Value out(std::move(items));
    return out.marked(value.marks());
  }
  if (value.is_map()) {
    Map entries;
    entries.reserve(value.size());
    for (const auto& [key, item] : value.as_map()) {
      GS_TRY(Value rendered, render_deep(environment, item, context));
      entries.set(key, std::move(rendered));  // keys stay as written, as in Ansible
    }
    return Value(std::move(entries)).marked(value.marks());
  }
  return value;
}

}  // namespace gpustack::jinja
