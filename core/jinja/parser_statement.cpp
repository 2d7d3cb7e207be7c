#include "core/base/suggest.hpp"
#include "core/jinja/parser.hpp"
#include "core/jinja/registry.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

const std::vector<std::string_view>& statement_words() {
  static const std::vector<std::string_view> kWords = {"for",
                                                       "if",
                                                       "set",
                                                       "macro",
                                                       "call",
                                                       "filter",
                                                       "include",
                                                       "import",
                                                       "from",
                                                       "extends",
                                                       "block",
                                                       "with",
                                                       "do",
                                                       "autoescape",
                                                       "print",
                                                       "break",
                                                       "continue"};
  return kWords;
}

}  // namespace

Body Parser::parse_all() {
  const Body body = parse_body({});
  if (!is(TokenKind::end)) fail("expected the end of the template, found " + describe(current()));
  return body;
}

OutputStmt Parser::output(const Token& begin, const Expr* value) const {
  auto made = stmt<OutputStmt>(StmtKind::output, begin);
  made.value = value;
  if (value->kind == ExprKind::name) {
    made.form = OutputForm::name;
  } else if (value->kind == ExprKind::attribute) {
    const auto& member = static_cast<const AttributeExpr&>(*value);
    if (member.holder != nullptr && member.map_method == nullptr) made.form = OutputForm::member;
  } else if (value->kind == ExprKind::filter) {
    const auto& filter = static_cast<const FilterExpr&>(*value);
    if (filter.row->write != nullptr && filter.arguments.is_bound) made.form = OutputForm::filter;
  }
  return made;
}

/// Statements up to one of `ends` (whose block_begin is consumed) or the end of the text.
Body Parser::parse_body(Words ends) {
  if (++depth_ > 100)
    fail_at(current(), "blocks nested deeper than 100 levels", ErrorCode::template_limit);
  std::vector<const Stmt*> out;
  while (!is(TokenKind::end)) {
    const Token token = next();
    if (token.kind == TokenKind::data) {
      auto made = stmt<TextStmt>(StmtKind::text, token);
      made.text = keep_value(normalise_newlines(token.text, program_.options.newline_sequence));
      made.pieces = program_.keep_pieces(made.text->as_string());
      out.push_back(program_.make(made));
    } else if (token.kind == TokenKind::variable_begin) {
      const Token begin = current();
      const OutputStmt made = output(begin, parse_tuple(Condition::yes));
      if (!is(TokenKind::variable_end)) {
        fail("expected an operator or '" + program_.options.variable_end + "', found " +
             describe(current()));
      }
      next();
      out.push_back(program_.make(made));
    } else {
      if (is_one_of(ends)) break;
      out.push_back(parse_statement());
    }
  }
  --depth_;
  return program_.keep(out);
}

/// The body of a statement; the end word is the current token afterwards.
Body Parser::parse_block_of(Words ends) {
  skip(TokenKind::colon);
  const Token begin = current();
  expect(TokenKind::block_end, "'" + program_.options.block_end + "'");
  const Body body = parse_body(ends);
  if (is(TokenKind::end)) {
    std::string wanted;
    for (const std::string_view end : ends)
      wanted += (wanted.empty() ? "'" : " or '") + std::string(end) + "'";
    fail_at(begin, "the block that begins here has no end: expected " + wanted);
  }
  return body;
}

void Parser::end_statement(std::string_view word) {
  if (!word.empty()) expect_word(word);
  expect(TokenKind::block_end, "'" + program_.options.block_end + "'");
}

