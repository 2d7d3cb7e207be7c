#include "core/base/suggest.hpp"
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
      auto made = node<NameExpr>(ExprKind::name, token.offset);
      made.name = intern_name(token.text);
      return program_.make(made);
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

const Expr* Parser::parse_postfix(const Expr* expr) {
  while (true) {
    if (is(TokenKind::dot) || is(TokenKind::left_bracket)) {
      expr = parse_subscript(expr);
    } else if (is(TokenKind::left_paren)) {
      expr = parse_call(expr);
    } else {
      return expr;
    }
  }
}

const Expr* Parser::parse_filters(const Expr* expr) {
  while (true) {
    if (is(TokenKind::pipe)) {
      next();
      expr = parse_filter(expr);
    } else if (is_word("is")) {
      expr = parse_test(expr);
    } else if (is(TokenKind::left_paren)) {
      expr = parse_call(expr);
    } else {
      return expr;
    }
  }
}

const Expr* Parser::parse_subscript(const Expr* object) {
  const std::size_t begin = object->offset;
  if (next().kind == TokenKind::dot) {
    const Token key = next();
    if (key.kind == TokenKind::name) {
      auto made = node<AttributeExpr>(ExprKind::attribute, begin);
      made.object = object;
      made.name = keep_text(key.text);
      if (changes_its_object(key.text)) program_.changes_values = true;
      return program_.make(made);
    }
    if (key.kind != TokenKind::integer)
      fail_at(key, "expected a name or a number after '.', found " + describe(key));
    auto index = node<ConstantExpr>(ExprKind::constant, key.offset);
    index.value = number_value(key);
    auto made = node<ItemExpr>(ExprKind::item, begin);
    made.object = object;
    made.key = program_.make(index);
    return program_.make(made);
  }
  const Expr* start = is(TokenKind::colon) ? nullptr : parse_expression();
  if (is(TokenKind::colon)) {
    next();
    const auto part = [&]() -> const Expr* {
      return is(TokenKind::colon) || is(TokenKind::right_bracket) ? nullptr : parse_expression();
    };
    const Expr* stop = part();
    const Expr* step = skip(TokenKind::colon) ? part() : nullptr;
    expect(TokenKind::right_bracket, "']'");
    auto made = node<SliceExpr>(ExprKind::slice, begin);
    made.object = object;
    made.start = start;
    made.stop = stop;
    made.step = step;
    return program_.make(made);
  }
  if (is(TokenKind::comma)) {
    std::vector<const Expr*> items{start};
    const std::size_t first = start->offset;
    while (skip(TokenKind::comma)) items.push_back(parse_expression());
    auto tuple = node<ListExpr>(ExprKind::tuple, first);
    tuple.items = program_.keep(items);
    start = program_.make(tuple);
  }
  expect(TokenKind::right_bracket, "']'");
  auto made = node<ItemExpr>(ExprKind::item, begin);
  made.object = object;
  made.key = start;
  return program_.make(made);
}

Arguments Parser::parse_arguments() {
  expect(TokenKind::left_paren, "'('");
  std::vector<const Expr*> positional;
  std::vector<KeywordArgument> named;
  Arguments out;
  bool first = true;
  while (!is(TokenKind::right_paren)) {
    if (!first) {
      expect(TokenKind::comma, "',' or ')'");
      if (is(TokenKind::right_paren)) break;
    }
    first = false;
    if (is(TokenKind::mul) && out.star == nullptr && out.double_star == nullptr) {
      next();
      out.star = parse_expression();
    } else if (is(TokenKind::pow) && out.double_star == nullptr) {
      next();
      out.double_star = parse_expression();
    } else if (is(TokenKind::name) && look().kind == TokenKind::assign &&
               out.double_star == nullptr) {
      const std::string* key = keep_text(next().text);
      next();
      named.push_back(KeywordArgument{key, parse_expression()});
    } else {
      if (out.star != nullptr || out.double_star != nullptr || !named.empty()) {
        fail_at(current(), "a positional argument cannot follow a named one");
      }
      positional.push_back(parse_expression());
    }
  }
  next();
  out.positional = program_.keep(positional);
  out.named = program_.keep(named);
  return out;
}

const Expr* Parser::parse_call(const Expr* callee) {
  const Arguments arguments = parse_arguments();
  auto made = node<CallExpr>(ExprKind::call, callee->offset);
  made.callee = callee;
  made.arguments = arguments;
  return program_.make(made);
}

std::string Parser::parse_dotted_name() {
  std::string name(expect(TokenKind::name, "a name").text);
  while (is(TokenKind::dot)) {
    next();
    name += ".";
    name += expect(TokenKind::name, "a name").text;
  }
  return name;
}

const Expr* Parser::parse_filter(const Expr* input) {
  const Token begin = current();
  const std::string name = parse_dotted_name();
  const FilterRow* row = find_filter(name);
  if (row == nullptr) {
    Token place = begin;
    place.text = std::string_view(program_.source).substr(begin.offset, name.size());
    fail_at(place,
            "unknown filter '" + name + "'",
            ErrorCode::unknown_filter,
            suggest(name, filter_names()));
  }
  Arguments arguments;
  if (is(TokenKind::left_paren)) arguments = parse_arguments();
  auto made = node<FilterExpr>(ExprKind::filter, begin.offset);
  made.input = input;
  made.row = row;
  made.arguments = arguments;
  return program_.make(made);
}

const Expr* Parser::parse_test(const Expr* input) {
  next();  // is
  const bool negated = skip_word("not");
  const Token begin = current();
  const std::string name = parse_dotted_name();
  const TestRow* row = find_test(name);
  if (row == nullptr) {
    Token place = begin;
    place.text = std::string_view(program_.source).substr(begin.offset, name.size());
    fail_at(
        place, "unknown test '" + name + "'", ErrorCode::unknown_test, suggest(name, test_names()));
  }
  Arguments arguments;
  if (is(TokenKind::left_paren)) {
    arguments = parse_arguments();
  } else if (is(TokenKind::string) || is(TokenKind::integer) || is(TokenKind::real) ||
             is(TokenKind::left_bracket) || is(TokenKind::left_brace) ||
             (is(TokenKind::name) && !is_word("else") && !is_word("or") && !is_word("and"))) {
    if (is_word("is")) fail("tests cannot be chained: put the first one in parentheses");
    // `x is test and` ended above; `in`, `if` and `not` also end a test without arguments.
    if (!(is_word("if") || is_word("in") || is_word("not"))) {
      const std::vector<const Expr*> items{parse_postfix(parse_primary())};
      arguments.positional = program_.keep(items);
    }
  }
  auto made = node<TestExpr>(ExprKind::test, input->offset);
  made.input = input;
  made.row = row;
  made.arguments = arguments;
  const Expr* test = program_.make(made);
  if (!negated) return test;
  auto inverse = node<UnaryExpr>(ExprKind::logic_not, input->offset);
  inverse.operand = test;
  return program_.make(inverse);
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
  if (done.ec != std::errc()) {
    fail_at(token,
            "the number '" + std::string(token.text) + "' is larger than 64 bits",
            ErrorCode::template_limit);
  }
  return keep_value(number);
}

}  // namespace gpustack::jinja
