#include "core/base/suggest.hpp"
#include "core/jinja/big_integer.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/parser.hpp"
#include "core/jinja/registry.hpp"
#include "core/jinja/text.hpp"

#include <charconv>
#include <cstdlib>

namespace gpustack::jinja {

namespace {

constexpr int kMaxNesting = 200;

}  // namespace

/// Bounds recursion: parser and evaluator walk the same depth.
class DepthGuard {
 public:
  explicit DepthGuard(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > kMaxNesting) {
      --parser_.depth_;
      parser_.fail_at(
          parser_.current(), "expression nested deeper than 200 levels", ErrorCode::template_limit);
    }
  }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  ~DepthGuard() { --parser_.depth_; }

 private:
  Parser& parser_;
};

const Expr* Parser::parse_single_expression() {
  const Expr* expr = parse_tuple(Condition::yes);
  if (!is(TokenKind::end))
    fail("expected an operator or the end of the expression, found " + describe(current()));
  return expr;
}

const Expr* Parser::parse_tuple(Condition condition,
                                std::string_view end_word,
                                bool in_parentheses) {
  const std::size_t begin = current().offset;
  std::vector<const Expr*> items;
  bool is_tuple = false;
  while (true) {
    const bool at_end = is(TokenKind::variable_end) || is(TokenKind::block_end) ||
                        is(TokenKind::right_paren) || is(TokenKind::end) ||
                        (!end_word.empty() && is_word(end_word));
    if (at_end) break;
    items.push_back(parse_expression(condition));
    if (!is(TokenKind::comma)) break;
    is_tuple = true;
    next();
  }
  if (!is_tuple) {
    if (!items.empty()) return items.front();
    if (!in_parentheses) fail("expected an expression, found " + describe(current()));
  }
  auto made = node<ListExpr>(ExprKind::tuple, begin);
  made.items = program_.keep(items);
  return program_.make(made);
}

const Expr* Parser::parse_expression(Condition condition) {
  const DepthGuard guard(*this);
  const std::size_t begin = current().offset;
  const Expr* expr = parse_or();
  if (condition == Condition::no) return expr;
  while (skip_word("if")) {
    const Expr* test = parse_or();
    const Expr* otherwise = skip_word("else") ? parse_expression() : nullptr;
    auto made = node<ConditionalExpr>(ExprKind::conditional, begin);
    made.condition = test;
    made.then = expr;
    made.otherwise = otherwise;
    expr = program_.make(made);
  }
  return expr;
}

const Expr* Parser::parse_or() {
  const std::size_t begin = current().offset;
  const Expr* left = parse_and();
  while (skip_word("or")) {
    const Expr* right = parse_and();
    auto made = node<BinaryExpr>(ExprKind::logic_or, begin);
    made.left = left;
    made.right = right;
    left = program_.make(made);
  }
  return left;
}

const Expr* Parser::parse_and() {
  const std::size_t begin = current().offset;
  const Expr* left = parse_not();
  while (skip_word("and")) {
    const Expr* right = parse_not();
    auto made = node<BinaryExpr>(ExprKind::logic_and, begin);
    made.left = left;
    made.right = right;
    left = program_.make(made);
  }
  return left;
}

const Expr* Parser::parse_not() {
  const DepthGuard guard(*this);
  const std::size_t begin = current().offset;
  if (!skip_word("not")) return parse_compare();
  const Expr* operand = parse_not();
  auto made = node<UnaryExpr>(ExprKind::logic_not, begin);
  made.operand = operand;
  return program_.make(made);
}

const Expr* Parser::parse_compare() {
  const std::size_t begin = current().offset;
  const Expr* left = parse_sum();
  std::vector<CompareStep> steps;
  while (true) {
    CompareOp op{};
    switch (current().kind) {
      case TokenKind::eq:
        op = CompareOp::eq;
        break;
      case TokenKind::ne:
        op = CompareOp::ne;
        break;
      case TokenKind::lt:
        op = CompareOp::lt;
        break;
      case TokenKind::le:
        op = CompareOp::le;
        break;
      case TokenKind::gt:
        op = CompareOp::gt;
        break;
      case TokenKind::ge:
        op = CompareOp::ge;
        break;
      default:
        if (is_word("in")) {
          op = CompareOp::in;
        } else if (is_word("not") && look().kind == TokenKind::name && look().text == "in") {
          next();
          op = CompareOp::not_in;
        } else {
          if (steps.empty()) return left;
          auto made = node<CompareExpr>(ExprKind::compare, begin);
          made.left = left;
          made.steps = program_.keep(steps);
          return program_.make(made);
        }
    }
    next();
    steps.push_back(CompareStep{op, parse_sum()});
  }
}

const Expr* Parser::parse_sum() {
  const std::size_t begin = current().offset;
  const Expr* left = parse_concat();
  while (is(TokenKind::add) || is(TokenKind::sub)) {
    const BinaryOp op = next().kind == TokenKind::add ? BinaryOp::add : BinaryOp::sub;
    const Expr* right = parse_concat();
    auto made = node<BinaryExpr>(ExprKind::binary, begin);
    made.op = op;
    made.left = left;
    made.right = right;
    left = program_.make(made);
  }
  return left;
}

const Expr* Parser::parse_concat() {
  const std::size_t begin = current().offset;
  std::vector<const Expr*> items{parse_product()};
  while (skip(TokenKind::tilde)) items.push_back(parse_product());
  if (items.size() == 1) return items.front();
  auto made = node<ListExpr>(ExprKind::concat, begin);
  made.items = program_.keep(items);
  return program_.make(made);
}