const Stmt* Parser::parse_statement() {
  if (!is(TokenKind::name)) fail("expected the name of a statement, found " + describe(current()));
  struct Row {
    std::string_view word;
    const Stmt* (Parser::*parse)();
  };
  static constexpr Row kRows[] = {
      {"if", &Parser::parse_if},
      {"set", &Parser::parse_set},
      {"for", &Parser::parse_for},
      {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},
      {"filter", &Parser::parse_filter_block},
      {"include", &Parser::parse_include},
      {"import", &Parser::parse_import},
      {"from", &Parser::parse_from},
      {"extends", &Parser::parse_extends},
      {"block", &Parser::parse_block},
      {"with", &Parser::parse_with},
      {"do", &Parser::parse_do},
      {"autoescape", &Parser::parse_autoescape},
      {"print", &Parser::parse_print},
      {"break", &Parser::parse_jump},
      {"continue", &Parser::parse_jump},
  };
  for (const Row& row : kRows) {
    if (current().text == row.word) return (this->*row.parse)();
  }
  const std::string word(current().text);
  if (word.starts_with("end") || word == "else" || word == "elif") {
    fail("'" + word + "' has no statement it could belong to here");
  }
  fail_at(current(),
          "unknown statement '" + word + "'",
          ErrorCode::template_syntax,
          suggest(word, statement_words()));
}

namespace {

/// Two names, as for a key and its value.
bool is_pair_of_names(const Target& target) {
  return target.kind == Target::Kind::tuple && target.items.size() == 2 &&
         std::all_of(target.items.begin(), target.items.end(), [](const Target& one) {
           return one.kind == Target::Kind::name;
         });
}

/// The filter of `for key, value in dict | dictsort`; nullptr for any other loop.
const FilterExpr* sorter_of_pairs(const LoopStmt& loop) {
  if (!is_pair_of_names(loop.target) || loop.items->kind != ExprKind::filter) return nullptr;
  const auto& filter = static_cast<const FilterExpr&>(*loop.items);
  const Arguments& arguments = filter.arguments;
  const bool is_known = filter.row->pairs != nullptr && filter.input != nullptr &&
                        arguments.is_bound &&
                        (arguments.numbers.empty() || !arguments.constants.empty());
  return is_known ? &filter : nullptr;
}

/// The dict of `for key, value in dict.items()`; nullptr for any other loop.
const Expr* dict_of_pairs(const LoopStmt& loop) {
  if (!is_pair_of_names(loop.target) || loop.items->kind != ExprKind::call) return nullptr;
  const auto& call = static_cast<const CallExpr&>(*loop.items);
  if (!call.arguments.empty() || call.callee->kind != ExprKind::attribute) return nullptr;
  const auto& method = static_cast<const AttributeExpr&>(*call.callee);
  return *method.name == "items" ? method.object : nullptr;
}

}  // namespace

const Stmt* Parser::parse_for() {
  const Token begin = next();
  auto made = stmt<LoopStmt>(StmtKind::loop, begin);
  NameScope* pass = open_scope();
  bind(intern_name("loop"));
  made.target = parse_target(false);
  made.target_slots = static_cast<std::uint32_t>(pass->names.size());
  expect_word("in");
  names_ = pass->outer;
  made.items = parse_tuple(Condition::no, "recursive");
  names_ = pass;
  const Seen outer = seen_;
  seen_.loop = false;
  if (skip_word("if")) made.condition = parse_expression();
  made.recursive = skip_word("recursive");
  ++loops_;
  made.body = parse_block_of({"endfor", "else"});
  --loops_;
  made.uses_loop = seen_.loop || made.recursive;
  if (!made.uses_loop) {
    made.pairs_of = dict_of_pairs(made);
    made.sorted_pairs = sorter_of_pairs(made);
  }
  seen_.loop = outer.loop;
  made.slots = close_scope();
  if (skip_word("else")) made.otherwise = parse_block_of({"endfor"});
  end_statement("endfor");
  return program_.make(made);
}

const Stmt* Parser::parse_if() {
  const Token begin = next();
  auto made = stmt<BranchStmt>(StmtKind::branch, begin);
  std::vector<BranchStmt::Arm> arms;
  while (true) {
    BranchStmt::Arm arm;
    arm.condition = parse_tuple(Condition::no);
    arm.body = parse_block_of({"elif", "else", "endif"});
    arms.push_back(arm);
    if (!skip_word("elif")) break;
  }
  if (skip_word("else")) made.otherwise = parse_block_of({"endif"});
  end_statement("endif");
  made.arms = program_.keep(arms);
  return program_.make(made);
}

