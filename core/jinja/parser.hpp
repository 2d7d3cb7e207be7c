#pragma once
/// @file Tokens to a Program; grammar and priorities are Jinja2's.

#include "core/jinja/ast.hpp"
#include "core/jinja/lexer.hpp"

#include <deque>
#include <initializer_list>

namespace gpustack::jinja {

/// A fault with the code it gets as an Error.
struct ParseFault {
  SyntaxFault where;
  ErrorCode code = ErrorCode::template_syntax;
  std::string hint;
};

/// Fills program.body (or program.expression) from program.source.
tl::expected<void, ParseFault> parse_template(Program& program);
tl::expected<void, ParseFault> parse_bare_expression(Program& program);

/// Throws ParseFault inside; nothing leaves parse_template() but its result.
class Parser {
 public:
  Parser(Program& program, std::vector<Token> tokens)
      : program_(program), tokens_(std::move(tokens)) {}

  Body parse_all();
  const Expr* parse_single_expression();
  /// Finds for each use of a name the scope that may bind it. A later statement may do so for an
  /// earlier use (in a macro's body), so this comes last.
  void place_names();

 private:
  friend class DepthGuard;
  enum class Condition : bool { no, yes };
  using Words = std::initializer_list<std::string_view>;

  // statements (parser_statement.cpp, parser_template.cpp)
  Body parse_body(Words ends);
  Body parse_block_of(Words ends);
  const Stmt* parse_statement();
  const Stmt* parse_for();
  const Stmt* parse_if();
  const Stmt* parse_set();
  const Stmt* parse_macro();
  Body parse_macro_body(Words ends);
  const Stmt* parse_call_block();
  const Stmt* parse_filter_block();
  const Stmt* parse_include();
  const Stmt* parse_extends();
  const Stmt* parse_import();
  const Stmt* parse_from();
  const Stmt* parse_block();
  const Stmt* parse_with();
  const Stmt* parse_autoescape();
  const Stmt* parse_print();
  const Stmt* parse_do();
  const Stmt* parse_jump();
  Items<Parameter> parse_signature();
  bool parse_context(bool fallback);
  Target parse_target(bool with_attribute, bool with_tuple = true);
  Target parse_single_target(bool with_attribute);
  void end_statement(std::string_view word);

  // expressions (parser_expression.cpp)
  const Expr* parse_tuple(Condition condition,
                          std::string_view end_word = {},
                          bool in_parentheses = false);
  const Expr* parse_expression(Condition condition = Condition::yes);
  const Expr* parse_or();
  const Expr* parse_and();
  const Expr* parse_not();
  const Expr* parse_compare();
  const Expr* parse_sum();
  const Expr* parse_concat();
  const Expr* parse_product();
  const Expr* parse_power();
  const Expr* parse_unary(bool with_filter = true);
  const Expr* parse_primary();
  const Expr* parse_list();
  const Expr* parse_map();
  const Expr* parse_postfix(const Expr* expr);
  const Expr* parse_filters(const Expr* expr);
  const Expr* parse_subscript(const Expr* object);
  const Expr* parse_call(const Expr* callee);
  const Expr* parse_filter(const Expr* input);
  const Expr* parse_test(const Expr* input);
  Arguments parse_arguments();
  OutputStmt output(const Token& begin, const Expr* value) const;
  const Value* literal_list(const Arguments& arguments);
  Items<const Value*> literal_arguments(const Arguments& arguments);
  void number_arguments(Arguments& arguments, std::string_view parameters);
  std::string parse_dotted_name();
  void refuse_unknown_lookup(const Expr& callee,
                             const Arguments& arguments,
                             const Token& begin) const;
  [[nodiscard]] std::string string_value(const Token& token) const;
  const Value* number_value(const Token& token);

  // tokens
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& look() const {
    return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_];
  }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  [[nodiscard]] bool is(TokenKind kind) const { return current().kind == kind; }
  [[nodiscard]] bool is_word(std::string_view word) const {
    return is(TokenKind::name) && current().text == word;
  }
  [[nodiscard]] bool is_one_of(Words words) const;
  bool skip(TokenKind kind);
  bool skip_word(std::string_view word);
  Token expect(TokenKind kind, std::string_view what);
  void expect_word(std::string_view word);
  [[noreturn]] void fail(std::string message) const { fail_at(current(), std::move(message)); }
  [[noreturn]] void fail_at(const Token& token,
                            std::string message,
                            ErrorCode code = ErrorCode::template_syntax,
                            std::string hint = {}) const;

  template <typename Node>
  [[nodiscard]] Node node(ExprKind kind, std::size_t begin) const {
    Node made{};
    made.kind = kind;
    made.offset = static_cast<std::uint32_t>(begin);
    const Token& last = tokens_[at_ > 0 ? at_ - 1 : 0];
    const std::size_t end = last.offset + last.text.size();
    made.length = static_cast<std::uint32_t>(end > begin ? end - begin : 1);
    return made;
  }
  template <typename Node>
  [[nodiscard]] Node stmt(StmtKind kind, const Token& begin) const {
    Node made{};
    made.kind = kind;
    made.offset = begin.offset;
    return made;
  }
  const std::string* keep_text(std::string_view text);
  const Value* keep_value(Value value);

  // names (parser.cpp)
  /// The names that a scope of the template may bind; the place of each is its slot.
  struct NameScope {
    NameScope* outer = nullptr;
    std::vector<NameId> names;
  };
  struct NameUse {
    NameExpr* expr;
    const NameScope* scope;
  };
  /// A scope inside the current one.
  NameScope* open_scope();
  /// The slot of a name that the current scope binds.
  std::uint32_t bind(NameId name);
  /// The slots of the scope that ends here; the one around it is current again.
  std::uint32_t close_scope();
  const NameExpr* use_name(const Token& token);
  [[nodiscard]] static NamePlace place_of(NameId name, const NameScope* scope);

  Program& program_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;
  /// Special names seen in the body being parsed: `loop`, `caller`, `varargs`, `kwargs`.
  struct Seen {
    bool loop = false, caller = false, varargs = false, kwargs = false;
  };
  Seen seen_;
  std::deque<NameScope> scopes_{1};
  NameScope* names_ = &scopes_.front();
  std::vector<NameUse> uses_;
};

}  // namespace gpustack::jinja
