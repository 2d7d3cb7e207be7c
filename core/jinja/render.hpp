#pragma once
/// @file One rendering: scopes, limits and the walk over the compiled nodes.

#include "core/jinja/ast.hpp"
#include "core/jinja/frame.hpp"
#include "core/jinja/output.hpp"
#include "core/jinja/registry.hpp"

#include <boost/container/small_vector.hpp>

#include <forward_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace gpustack::jinja {

class TemplateCache;
class Render;

/// The mode for values of playbooks.
inline Mode value_mode(const Context& context) {
  return context.native ? Mode::native : Mode::convert;
}

/// How a body ends; the error of one that failed is kept by the render.
enum class Flow : std::uint8_t { next, break_loop, continue_loop, failed };

/// How far the parser's places of names hold while a body runs: nowhere in a block or in a template
/// that another one extends (names are looked for in the frames), in the template's own scopes, or
/// for the names from outside as well (the render's own template).
enum class Places : std::uint8_t { none, inner, all };

/// Lets objects that outlive a render (macros) notice that it is over.
struct RenderHandle {
  Render* render = nullptr;
};

/// A macro and where it was defined.
struct MacroCode {
  const MacroStmt& macro;
  std::shared_ptr<const Template> where;  ///< owns the statement
  FramePtr frame;
  Places places;
};

/// Thread: one.
class Render {
 public:
  Render(const Template& root, const Context& context, Mode mode);
  Render(const Render&) = delete;
  Render& operator=(const Render&) = delete;
  ~Render();

  Result<Value> run_template();
  Result<Value> run_expression();

  // --- for filters, tests, lookups, methods and objects
  [[nodiscard]] Scope* scope() const { return context_.scope; }
  [[nodiscard]] Services* services() const { return context_.services; }
  [[nodiscard]] const Context& context() const { return context_; }
  [[nodiscard]] TemplateCache& cache() const { return *cache_; }
  [[nodiscard]] Mode mode() const { return mode_; }
  [[nodiscard]] const std::shared_ptr<RenderHandle>& handle();

  /// `object.name` as Jinja2: methods first, then keys.
  Result<Value> attribute(const Value& object, std::string_view name);
  /// `object[key]` as Jinja2: items first, then attributes.
  Result<Value> item(const Value& object, const Value& key);
  /// What a `for` over the value visits. @error undefined_variable, template_type
  Result<List> items(const Value& value);
  Result<Value> call(const Value& callee, CallArguments arguments);
  Result<Value> apply_filter(const FilterRow& row,
                             const Value& input,
                             List positional,
                             const Map& named);
  Result<bool> apply_test(const TestRow& row,
                          const Value& input,
                          List positional,
                          const Map& named);
  /// The same with arguments that are bound. @param given  the marks of the arguments
  Result<Value> run_filter(const FilterRow& row, Invocation& call, Mark given);
  Result<bool> run_test(const TestRow& row, Invocation& call);
  Result<List> lookup(std::string_view name, List terms, Map options);
  /// `lookup('name', terms…, options…)`; `query` wants the list as it is.
  Result<Value> call_lookup(CallArguments arguments, bool wants_list);
  Result<Value> rendered_term(const Value& term);
  /// Looks a play variable up (not the template's own names).
  Result<Value> variable(std::string_view name);
  /// Renders another template's text with this render's variables.
  Result<Value> render_nested(const Template& other, Mode mode, const Map* extra = nullptr);

  /// The error for using an undefined value, with a hint of near names.
  Error undefined_error(const Value& value) const;
  Result<void> step(std::uint64_t count = 1) {
    steps_ += count;
    if (steps_ > context_.limits.steps) [[unlikely]]
      return too_many_steps();
    return {};
  }
  [[nodiscard]] bool is_size_allowed(std::size_t bytes) const {
    return bytes <= context_.limits.output;
  }
  Result<void> check_size(std::size_t bytes) const {
    if (!is_size_allowed(bytes)) [[unlikely]]
      return text_too_large();
    return {};
  }
  /// Makes a container this render's own, so that methods may change it in place.
  Value adopt(Value value);
  /// A variable that was asked for already; each is asked for once in a render.
  const Value& remember(const NameExpr& name, Value value);
  [[nodiscard]] bool owns(const Value& value) const {
    return owner_ != 0 && value.owner() == owner_;
  }
  [[nodiscard]] std::uint32_t owner() const { return owner_; }