const Stmt* Parser::parse_set() {
  const Token begin = next();
  const Target target = parse_target(true);
  if (skip(TokenKind::assign)) {
    auto made = stmt<SetStmt>(StmtKind::set, begin);
    made.target = target;
    made.value = parse_tuple(Condition::yes);
    end_statement("");
    return program_.make(made);
  }
  auto made = stmt<SetBlockStmt>(StmtKind::set_block, begin);
  made.target = target;
  while (skip(TokenKind::pipe)) made.filter = parse_filter(made.filter);
  open_scope();
  made.body = parse_block_of({"endset"});
  made.slots = close_scope();
  end_statement("endset");
  return program_.make(made);
}

Items<Parameter> Parser::parse_signature() {
  expect(TokenKind::left_paren, "'('");
  std::vector<Parameter> parameters;
  while (!is(TokenKind::right_paren)) {
    if (!parameters.empty()) {
      expect(TokenKind::comma, "',' or ')'");
      if (is(TokenKind::right_paren)) break;
    }
    const Token name = expect(TokenKind::name, "a parameter name");
    const NameId id = intern_name(name.text);
    Parameter parameter{id, bind(id), nullptr};
    if (skip(TokenKind::assign)) {
      parameter.fallback = parse_expression();
    } else if (!parameters.empty() && parameters.back().fallback != nullptr) {
      fail_at(name,
              "parameter '" + std::string(name.text) + "' has no default but follows one that has");
    }
    parameters.push_back(parameter);
  }
  next();
  return program_.keep(parameters);
}

/// The body of a macro, whose frame has names of its own besides the parameters.
Body Parser::parse_macro_body(Words ends) {
  for (const std::string_view name : {"caller", "varargs", "kwargs"}) bind(intern_name(name));
  return parse_block_of(ends);
}

const Stmt* Parser::parse_macro() {
  const Token begin = next();
  auto made = stmt<MacroStmt>(StmtKind::macro, begin);
  made.name = intern_name(expect(TokenKind::name, "the macro's name").text);
  made.slot = bind(made.name);
  const Seen outer = seen_;
  const int outer_loops = loops_;
  seen_ = Seen{};
  loops_ = 0;
  open_scope();
  made.parameters = parse_signature();
  made.body = parse_macro_body({"endmacro"});
  made.slots = close_scope();
  made.uses_caller = seen_.caller;
  made.uses_varargs = seen_.varargs;
  made.uses_kwargs = seen_.kwargs;
  const bool saw_loop = seen_.loop;
  seen_ = outer;
  seen_.loop = seen_.loop || saw_loop;
  loops_ = outer_loops;
  expect_word("endmacro");
  if (is(TokenKind::name)) next();
  end_statement("");
  return program_.make(made);
}

const Stmt* Parser::parse_call_block() {
  const Token begin = next();
  auto macro = stmt<MacroStmt>(StmtKind::macro, begin);
  macro.name = intern_name("caller");
  const Seen outer = seen_;
  NameScope* inner = open_scope();
  if (is(TokenKind::left_paren)) macro.parameters = parse_signature();
  const Token place = current();
  names_ = inner->outer;
  const Expr* call = parse_expression();
  names_ = inner;
  if (call->kind != ExprKind::call) fail_at(place, "expected the call of a macro after 'call'");
  seen_.varargs = seen_.kwargs = false;
  macro.body = parse_macro_body({"endcall"});
  macro.slots = close_scope();
  macro.uses_varargs = seen_.varargs;
  macro.uses_kwargs = seen_.kwargs;
  seen_.varargs = outer.varargs;
  seen_.kwargs = outer.kwargs;
  end_statement("endcall");
  auto made = stmt<CallBlockStmt>(StmtKind::call_block, begin);
  made.macro = program_.make(macro);
  made.call = static_cast<const CallExpr*>(call);
  return program_.make(made);
}

