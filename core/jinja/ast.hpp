#pragma once
/// @file The compiled form of a template: small nodes in one arena, names as numbers.

#include "core/jinja/jinja.hpp"
#include "core/jinja/member.hpp"
#include "core/jinja/names.hpp"
#include "core/jinja/text_buffer.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gpustack::jinja {

struct FilterRow;
struct TestRow;
struct MethodRow;
class TemplateCache;

template <typename T>
using Items = std::span<const T>;

enum class ExprKind : std::uint8_t {
  constant,
  name,
  attribute,
  item,
  slice,
  call,
  filter,
  test,
  logic_not,
  negate,
  positive,
  binary,
  compare,
  logic_and,
  logic_or,
  concat,
  conditional,
  list,
  tuple,
  map,
};

enum class BinaryOp : std::uint8_t { add, sub, mul, div, floor_div, mod, pow };
enum class CompareOp : std::uint8_t { eq, ne, lt, le, gt, ge, in, not_in };

struct Expr {
  ExprKind kind;
  std::uint32_t offset = 0;
  std::uint32_t length = 1;
};

struct ConstantExpr : Expr {
  const Value* value = nullptr;
};
/// Where a name of the template lies while it runs: a slot in the frame that is `hops` scopes
/// further out. Names that no scope of the template binds (`kOuter`) are numbered as well: each is
/// asked for once in a render.
struct NamePlace {
  static constexpr std::uint32_t kOuter = UINT32_MAX;
  std::uint32_t hops = kOuter;
  std::uint32_t slot = 0;
};
struct NameExpr : Expr {
  NameId name = 0;
  const std::string* text = nullptr;
  NamePlace place;
};
/// What `loop` tells of the place of a pass.
enum class LoopField : std::uint8_t {
  none,
  index,
  index0,
  first,
  last,
  length,
  revindex,
  revindex0,
  depth,
  depth0,
};
/// none for what takes more than counting.
LoopField loop_field(std::string_view name);
struct AttributeExpr : Expr {
  const Expr* object = nullptr;
  const NameExpr* holder = nullptr;  ///< the object, where a name stands for it
  const std::string* name = nullptr;
  std::size_t hash = 0;  ///< of the name, as Map::hash_of()
  PlaceHint place;
  LoopField loop_field = LoopField::none;
  // Python's methods of that name.
  const MethodRow* string_method = nullptr;
  const MethodRow* list_method = nullptr;
  const MethodRow* map_method = nullptr;
};
struct ItemExpr : Expr {
  const Expr* object = nullptr;
  const Expr* key = nullptr;
};
struct SliceExpr : Expr {
  const Expr* object = nullptr;
  const Expr* start = nullptr;
  const Expr* stop = nullptr;
  const Expr* step = nullptr;
};
struct KeywordArgument {
  const std::string* name = nullptr;
  const Expr* value = nullptr;
};
struct Arguments {
  Items<const Expr*> positional;
  Items<KeywordArgument> named;
  const Expr* star = nullptr;
  const Expr* double_star = nullptr;
  /// Of a filter or test, when each argument is for one of its parameters: the numbers of these,
  /// the positional ones first.
  Items<std::size_t> numbers;
  Items<const Value*> constants;  ///< by parameter, when all are literals
  const Value* words = nullptr;   ///< a list: all, for one that takes any, when they are literals
  std::size_t parameters = 0;     ///< how many the filter or test has, up to the last that is given
  bool is_bound = false;
  bool is_quiet = false;  ///< evaluating them changes nothing that was read before