  // --- for the objects of evaluate_macro.cpp
  /// A frame that an object refers to. At the end it is emptied and loses its parent: objects
  /// in it, or above it, would otherwise keep each other alive for ever.
  FramePtr capture(FramePtr frame);
  Result<Value> call_macro(const MacroCode& macro, const CallArguments& arguments);
  Result<Value> run_loop_again(
      const LoopStmt& loop, const FramePtr& frame, Places places, const Value& items, int depth);
  [[nodiscard]] Places places() const { return places_; }
  Result<Value> run_block(NameId name, std::size_t level, const FramePtr& frame);
  [[nodiscard]] bool has_block(NameId name, std::size_t level) const;

 private:
  struct BlockEntry {
    const BlockStmt* block;
    std::shared_ptr<const Template> where;
  };
  class MacroGuard;
  class InnerScope;  // scope_guard.hpp
  using BlockTable = std::vector<std::pair<NameId, std::vector<BlockEntry>>>;

  // expressions (evaluate_expression.cpp, _call, _filter, _name; peek.cpp)
  Result<Value> evaluate(const Expr& expr);
  /// The same, where peek() found nothing.
  Result<Value> evaluate_unseen(const Expr& expr);
  /// The same, where a vault text that no password opens is a value as good as any.
  Result<Value> evaluate_closed(const Expr& expr);
  Result<bool> truth(const Expr& expr);
  Result<Value> evaluate_name(const NameExpr& expr);
  Result<Value> evaluate_attribute(const AttributeExpr& expr);
  Result<Value> evaluate_item(const ItemExpr& expr);
  Result<Value> evaluate_slice(const SliceExpr& expr);
  Result<Value> evaluate_call(const CallExpr& expr);
  Result<Value> evaluate_method_call(const CallExpr& expr);
  Result<CallArguments> evaluate_arguments(const Arguments& arguments);
  Result<Value> evaluate_filter(const FilterExpr& expr, const Value* block_text);
  /// The input where it lies or in `room`; nullptr with failure_ set.
  const Value* filter_input(const FilterExpr& expr, const Value* block_text, Value& room);
  /// What a filter or test that accepts undefined values works on.
  const Value* open_input(const Expr& expr, bool ignores_reason, Value& room);
  const Value* checked_input(const FilterExpr& expr, const Value* block_text, Value& room);
  const Value* kept_in(Value& room, Result<Value> value);
  /// Evaluates arguments whose parameters the parser found. @return their marks
  Result<Mark> bind_known(const Arguments& arguments, Invocation& call);
  Result<Mark> bind_filter(const FilterExpr& expr, Invocation& call);
  Result<Value> apply_worded_filter(const FilterExpr& expr, const Value& input);
  Result<Value> apply_loose_filter(const FilterExpr& expr, const Value& input);
  Result<bool> apply_bound_test(const TestExpr& expr, const Value& input);
  Result<bool> apply_loose_test(const TestExpr& expr, const Value& input);
  /// A filter that gives text (OutputForm::filter), written where the text goes.
  Flow write_filter(const FilterExpr& expr, const OutputStmt& stmt, Output& out);
  Result<bool> evaluate_test(const TestExpr& expr);
  Result<Value> evaluate_sign(const UnaryExpr& expr);
  Result<Value> evaluate_binary(const BinaryExpr& expr);
  Result<bool> evaluate_compare(const CompareExpr& expr);
  Result<Value> evaluate_logic(const BinaryExpr& expr);
  Result<Value> evaluate_concat(const ListExpr& expr);
  Result<Value> evaluate_conditional(const ConditionalExpr& expr);
  Result<Value> evaluate_list(const ListExpr& expr);
  Result<Value> evaluate_map(const MapExpr& expr);
  Result<Value> resolve(const NameExpr& expr);
  /// The slot that the parser found for the name; nullptr where it is not bound there.
  [[nodiscard]] const Slot* place_of(const NameExpr& expr) const;
  /// What a name stands for where this render knows it already; nullptr otherwise.
  [[nodiscard]] const Value* known(NameId name) const;
  /// The same, after asking for it; nullptr when that fails (resolve() then tells why), and for
  /// names of an import without context that are not its own.
  const Value* find(const NameExpr& expr);
  [[nodiscard]] bool is_unknown(const NameExpr& expr) const;
  const Value* ask(const NameExpr& expr);
  /// A name that is no variable.
  [[nodiscard]] static Value global_value(const NameExpr& expr);
  [[nodiscard]] bool is_isolated() const;
  /// The value of a constant, a name, a member of plain data or whole-number arithmetic, where it
  /// lies or in `room`; nullptr for anything else, and for what is not as simple as it looks
  /// (undefined, marked, sealed, an error): evaluate() then does the same again and tells.
  /// Valid until the next evaluation, unless that is a peek as well.
  const Value* peek(const Expr& expr, Value& room);
  /// The shortest way to most values: a bound name, or a member of what a bound name stands for (a
  /// dict, at the place where it was last, or `loop`); nullptr where peek() has to look further.
  const Value* glance(const Expr& expr, Value& room);
  const Value* glance_member(const AttributeExpr& member, const Value& holder, Value& room);
  const Value* peek_holder(const Expr& expr, Value& room);
  const Value* peek_attribute(const AttributeExpr& expr, Value& room);
  const Value* peek_item(const ItemExpr& expr, Value& room);
  const Value* peek_binary(const BinaryExpr& expr, Value& room);
  const Value* peek_filter(const FilterExpr& expr, Value& room);
  const Value* peek_or_missing(const Expr& expr, Value& room);
  /// What evaluate() gives, where it lies or in `room`; nullptr with failure_ set.
  const Value* operand(const Expr& expr, Value& room);
  [[nodiscard]] Error too_many_steps() const;
  [[nodiscard]] Error text_too_large() const;
  Result<bool> truth_of(const Value& value, const Expr& expr);
  /// What an operation gave: its error gets a position, its containers become the render's own.
  Result<Value> settle(Result<Value> result, const Expr& expr);
  Error locate(Error error, const Expr& expr) const;
  Error locate(Error error, const Stmt& stmt) const;

