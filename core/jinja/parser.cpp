#include "core/jinja/parser.hpp"

#include <algorithm>

namespace gpustack::jinja {

bool Parser::is_one_of(Words words) const {
  return is(TokenKind::name) &&
         std::find(words.begin(), words.end(), current().text) != words.end();
}

bool Parser::skip(TokenKind kind) {
  if (!is(kind)) return false;
  next();
  return true;
}

bool Parser::skip_word(std::string_view word) {
  if (!is_word(word)) return false;
  next();
  return true;
}

Token Parser::expect(TokenKind kind, std::string_view what) {
  if (!is(kind)) fail("expected " + std::string(what) + ", found " + describe(current()));
  return next();
}

void Parser::expect_word(std::string_view word) {
  if (!skip_word(word)) fail("expected '" + std::string(word) + "', found " + describe(current()));
}

void Parser::fail_at(const Token& token,
                     std::string message,
                     ErrorCode code,
                     std::string hint) const {
  // Thrown and caught inside this library's parser only: a grammar of forty mutually recursive
  // functions.
  throw ParseFault{
      SyntaxFault{token.offset,
                  static_cast<std::uint32_t>(std::max<std::size_t>(token.text.size(), 1)),
                  std::move(message)},
      code,
      std::move(hint)};
}

const std::string* Parser::keep_text(std::string_view text) {
  program_.texts.emplace_back(text);
  return &program_.texts.back();
}

const Value* Parser::keep_value(Value value) {
  program_.constants.push_back(std::move(value));
  return &program_.constants.back();
}

Parser::NameScope* Parser::open_scope() {
  scopes_.push_back(NameScope{names_, {}});
  names_ = &scopes_.back();
  return names_;
}

std::uint32_t Parser::bind(NameId name) {
  std::vector<NameId>& names = names_->names;
  const auto found = std::find(names.begin(), names.end(), name);
  const auto slot = static_cast<std::uint32_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return slot;
}

std::uint32_t Parser::close_scope() {
  const auto slots = static_cast<std::uint32_t>(names_->names.size());
  names_ = names_->outer;
  return slots;
}

const NameExpr* Parser::use_name(const Token& token) {
  auto made = node<NameExpr>(ExprKind::name, token.offset);
  made.name = intern_name(token.text);
  made.text = &name_text(made.name);
  NameExpr* kept = program_.make(made);
  uses_.push_back(NameUse{kept, names_});
  return kept;
}

NamePlace Parser::place_of(NameId name, const NameScope* scope) {
  for (std::uint32_t hops = 0; scope != nullptr; scope = scope->outer, ++hops) {
    const auto found = std::find(scope->names.begin(), scope->names.end(), name);
    if (found != scope->names.end())
      return NamePlace{hops, static_cast<std::uint32_t>(found - scope->names.begin())};
  }
  return NamePlace{};
}

void Parser::place_names() {
  std::vector<NameId> outer;
  for (const NameUse& use : uses_) {
    NamePlace place = place_of(use.expr->name, use.scope);
    if (place.hops == NamePlace::kOuter) {
      const auto found = std::find(outer.begin(), outer.end(), use.expr->name);
      place.slot = static_cast<std::uint32_t>(found - outer.begin());
      if (found == outer.end()) outer.push_back(use.expr->name);
    }
    use.expr->place = place;
  }
  program_.slots = static_cast<std::uint32_t>(scopes_.front().names.size());
  program_.outer_names = static_cast<std::uint32_t>(outer.size());
}

namespace {

template <typename Work>
tl::expected<void, ParseFault> guarded(tl::expected<std::vector<Token>, SyntaxFault> tokens,
                                       Program& program,
                                       Work work) {
  if (!tokens)
    return tl::unexpected(ParseFault{std::move(tokens).error(), ErrorCode::template_syntax, {}});
  try {
    Parser parser(program, std::move(*tokens));
    work(parser);
    parser.place_names();
    return {};
  } catch (ParseFault& fault) {
    return tl::unexpected(std::move(fault));
  }
}

}  // namespace

tl::expected<void, ParseFault> parse_template(Program& program) {
  Lexer lexer(program.source, program.options);
  auto done = guarded(
      lexer.template_tokens(), program, [&](Parser& parser) { program.body = parser.parse_all(); });
  if (!done) return done;
  if (program.body.size() == 1 && program.body.front()->kind == StmtKind::output) {
    program.expression = static_cast<const OutputStmt*>(program.body.front())->value;
  }
  return {};
}

tl::expected<void, ParseFault> parse_bare_expression(Program& program) {
  program.is_expression = true;
  Lexer lexer(program.source, program.options);
  return guarded(lexer.expression_tokens(), program, [&](Parser& parser) {
    program.expression = parser.parse_single_expression();
  });
}

}  // namespace gpustack::jinja