const Expr* Parser::parse_product() {
  const std::size_t begin = current().offset;
  const Expr* left = parse_power();
  while (true) {
    BinaryOp op{};
    switch (current().kind) {
      case TokenKind::mul:
        op = BinaryOp::mul;
        break;
      case TokenKind::div:
        op = BinaryOp::div;
        break;
      case TokenKind::floor_div:
        op = BinaryOp::floor_div;
        break;
      case TokenKind::mod:
        op = BinaryOp::mod;
        break;
      default:
        return left;
    }
    next();
    const Expr* right = parse_power();
    auto made = node<BinaryExpr>(ExprKind::binary, begin);
    made.op = op;
    made.left = left;
    made.right = right;
    left = program_.make(made);
  }
}

const Expr* Parser::parse_power() {
  const std::size_t begin = current().offset;
  const Expr* left = parse_unary();
  while (skip(TokenKind::pow)) {
    const Expr* right = parse_unary();
    auto made = node<BinaryExpr>(ExprKind::binary, begin);
    made.op = BinaryOp::pow;
    made.left = left;
    made.right = right;
    left = program_.make(made);
  }
  return left;
}

const Expr* Parser::parse_unary(bool with_filter) {
  const DepthGuard guard(*this);
  const std::size_t begin = current().offset;
  const Expr* expr = nullptr;
  if (is(TokenKind::sub) || is(TokenKind::add)) {
    const ExprKind kind = next().kind == TokenKind::sub ? ExprKind::negate : ExprKind::positive;
    const Expr* operand = parse_unary(false);
    auto made = node<UnaryExpr>(kind, begin);
    made.operand = operand;
    expr = program_.make(made);
  } else {
    expr = parse_primary();
  }
  expr = parse_postfix(expr);
  return with_filter ? parse_filters(expr) : expr;
}

const Expr* Parser::parse_primary() {
  const Token token = current();
  switch (token.kind) {
    case TokenKind::name: {
      next();
      const bool yes = token.text == "true" || token.text == "True";
      if (yes || token.text == "false" || token.text == "False") {
        auto made = node<ConstantExpr>(ExprKind::constant, token.offset);
        made.value = keep_value(yes);
        return program_.make(made);
      }
      if (token.text == "none" || token.text == "None") {
        auto made = node<ConstantExpr>(ExprKind::constant, token.offset);
        made.value = keep_value(nullptr);
        return program_.make(made);
      }
      if (token.text == "loop") seen_.loop = true;
      if (token.text == "caller") seen_.caller = true;
      if (token.text == "varargs") seen_.varargs = true;
      if (token.text == "kwargs") seen_.kwargs = true;
      return use_name(token);
    }
    case TokenKind::string: {
      std::string text;
      while (is(TokenKind::string)) text += string_value(next());
      auto made = node<ConstantExpr>(ExprKind::constant, token.offset);
      made.value = keep_value(std::move(text));
      return program_.make(made);
    }
    case TokenKind::integer:
    case TokenKind::real: {
      next();
      auto made = node<ConstantExpr>(ExprKind::constant, token.offset);
      made.value = number_value(token);
      return program_.make(made);
    }
    case TokenKind::left_paren: {
      next();
      const Expr* expr = parse_tuple(Condition::yes, {}, true);
      expect(TokenKind::right_paren, "')'");
      return expr;
    }
    case TokenKind::left_bracket:
      return parse_list();
    case TokenKind::left_brace:
      return parse_map();
    default:
      fail("expected an expression, found " + describe(token));
  }
}

const Expr* Parser::parse_list() {
  const std::size_t begin = next().offset;
  std::vector<const Expr*> items;
  while (!is(TokenKind::right_bracket)) {
    if (!items.empty()) expect(TokenKind::comma, "',' or ']'");
    if (is(TokenKind::right_bracket)) break;
    items.push_back(parse_expression());
  }
  next();
  auto made = node<ListExpr>(ExprKind::list, begin);
  made.items = program_.keep(items);
  return program_.make(made);
}

const Expr* Parser::parse_map() {
  const std::size_t begin = next().offset;
  std::vector<std::pair<const Expr*, const Expr*>> items;
  while (!is(TokenKind::right_brace)) {
    if (!items.empty()) expect(TokenKind::comma, "',' or '}'");
    if (is(TokenKind::right_brace)) break;
    const Expr* key = parse_expression();
    expect(TokenKind::colon, "':' after a dict key");
    items.emplace_back(key, parse_expression());
  }
  next();
  auto made = node<MapExpr>(ExprKind::map, begin);
  made.items = program_.keep(items);
  return program_.make(made);
}

std::string Parser::string_value(const Token& token) const {
  const std::string_view inner = token.text.substr(1, token.text.size() - 2);
  if (inner.find('\\') == std::string_view::npos && inner.find('\r') == std::string_view::npos)
    return std::string(inner);
  return unescape_string(inner, token.in_variable && program_.options.literal_backslashes);
}

const Value* Parser::number_value(const Token& token) {
  std::string digits;
  for (const char c : token.text) {
    if (c != '_') digits += c;
  }
  if (token.kind == TokenKind::real) return keep_value(std::strtod(digits.c_str(), nullptr));
  int base = 10;
  std::string_view text = digits;
  if (text.size() > 2 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    if (base != 10) text.remove_prefix(2);
  }
  std::int64_t number = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (done.ec == std::errc()) return keep_value(number);
  auto big = read_big_integer(text, base);
  if (!big)
    fail_at(token,
            "the number '" + std::string(token.text) + "' is too large",
            ErrorCode::template_limit);
  return keep_value(std::move(*big));
}

}  // namespace gpustack::jinja