  /// Positional ones first, then those by name.
  [[nodiscard]] const Expr* argument(std::size_t index) const {
    const std::size_t count = positional.size();
    return index < count ? positional[index] : named[index - count].value;
  }
  [[nodiscard]] bool empty() const {
    return positional.empty() && named.empty() && star == nullptr && double_star == nullptr;
  }
};
struct CallExpr : Expr {
  const Expr* callee = nullptr;
  Arguments arguments;
};
struct FilterExpr : Expr {
  const Expr* input = nullptr;  ///< nullptr: the text of a filter or set block
  const FilterRow* row = nullptr;
  Arguments arguments;
};
struct TestExpr : Expr {
  const Expr* input = nullptr;
  const TestRow* row = nullptr;
  Arguments arguments;
};
struct UnaryExpr : Expr {
  const Expr* operand = nullptr;
};
struct BinaryExpr : Expr {  ///< also logic_and, logic_or
  BinaryOp op = BinaryOp::add;
  const Expr* left = nullptr;
  const Expr* right = nullptr;
};
struct CompareStep {
  CompareOp op = CompareOp::eq;
  const Expr* right = nullptr;
};
struct CompareExpr : Expr {
  const Expr* left = nullptr;
  Items<CompareStep> steps;
};
struct ListExpr : Expr {  ///< also tuple, concat
  Items<const Expr*> items;
};
struct MapExpr : Expr {
  Items<std::pair<const Expr*, const Expr*>> items;
};
struct ConditionalExpr : Expr {
  const Expr* condition = nullptr;
  const Expr* then = nullptr;
  const Expr* otherwise = nullptr;
};

enum class StmtKind : std::uint8_t {
  text,
  output,
  loop,
  branch,
  set,
  set_block,
  macro,
  call_block,
  filter_block,
  include,
  import,
  from_import,
  extends,
  block,
  with,
  scope,
  evaluate,
  break_loop,
  continue_loop,
};

/// What an assignment assigns to: a name, `namespace.attribute`, or a tuple of names.
struct Target {
  enum class Kind : std::uint8_t { name, attribute, tuple };
  Kind kind = Kind::name;
  NameId name = 0;
  std::uint32_t slot = 0;            ///< of the name, in the frame it is bound in
  const NameExpr* object = nullptr;  ///< what has the attribute
  const std::string* attribute = nullptr;
  PlaceHint place;  ///< of the attribute
  Items<Target> items;
};

struct Stmt {
  StmtKind kind;
  std::uint32_t offset = 0;
};
using Body = Items<const Stmt*>;

struct TextStmt : Stmt {
  const Value* text = nullptr;
  PiecedText pieces;  ///< the same
};
/// What an output statement prints, as far as there is a short way to print it.
enum class OutputForm : std::uint8_t {
  any,
  name,
  member,  ///< of what a name stands for
  filter,  ///< one that writes text, with arguments whose parameters are known
};
struct OutputStmt : Stmt {  ///< also evaluate (`do`)
  OutputForm form = OutputForm::any;
  const Expr* value = nullptr;
};
struct LoopStmt : Stmt {
  Target target;
  const Expr* items = nullptr;
  const Expr* pairs_of = nullptr;            ///< the dict of `for key, value in dict.items()`
  const FilterExpr* sorted_pairs = nullptr;  ///< `for key, value in dict | dictsort`
  const Expr* condition = nullptr;
  Body body;
  Body otherwise;
  std::uint32_t slots = 0;  ///< names bound in a pass: `loop`, those of the target, the body's own
  std::uint32_t target_slots = 0;  ///< the first of them, which each pass binds again
  bool recursive = false;
  bool uses_loop = false;
};
struct BranchStmt : Stmt {
  struct Arm {
    const Expr* condition = nullptr;
    Body body;
  };
  Items<Arm> arms;
  Body otherwise;
};
struct SetStmt : Stmt {
  Target target;
  const Expr* value = nullptr;
};
struct SetBlockStmt : Stmt {  ///< also filter_block
  Target target;
  const Expr* filter = nullptr;
  Body body;
  std::uint32_t slots = 0;  ///< names that the body binds
};
struct Parameter {
  NameId name = 0;
  std::uint32_t slot = 0;
  const Expr* fallback = nullptr;
};
struct MacroStmt : Stmt {
  NameId name = 0;
  std::uint32_t slot = 0;  ///< of the name, where the macro is defined
  Items<Parameter> parameters;
  Body body;
  std::uint32_t slots = 0;  ///< names that a call binds
  bool uses_caller = false;
  bool uses_varargs = false;
  bool uses_kwargs = false;
};
struct CallBlockStmt : Stmt {
  const MacroStmt* macro = nullptr;
  const CallExpr* call = nullptr;
};
struct IncludeStmt : Stmt {  ///< also extends
  const Expr* name = nullptr;
  bool ignore_missing = false;
  bool with_context = true;
};
/// `import wanted as alias`.
struct ImportedName {
  NameId wanted = 0;
  NameId alias = 0;
  std::uint32_t slot = 0;
};
struct ImportStmt : Stmt {
  const Expr* name = nullptr;
  NameId target = 0;
  std::uint32_t slot = 0;
  Items<ImportedName> names;
  bool with_context = false;
};
struct BlockStmt : Stmt {
  NameId name = 0;
  Body body;
  bool scoped = false;
  bool required = false;
};
struct WithStmt : Stmt {  ///< also scope
  Items<std::pair<Target, const Expr*>> values;
  Body body;
  std::uint32_t slots = 0;
};

