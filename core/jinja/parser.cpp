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
