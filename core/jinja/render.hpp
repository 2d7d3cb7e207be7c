#pragma once
/// @file One rendering: scopes, limits and the walk over the compiled nodes.

#include "core/jinja/ast.hpp"
#include "core/jinja/registry.hpp"

#include <boost/container/small_vector.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace gpustack::jinja {

class TemplateCache;
class Render;

/// The variables of one scope: a template, a loop pass, a macro call, a block.
struct Frame {
  explicit Frame(std::shared_ptr<Frame> outer = nullptr, bool is_isolated = false)
      : parent(std::move(outer)), isolated(is_isolated) {}

  std::shared_ptr<Frame> parent;
  bool isolated;  ///< an import without context: play variables end here
  boost::container::small_vector<std::pair<NameId, Value>, 3> slots;

  Value* find(NameId name) {
    for (auto& [key, value] : slots) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  void set(NameId name, Value value) {
    if (Value* found = find(name)) {
      *found = std::move(value);
    } else {
      slots.emplace_back(name, std::move(value));
    }
  }
};
using FramePtr = std::shared_ptr<Frame>;

/// Is the text the end (template module, files), is it read as a literal when it looks like a list
/// or dict (YAML values), or when it is any literal at all (jinja2_native)?
enum class Mode : std::uint8_t { text, convert, native };

/// The mode for values of playbooks.
inline Mode value_mode(const Context& context) {
  return context.native ? Mode::native : Mode::convert;
}

/// Collects what a body writes. A single value keeps its type until a second one arrives, unless
/// text is wanted.
class Output {
 public:
  Output(std::size_t limit, Mode mode) : limit_(limit), mode_(mode) {}
  Result<void> value(const Value& piece);
  /// The result as text, or read as a literal (Mode::convert).
  Result<Value> finish(std::size_t trailing_newlines = 0, std::string_view newline = "\n");

 private:
  Result<void> flush(const Value& piece);
  /// The result of jinja2_native. @param trailing  line ends that a text keeps
  Value finish_native(std::size_t trailing, std::string_view newline);
  /// The text with as many line ends as its template had.
  Value ended_text(std::size_t trailing_newlines, std::string_view newline);
  /// Is the single value the result as it is, and not what its text reads as?
  [[nodiscard]] bool keeps_type(Mode mode, std::size_t trailing_newlines) const;

  std::string text_;
  Value single_;
  std::size_t count_ = 0;
  Mark marks_ = Mark::none;
  std::size_t limit_;
  Mode mode_;
};

enum class Flow : std::uint8_t { next, break_loop, continue_loop };

/// Lets objects that outlive a render (macros) notice that it is over.
struct RenderHandle {
  Render* render = nullptr;
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
  /// `a.b.0.c` in one text, as `map(attribute=…)` and `sort(attribute=…)` take it.
  Result<Value> path(Value object, const Value& path, const Value* fallback = nullptr);
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
  Result<void> check_size(std::size_t bytes) const;
  /// Makes a container this render's own, so that methods may change it in place.
  Value adopt(Value value);
  /// A variable that was asked for already; each is asked for once in a render.
  void remember(NameId name, Value value);
  [[nodiscard]] bool owns(const Value& value) const {
    return owner_ != 0 && value.owner() == owner_;
  }
  [[nodiscard]] std::uint32_t owner() const { return owner_; }

  // --- for the objects of evaluate_object.cpp
  /// A frame that an object refers to. At the end it is emptied and loses its parent: objects
  /// in it, or above it, would otherwise keep each other alive for ever.
  FramePtr capture(FramePtr frame);
  Result<Value> call_macro(const MacroStmt& macro,
                           const Template& where,
                           const FramePtr& frame,
                           const CallArguments& arguments);
  Result<Value> run_loop_again(const LoopStmt& loop,
                               const FramePtr& frame,
                               const Value& items,
                               int depth);
  Result<Value> run_block(NameId name, std::size_t level, const FramePtr& frame);
  [[nodiscard]] bool has_block(NameId name, std::size_t level) const;

 private:
  struct BlockEntry {
    const BlockStmt* block;
    std::shared_ptr<const Template> where;
  };
  using BlockTable = std::vector<std::pair<NameId, std::vector<BlockEntry>>>;