  // statements (evaluate_statement.cpp, _loop, _block, _macro)
  Flow run_body(const Body& body, Output& out);
  Flow run_statement(const Stmt& stmt, Output& out);
  Flow run_output(const OutputStmt& stmt, Output& out);
  Flow write_text(const Value& text, const Stmt& stmt, Output& out);
  std::optional<Flow> write_directly(const OutputStmt& stmt, Output& out);
  /// Prints a bound name, a member of a dict or what `loop` counts, where run_output() would read
  /// them where they lie. Requires out.is_text().
  /// @return false when nothing was printed, or too much
  bool write_seen(const OutputStmt& stmt, Output& out);
  bool write_count(const AttributeExpr& member, const Value& holder, Output& out);
  Flow write_value(Value value, const OutputStmt& stmt, Output& out);
  Flow run_evaluate(const OutputStmt& stmt);
  Flow run_branch(const BranchStmt& stmt, Output& out);
  Flow run_for(const LoopStmt& stmt, Output& out);
  Flow run_loop(const LoopStmt& loop, Value items, Output& out, int depth);
  /// The pairs of a dict, where `for key, value in dict.items()` can do without a list of them.
  std::optional<Flow> run_pairs(const LoopStmt& loop, Output& out);
  template <typename BindItem>
  Flow run_passes(const LoopStmt& loop,
                  const Value* loop_value,
                  std::size_t count,
                  Output& out,
                  BindItem bind_item);
  /// The frame for the next pass: a new one where a macro holds the last.
  void begin_pass(const LoopStmt& loop, const Value* loop_value);
  /// Whether what loop_items() gives is the list as it lies.
  [[nodiscard]] bool is_plain_list(const LoopStmt& loop, const Value& value) const {
    return owner_ == 0 && value.is_list() && value.marks() == Mark::none &&
           (loop.condition == nullptr || !loop.uses_loop);
  }
  std::optional<Flow> run_sorted_pairs(const LoopStmt& loop, Output& out);
  Flow run_entries(const LoopStmt& loop,
                   const Value& map,
                   const std::uint32_t* places,
                   Output& out);
  /// A list of the items; of those that meet the loop's condition where `loop` counts them.
  Result<Value> loop_items(const LoopStmt& loop, Value value);
  Value make_loop(const LoopStmt& loop, Value list, int depth);
  Result<void> run_set(const SetStmt& stmt);
  Result<void> run_set_block(const SetBlockStmt& stmt, Output& out);
  void run_macro(const MacroStmt& stmt);
  /// A macro called where its text goes: nothing when the call is not as plain as that.
  std::optional<Flow> write_macro(const CallExpr& call, Output& out);
  Flow run_macro_here(const MacroCode& code, FramePtr inner, std::size_t given, Output& out);
  Flow bind_fallbacks(const MacroStmt& macro, std::size_t given);
  Result<void> run_call_block(const CallBlockStmt& stmt, Output& out);
  Flow run_with(const WithStmt& stmt, Output& out);
  Result<void> run_block_here(const BlockStmt& stmt, Output& out);
  Result<void> run_include(const IncludeStmt& stmt, Output& out);
  Result<void> run_import(const ImportStmt& stmt);
  Result<void> run_extends(const IncludeStmt& stmt);
  Result<void> run_program(const Template& root, Places places, Output& out);
  void add_blocks(const Template& where);
  Result<void> assign(const Target& target, Value value);
  /// @return false with failure_ set
  bool lend(const Target& target, const Value& value);
  bool lend_item(const Target& target, const Value& item) {
    if (target.kind != Target::Kind::name) return lend(target, item);
    frame_->slots[target.slot].lend(target.name, item);
    return true;
  }
  Result<void> assign_parts(const Target& target, const Value& value);
  void bind(NameId name, std::uint32_t slot, Value value);
  Flow fail(Error error);
  Flow next_after(Result<void> done);
  Error take_failure();
  /// The value of one macro parameter; a named argument is taken out of `named`.
  Result<Value> macro_argument(const MacroStmt& macro,
                               std::size_t index,
                               const List& positional,
                               Map& named);
  Result<void> bind_macro_arguments(const MacroStmt& macro, const List& positional, Map named);
  Result<Value> run_macro_body(const MacroStmt& macro, const List& positional, Map named);
  [[nodiscard]] FramePtr own_frame(const Template& other, bool with_context) const;
  Result<std::shared_ptr<const Template>> load(const Value& name);
  Result<void> enter();
  void leave();
  void become_owner();

