// Statements that name other templates: include, import, extends and the blocks they fill.
#include "core/jinja/parser.hpp"

#include <algorithm>

namespace gpustack::jinja {

bool Parser::parse_context(bool fallback) {
  if ((is_word("with") || is_word("without")) && look().kind == TokenKind::name &&
      look().text == "context") {
    const bool with = next().text == "with";
    next();
    return with;
  }
  return fallback;
}

const Stmt* Parser::parse_include() {
  const Token begin = next();
  auto made = stmt<IncludeStmt>(StmtKind::include, begin);
  made.name = parse_expression();
  if (is_word("ignore") && look().text == "missing") {
    next();
    next();
    made.ignore_missing = true;
  }
  made.with_context = parse_context(true);
  end_statement("");
  return program_.make(made);
}

const Stmt* Parser::parse_extends() {
  const Token begin = next();
  auto made = stmt<IncludeStmt>(StmtKind::extends, begin);
  program_.extends = true;
  made.name = parse_expression();
  end_statement("");
  return program_.make(made);
}

const Stmt* Parser::parse_import() {
  const Token begin = next();
  auto made = stmt<ImportStmt>(StmtKind::import, begin);
  made.name = parse_expression();
  expect_word("as");
  made.target = intern_name(expect(TokenKind::name, "the module's name").text);
  made.slot = bind(made.target);
  made.with_context = parse_context(false);
  end_statement("");
  return program_.make(made);
}

const Stmt* Parser::parse_from() {
  const Token begin = next();
  auto made = stmt<ImportStmt>(StmtKind::from_import, begin);
  made.name = parse_expression();
  expect_word("import");
  std::vector<ImportedName> names;
  while (is(TokenKind::name)) {
    if ((is_word("with") || is_word("without")) && look().text == "context") break;
    const Token name = next();
    NameId alias = intern_name(name.text);
    if (skip_word("as")) alias = intern_name(expect(TokenKind::name, "an alias").text);
    names.push_back(ImportedName{intern_name(name.text), alias, bind(alias)});
    if (!skip(TokenKind::comma)) break;
  }
  if (names.empty()) fail("expected the name of a macro or variable, found " + describe(current()));
  made.with_context = parse_context(false);
  made.names = program_.keep(names);
  end_statement("");
  return program_.make(made);
}

const Stmt* Parser::parse_block() {
  const Token begin = next();
  auto made = stmt<BlockStmt>(StmtKind::block, begin);
  const Token name = expect(TokenKind::name, "the block's name");
  made.name = intern_name(name.text);
  const auto same = [&](const auto& block) { return block.first == made.name; };
  if (std::any_of(program_.blocks.begin(), program_.blocks.end(), same)) {
    fail_at(name, "block '" + std::string(name.text) + "' is defined twice");
  }
  made.scoped = skip_word("scoped");
  made.required = skip_word("required");
  const std::size_t place = program_.blocks.size();
  program_.blocks.emplace_back(made.name, nullptr);
  open_scope();
  made.body = parse_block_of({"endblock"});
  close_scope();
  expect_word("endblock");
  if (is(TokenKind::name)) {
    if (current().text != name.text) {
      fail("expected 'endblock " + std::string(name.text) + "', found 'endblock " +
           std::string(current().text) + "'");
    }
    next();
  }
  end_statement("");
  const BlockStmt* kept = program_.make(made);
  program_.blocks[place].second = kept;
  return kept;
}

}  // namespace gpustack::jinja