  // expressions (evaluate_expression.cpp)
  Result<Value> evaluate(const Expr& expr);
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
  Result<Value> filter_input(const FilterExpr& expr, const Value* block_text);
  Result<bool> evaluate_test(const TestExpr& expr);
  Result<Value> evaluate_sign(const UnaryExpr& expr);
  Result<Value> evaluate_binary(const BinaryExpr& expr);
  Result<bool> evaluate_compare(const CompareExpr& expr);
  Result<Value> evaluate_logic(const BinaryExpr& expr);
  Result<Value> evaluate_concat(const ListExpr& expr);
  Result<Value> evaluate_conditional(const ConditionalExpr& expr);
  Result<Value> evaluate_list(const ListExpr& expr);
  Result<Value> evaluate_map(const MapExpr& expr);
  Result<Value> resolve(NameId name);
  /// What a name stands for where this render knows it already; nullptr otherwise.
  [[nodiscard]] const Value* known(NameId name) const;
  /// The value of a constant, a name or a member of plain data where it lies, without a copy;
  /// nullptr for anything else, and for what is not as simple as it looks (undefined, marked,
  /// sealed). Valid until the next evaluation.
  const Value* peek(const Expr& expr);
  [[nodiscard]] Error too_many_steps() const;
  Result<bool> truth_of(const Value& value, const Expr& expr);
  /// What an operation gave: its error gets a position, its containers become the render's own.
  Result<Value> settle(Result<Value> result, const Expr& expr);
  Error locate(Error error, const Expr& expr) const;
  Error locate(Error error, const Stmt& stmt) const;

  // statements (evaluate_statement.cpp, evaluate_macro.cpp)
  Result<Flow> run_body(const Body& body, Output& out);
  Result<Flow> run_statement(const Stmt& stmt, Output& out);
  Result<void> run_output(const OutputStmt& stmt, Output& out);
  Result<Flow> run_branch(const BranchStmt& stmt, Output& out);
  Result<Flow> run_for(const LoopStmt& stmt, Output& out);
  Result<Flow> run_loop(const LoopStmt& loop, const Value& items, Output& out, int depth);
  /// A list of the items that meet the loop's condition.
  Result<Value> loop_items(const LoopStmt& loop, const Value& value);
  Value make_loop(const LoopStmt& loop, const Value& list, int depth);
  Result<void> run_set(const SetStmt& stmt);
  Result<void> run_set_block(const SetBlockStmt& stmt, Output& out);
  void run_macro(const MacroStmt& stmt);
  Result<void> run_call_block(const CallBlockStmt& stmt, Output& out);
  Result<Flow> run_with(const WithStmt& stmt, Output& out);
  Result<void> run_block_here(const BlockStmt& stmt, Output& out);
  Result<void> run_include(const IncludeStmt& stmt, Output& out);
  Result<void> run_import(const ImportStmt& stmt);
  Result<void> run_extends(const IncludeStmt& stmt);
  Result<void> run_program(const std::shared_ptr<const Template>& root, Output& out);
  void add_blocks(const std::shared_ptr<const Template>& where);
  Result<void> assign(const Target& target, Value value);
  /// The value of one macro parameter; a named argument is taken out of `named`.
  Result<Value> macro_argument(const MacroStmt& macro,
                               std::size_t index,
                               const List& positional,
                               Map& named);
  Result<void> bind_macro_arguments(const MacroStmt& macro, const List& positional, Map named);
  Result<Value> run_macro_body(const MacroStmt& macro, const List& positional, Map named);
  Result<std::shared_ptr<const Template>> load(const Value& name);
  Result<void> enter();
  void leave();
  void become_owner();

  const Template* template_;  ///< whose nodes are being walked; gives error positions
  Context context_;
  Mode mode_;
  TemplateCache* cache_;
  FramePtr frame_;
  FramePtr top_;  ///< the scope of the template's own names: what blocks see and imports export
  BlockTable blocks_;
  bool discard_ = false;  ///< an `extends` was met: only blocks count from here on
  std::shared_ptr<const Template> parent_;
  boost::container::small_vector<std::pair<NameId, Value>, 6> memo_;
  std::shared_ptr<RenderHandle> handle_;  ///< made for the first object that wants it
  std::vector<FramePtr> captured_;
  std::uint64_t steps_ = 0;
  std::uint32_t owner_ = 0;
};

/// A name that is always there (`range`, `lookup`, …); nullptr when there is none.
const Value* find_global(NameId name);

/// Objects made by statements.
Value make_macro(Render& render,
                 const MacroStmt& macro,
                 std::shared_ptr<const Template> where,
                 FramePtr frame);
Value make_block_reference(Render& render, NameId name, std::size_t level, FramePtr frame);
Value make_self(Render& render, FramePtr frame);

}  // namespace gpustack::jinja
