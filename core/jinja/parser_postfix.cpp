// What follows a primary expression: attributes, subscripts, calls, filters and tests.
#include "core/base/suggest.hpp"
#include "core/jinja/methods.hpp"
#include "core/jinja/parser.hpp"
#include "core/jinja/registry.hpp"
#include "core/jinja/text.hpp"

#include <algorithm>

namespace gpustack::jinja {

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
      if (object->kind == ExprKind::name) made.holder = static_cast<const NameExpr*>(object);
      made.name = keep_text(key.text);
      made.hash = Map::hash_of(*made.name);
      made.loop_field = loop_field(*made.name);
      made.string_method = find_string_method(key.text);
      made.list_method = find_list_method(key.text);
      made.map_method = find_map_method(key.text);
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
  const Token begin = current();
  const Arguments arguments = parse_arguments();
  refuse_unknown_lookup(*callee, arguments, begin);
  auto made = node<CallExpr>(ExprKind::call, callee->offset);
  made.callee = callee;
  made.arguments = arguments;
  return program_.make(made);
}

/// A lookup named by a literal is known or not before anything runs. `q` is left for the run: a
/// macro or variable may well have that name.
void Parser::refuse_unknown_lookup(const Expr& callee,
                                   const Arguments& arguments,
                                   const Token& begin) const {
  if (callee.kind != ExprKind::name || arguments.positional.empty()) return;
  const std::string& function = name_text(static_cast<const NameExpr&>(callee).name);
  const Expr& first = *arguments.positional.front();
  if ((function != "lookup" && function != "query") || first.kind != ExprKind::constant) return;
  const Value& name = *static_cast<const ConstantExpr&>(first).value;
  if (!name.is_string() || find_lookup(name.as_string()) != nullptr) return;
  Token place = begin;
  const std::size_t at =
      std::min(program_.source.find(name.as_string(), begin.offset), program_.source.size());
  place.offset = static_cast<decltype(place.offset)>(at);
  place.text = std::string_view(program_.source).substr(at, name.as_string().size());
  fail_at(place,
          "unknown lookup '" + name.as_string() + "'",
          ErrorCode::unknown_lookup,
          suggest(name.as_string(), lookup_names()));
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

/// The arguments by the number of their parameter; nothing unless all are literals.
Items<const Value*> Parser::literal_arguments(const Arguments& arguments) {
  std::vector<const Value*> out(arguments.parameters, nullptr);
  for (std::size_t i = 0; i < arguments.numbers.size(); ++i) {
    const Expr* expr = arguments.argument(i);
    if (expr->kind != ExprKind::constant) return {};
    out[arguments.numbers[i]] = static_cast<const ConstantExpr*>(expr)->value;
  }
  return program_.keep(out);
}

/// The positional arguments as a list; nullptr unless all are literals.
const Value* Parser::literal_list(const Arguments& arguments) {
  List out;
  for (const Expr* expr : arguments.positional) {
    if (expr->kind != ExprKind::constant) return nullptr;
    out.push_back(*static_cast<const ConstantExpr*>(expr)->value);
  }
  return keep_value(Value(std::move(out)));
}

/// Finds the parameters that the arguments are for, so that no name is compared later.
void Parser::number_arguments(Arguments& arguments, std::string_view parameters) {
  if (arguments.star != nullptr || arguments.double_star != nullptr) return;
  std::vector<std::string_view> names;
  for (const KeywordArgument& argument : arguments.named) names.emplace_back(*argument.name);
  const auto numbers = parameter_numbers(parameters, arguments.positional.size(), names);
  if (!numbers) {
    if (parameters.starts_with('*') && names.empty()) arguments.words = literal_list(arguments);
    return;
  }
  arguments.numbers = program_.keep(*numbers);
  for (const std::size_t number : *numbers)
    arguments.parameters = std::max(arguments.parameters, number + 1);
  arguments.is_bound = true;
  arguments.constants = literal_arguments(arguments);
  const auto is_quiet = [](const Expr* expr) {
    return expr->kind == ExprKind::constant || expr->kind == ExprKind::name ||
           expr->kind == ExprKind::attribute;
  };
  arguments.is_quiet =
      std::all_of(arguments.positional.begin(), arguments.positional.end(), is_quiet) &&
      std::all_of(arguments.named.begin(), arguments.named.end(), [&](const KeywordArgument& one) {
        return is_quiet(one.value);
      });
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
  number_arguments(arguments, row->parameters);
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
  number_arguments(arguments, row->parameters);
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

}  // namespace gpustack::jinja