const Stmt* Parser::parse_filter_block() {
  const Token begin = next();
  auto made = stmt<SetBlockStmt>(StmtKind::filter_block, begin);
  made.filter = parse_filter(nullptr);
  while (skip(TokenKind::pipe)) made.filter = parse_filter(made.filter);
  open_scope();
  made.body = parse_block_of({"endfilter"});
  made.slots = close_scope();
  end_statement("endfilter");
  return program_.make(made);
}

const Stmt* Parser::parse_with() {
  const Token begin = next();
  auto made = stmt<WithStmt>(StmtKind::with, begin);
  std::vector<std::pair<Target, const Expr*>> values;
  NameScope* inner = open_scope();
  while (!is(TokenKind::block_end)) {
    if (!values.empty()) expect(TokenKind::comma, "',' or '" + program_.options.block_end + "'");
    names_ = inner;
    const Target target = parse_target(false, false);
    expect(TokenKind::assign, "'='");
    names_ = inner->outer;
    values.emplace_back(target, parse_expression());
  }
  names_ = inner;
  made.values = program_.keep(values);
  made.body = parse_block_of({"endwith"});
  made.slots = close_scope();
  end_statement("endwith");
  return program_.make(made);
}

// Ansible renders plain text, so there is nothing to escape; the block is a scope.
const Stmt* Parser::parse_autoescape() {
  const Token begin = next();
  auto made = stmt<WithStmt>(StmtKind::scope, begin);
  parse_expression();
  open_scope();
  made.body = parse_block_of({"endautoescape"});
  made.slots = close_scope();
  end_statement("endautoescape");
  return program_.make(made);
}

const Stmt* Parser::parse_print() {
  const Token begin = next();
  std::vector<const Expr*> items;
  do {
    items.push_back(parse_expression());
  } while (skip(TokenKind::comma));
  const Expr* value = items.front();
  if (items.size() > 1) {
    auto joined = node<ListExpr>(ExprKind::concat, items.front()->offset);
    joined.items = program_.keep(items);
    value = program_.make(joined);
  }
  end_statement("");
  return program_.make(output(begin, value));
}

const Stmt* Parser::parse_do() {
  const Token begin = next();
  auto made = stmt<OutputStmt>(StmtKind::evaluate, begin);
  made.value = parse_tuple(Condition::yes);
  end_statement("");
  return program_.make(made);
}

const Stmt* Parser::parse_jump() {
  const Token begin = next();
  if (loops_ == 0) fail_at(begin, "'" + std::string(begin.text) + "' outside of a loop");
  auto made =
      stmt<Stmt>(begin.text == "break" ? StmtKind::break_loop : StmtKind::continue_loop, begin);
  end_statement("");
  return program_.make(made);
}

Target Parser::parse_single_target(bool with_attribute) {
  if (is(TokenKind::left_paren)) {
    next();
    Target target = parse_target(false);
    expect(TokenKind::right_paren, "')'");
    return target;
  }
  const Token name = expect(TokenKind::name, "a variable name");
  if (name.text == "true" || name.text == "false" || name.text == "none") {
    fail_at(name, "cannot assign to '" + std::string(name.text) + "'");
  }
  Target target;
  target.name = intern_name(name.text);
  if (with_attribute && is(TokenKind::dot)) {
    target.kind = Target::Kind::attribute;
    target.object = use_name(name);
    next();
    target.attribute = keep_text(expect(TokenKind::name, "an attribute name").text);
  } else {
    target.slot = bind(target.name);
  }
  return target;
}

Target Parser::parse_target(bool with_attribute, bool with_tuple) {
  const Target first = parse_single_target(with_attribute);
  if (!with_tuple || !is(TokenKind::comma)) return first;
  std::vector<Target> items{first};
  while (skip(TokenKind::comma)) {
    if (!is(TokenKind::name) && !is(TokenKind::left_paren)) break;
    if (is_word("in")) break;
    items.push_back(parse_single_target(false));
  }
  Target target;
  target.kind = Target::Kind::tuple;
  target.items = program_.keep(items);
  return target;
}

}  // namespace gpustack::jinja