  const Template* template_;  ///< whose nodes are being walked; gives error positions
  Context context_;
  Mode mode_;
  TemplateCache* cache_;
  FramePtr frame_;
  Value spare_loop_;  ///< the last `loop` that nobody kept
  FramePtr top_;      ///< the scope of the template's own names: what blocks see and imports export
  BlockTable blocks_;
  bool discard_ = false;  ///< an `extends` was met: only blocks count from here on
  std::shared_ptr<const Template> parent_;
  Places places_ = Places::all;
  boost::container::small_vector<Slot, 8> memo_;  ///< by NamePlace::slot, of the render's template
  std::forward_list<Slot> more_memo_;             ///< names of other templates
  struct FailedLookup {
    NameId name;
    Error error;
  };
  std::optional<FailedLookup> failed_lookup_;
  std::optional<Error> failure_;          ///< of the body that gave Flow::failed
  std::shared_ptr<RenderHandle> handle_;  ///< made for the first object that wants it
  std::vector<FramePtr> captured_;
  std::uint64_t steps_ = 0;
  std::uint32_t owner_ = 0;
};

inline const Slot* Render::place_of(const NameExpr& expr) const {
  const NamePlace place = expr.place;
  const Slot* slot = nullptr;
  if (place.hops == NamePlace::kOuter) {
    if (places_ != Places::all) return nullptr;
    slot = &memo_[place.slot];
  } else {
    if (places_ == Places::none) return nullptr;
    Frame* frame = frame_.get();
    for (std::uint32_t i = place.hops; i > 0; --i) frame = frame->parent.get();
    slot = &frame->slots[place.slot];
  }
  return slot->name == expr.name ? slot : nullptr;
}

inline const Value* Render::glance(const Expr& expr, Value& room) {
  const Value* found = nullptr;
  if (expr.kind == ExprKind::name) {
    const Slot* slot = place_of(static_cast<const NameExpr&>(expr));
    if (slot != nullptr) found = &slot->value();
  } else if (expr.kind == ExprKind::attribute) {
    const auto& member = static_cast<const AttributeExpr&>(expr);
    const Slot* slot = member.holder != nullptr ? place_of(*member.holder) : nullptr;
    if (slot != nullptr) found = glance_member(member, slot->value(), room);
  }
  if (found == nullptr || found->is_undefined() || found->is_object()) return nullptr;
  ++steps_;
  return found;
}

/// A name that is always there (`range`, `lookup`, …); nullptr when there is none.
const Value* find_global(NameId name);

/// Objects made by statements.
Value make_macro(Render& render, MacroCode code);
Value make_block_reference(Render& render, NameId name, std::size_t level, FramePtr frame);
Value make_self(Render& render, FramePtr frame);

}  // namespace gpustack::jinja