/// One compiled text. Immutable after the parser is done; shared by hosts and threads.
struct Program {
  std::string source;
  Options options;
  Body body;
  const Expr* expression = nullptr;  ///< a bare expression, or the only `{{ }}` of the text
  bool is_expression = false;        ///< compiled by compile_expression()
  bool changes_values = false;       ///< calls a method such as append() somewhere
  bool extends = false;              ///< has an `extends` somewhere
  std::size_t trailing_newlines = 0;
  std::uint32_t slots = 0;        ///< names bound at the top
  std::uint32_t outer_names = 0;  ///< names that no scope of the text binds
  std::vector<std::pair<NameId, const BlockStmt*>> blocks;

  std::pmr::monotonic_buffer_resource arena{512};
  std::deque<Value> constants;
  std::deque<std::string> texts;

  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  template <typename Node>
  Node* make(Node node) {
    return new (arena.allocate(sizeof(Node), alignof(Node))) Node(node);
  }
  template <typename T>
  Items<T> keep(const std::vector<T>& items) {
    if (items.empty()) return {};
    // NOLINTNEXTLINE(bugprone-sizeof-expression): a pointer is meant where T is one
    T* data = static_cast<T*>(arena.allocate(sizeof(T) * items.size(), alignof(T)));
    std::uninitialized_copy(items.begin(), items.end(), data);
    return {data, items.size()};
  }
  PiecedText keep_pieces(std::string_view text) {
    const std::size_t room = (text.size() / PiecedText::kPiece + 1) * PiecedText::kPiece;
    char* data = static_cast<char*>(arena.allocate(room, PiecedText::kPiece));
    std::fill(std::copy(text.begin(), text.end(), data), data + room, '\0');
    return {data, text.size()};
  }
};

/// A program and the place it was written at.
class Template : public std::enable_shared_from_this<Template> {
 public:
  Template(std::shared_ptr<const Program> program, const Origin* origin, TemplateCache* cache)
      : program_(std::move(program)), cache_(cache), has_origin_(origin != nullptr) {
    if (origin != nullptr) origin_ = *origin;
  }
  const Program& program() const { return *program_; }
  /// Compiles what this template includes. Outlived by: the Environment.
  TemplateCache& cache() const { return *cache_; }
  bool written_at(const Origin* origin) const {
    return origin == nullptr
               ? !has_origin_
               : has_origin_ && origin_.span == origin->span && origin_.style == origin->style &&
                     origin_.indent == origin->indent;
  }
  SourceSpan span(std::size_t offset, std::size_t length) const {
    return has_origin_ ? origin_.at(program_->source, offset, length) : SourceSpan{};
  }

 private:
  std::shared_ptr<const Program> program_;
  TemplateCache* cache_;
  Origin origin_;
  bool has_origin_ = false;
};

}  // namespace gpustack::jinja
