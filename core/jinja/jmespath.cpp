#include "core/jinja/jmespath.hpp"

#include "core/base/json.hpp"
#include "core/jinja/jmespath_tree.hpp"
#include "core/jinja/number.hpp"

#include <algorithm>
#include <memory>

namespace gpustack::jinja::jmespath {

namespace {

enum class Kind : std::uint8_t {
  end,
  name,
  quoted,
  number,
  literal,
  raw,
  dot,
  star,
  flatten,
  filter,
  left_bracket,
  right_bracket,
  left_brace,
  right_brace,
  left_paren,
  right_paren,
  comma,
  colon,
  pipe,
  logic_or,
  logic_and,
  logic_not,
  current,
  expression,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
};

struct Token {
  Kind kind = Kind::end;
  std::string text;
  std::size_t at = 0;
};

Error bad(std::string_view query, std::size_t at, const std::string& what) {
  return Error(
      ErrorCode::filter_failed,
      "bad query '" + std::string(query) + "': " + what + " at position " + std::to_string(at));
}

bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

struct Sign {
  std::string_view text;
  Kind kind;
};

constexpr Sign kSigns[] = {
    {"[?", Kind::filter},      {"[]", Kind::flatten},      {"||", Kind::logic_or},
    {"&&", Kind::logic_and},   {"==", Kind::eq},           {"!=", Kind::ne},
    {"<=", Kind::le},          {">=", Kind::ge},           {"<", Kind::lt},
    {">", Kind::gt},           {".", Kind::dot},           {"*", Kind::star},
    {"[", Kind::left_bracket}, {"]", Kind::right_bracket}, {"{", Kind::left_brace},
    {"}", Kind::right_brace},  {"(", Kind::left_paren},    {")", Kind::right_paren},
    {",", Kind::comma},        {":", Kind::colon},         {"|", Kind::pipe},
    {"!", Kind::logic_not},    {"@", Kind::current},       {"&", Kind::expression}};

/// Text in quotes that begins at `at`, which moves behind it.
Result<Token> quoted_token(std::string_view query, std::size_t& at) {
  const std::size_t begin = at;
  const char quote = query[at];
  Token out{quote == '"' ? Kind::quoted : quote == '\'' ? Kind::raw : Kind::literal, "", begin};
  for (++at; at < query.size() && query[at] != quote; ++at) {
    // Raw text knows no escape but the quote; JSON reads the others itself.
    if (query[at] == '\\' && at + 1 < query.size()) {
      if (query[at + 1] == quote && quote != '"') {
        ++at;
      } else {
        out.text += query[at++];
      }
    }
    out.text += query[at];
  }
  if (at >= query.size()) return bad(query, begin, "a quote has no end");
  ++at;
  return out;
}

/// The token that begins at `at`, which moves behind it.
Result<Token> take_token(std::string_view query, std::size_t& at) {
  const std::size_t begin = at;
  const char c = query[at];
  if (name_start(c)) {
    while (at < query.size() && (name_start(query[at]) || digit(query[at]))) ++at;
    return Token{Kind::name, std::string(query.substr(begin, at - begin)), begin};
  }
  if (digit(c) || (c == '-' && at + 1 < query.size() && digit(query[at + 1]))) {
    ++at;
    while (at < query.size() && digit(query[at])) ++at;
    return Token{Kind::number, std::string(query.substr(begin, at - begin)), begin};
  }
  if (c == '"' || c == '\'' || c == '`') return quoted_token(query, at);
  const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns), [&](const Sign& one) {
    return query.substr(begin).starts_with(one.text);
  });
  if (sign == std::end(kSigns)) return bad(query, at, std::string("unexpected '") + c + "'");
  at += sign->text.size();
  return Token{sign->kind, std::string(sign->text), begin};
}

Result<std::vector<Token>> tokenize(std::string_view query) {
  std::vector<Token> out;
  for (std::size_t at = 0;;) {
    at = std::min(query.find_first_not_of(" \t\n\r", at), query.size());
    if (at == query.size()) break;
    GS_TRY(Token token, take_token(query, at));
    out.push_back(std::move(token));
  }
  out.push_back({Kind::end, "", query.size()});
  return out;
}

int power(Kind kind) {
  switch (kind) {
    case Kind::pipe:
      return 1;
    case Kind::logic_or:
      return 2;
    case Kind::logic_and:
      return 3;
    case Kind::eq:
    case Kind::ne:
    case Kind::lt:
    case Kind::le:
    case Kind::gt:
    case Kind::ge:
      return 5;
    case Kind::flatten:
      return 9;
    case Kind::star:
      return 20;
    case Kind::filter:
      return 21;
    case Kind::dot:
      return 40;
    case Kind::left_brace:
      return 50;
    case Kind::left_bracket:
      return 55;
    case Kind::left_paren:
      return 60;
    default:
      return 0;
  }
}

NodePtr make(NodeKind kind, std::vector<NodePtr> children = {}) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->children = std::move(children);
  return node;
}

template <typename... Children>
NodePtr with(NodeKind kind, Children... children) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  (node->children.push_back(std::move(children)), ...);
  return node;
}

class QueryParser {
 public:
  QueryParser(std::string_view query, std::vector<Token> tokens)
      : query_(query), tokens_(std::move(tokens)) {}

  Result<NodePtr> all() {
    GS_TRY(NodePtr node, expression(0));
    if (now().kind != Kind::end) return unexpected();
    return node;
  }

 private:
  [[nodiscard]] const Token& now() const { return tokens_[at_]; }
  [[nodiscard]] const Token& ahead(std::size_t count = 1) const {
    return tokens_[std::min(at_ + count, tokens_.size() - 1)];
  }
  Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  [[nodiscard]] Error unexpected() const {
    return bad(query_,
               now().at,
               now().kind == Kind::end ? "it ends too early" : "unexpected '" + now().text + "'");
  }
  Result<void> expect(Kind kind) {
    if (now().kind != kind) return unexpected();
    take();
    return {};
  }

  Result<NodePtr> expression(int binding) {
    if (++depth_ > 100) return bad(query_, now().at, "it is nested too deeply");
    GS_TRY(NodePtr left, prefix());
    while (binding < power(now().kind)) {
      GS_TRY(left, infix(std::move(left)));
    }
    --depth_;
    return left;
  }

  Result<NodePtr> prefix() {
    const Token token = take();
    switch (token.kind) {
      case Kind::name:
      case Kind::quoted: {
        auto node = make(NodeKind::field);
        node->text = token.text;
        if (token.kind == Kind::quoted) {
          GS_TRY(const Value text, parse_json("\"" + token.text + "\""));
          node->text = text.as_string();
        }
        return node;
      }
      case Kind::raw: {
        auto node = make(NodeKind::literal);
        node->value = Value(token.text);
        return node;
      }
      case Kind::literal: {
        auto node = make(NodeKind::literal);
        auto value = parse_json(token.text);
        node->value = value ? std::move(*value) : Value(token.text);
        return node;
      }
      case Kind::current:
        return make(NodeKind::current);
      case Kind::star: {
        GS_TRY(NodePtr right, projection_right(power(Kind::star)));
        return with(NodeKind::value_projection, make(NodeKind::current), std::move(right));
      }
      case Kind::filter:
        return filter(make(NodeKind::current));
      case Kind::flatten: {
        GS_TRY(NodePtr right, projection_right(power(Kind::flatten)));
        return with(NodeKind::projection,
                    with(NodeKind::flatten, make(NodeKind::current)),
                    std::move(right));
      }
      case Kind::left_bracket:
        if (now().kind == Kind::number || now().kind == Kind::colon)
          return index(make(NodeKind::current));
        if (now().kind == Kind::star && ahead().kind == Kind::right_bracket) {
          take();
          take();
          GS_TRY(NodePtr right, projection_right(power(Kind::star)));
          return with(NodeKind::projection, make(NodeKind::current), std::move(right));
        }
        return multi_list();
      case Kind::left_brace:
        return multi_map();
      case Kind::left_paren: {
        GS_TRY(NodePtr inner, expression(0));
        GS_TRY_VOID(expect(Kind::right_paren));
        return inner;
      }
      case Kind::logic_not: {
        GS_TRY(NodePtr operand, expression(45));
        return with(NodeKind::logic_not, std::move(operand));
      }
      case Kind::expression: {
        GS_TRY(NodePtr operand, expression(0));
        return with(NodeKind::expression, std::move(operand));
      }
      default:
        return bad(
            query_,
            token.at,
            token.kind == Kind::end ? "it ends too early" : "unexpected '" + token.text + "'");
    }
  }

  Result<NodePtr> infix(NodePtr left) {
    const Token token = take();
    switch (token.kind) {
      case Kind::dot: {
        if (now().kind == Kind::star) {
          take();
          GS_TRY(NodePtr right, projection_right(power(Kind::star)));
          return with(NodeKind::value_projection, std::move(left), std::move(right));
        }
        GS_TRY(NodePtr right, after_dot(power(Kind::dot)));
        return with(NodeKind::chain, std::move(left), std::move(right));
      }
      case Kind::pipe: {
        GS_TRY(NodePtr right, expression(power(Kind::pipe)));
        return with(NodeKind::chain, std::move(left), std::move(right));
      }
      case Kind::logic_or:
      case Kind::logic_and: {
        GS_TRY(NodePtr right, expression(power(token.kind)));
        return with(token.kind == Kind::logic_or ? NodeKind::logic_or : NodeKind::logic_and,
                    std::move(left),
                    std::move(right));
      }
      case Kind::eq:
      case Kind::ne:
      case Kind::lt:
      case Kind::le:
      case Kind::gt:
      case Kind::ge: {
        GS_TRY(NodePtr right, expression(power(token.kind)));
        NodePtr node = with(NodeKind::compare, std::move(left), std::move(right));
        node->text = token.text;
        return node;
      }
      case Kind::flatten: {
        GS_TRY(NodePtr right, projection_right(power(Kind::flatten)));
        return with(
            NodeKind::projection, with(NodeKind::flatten, std::move(left)), std::move(right));
      }
      case Kind::filter:
        return filter(std::move(left));
      case Kind::left_bracket:
        if (now().kind == Kind::number || now().kind == Kind::colon) return index(std::move(left));
        GS_TRY_VOID(expect(Kind::star));
        GS_TRY_VOID(expect(Kind::right_bracket));
        {
          GS_TRY(NodePtr right, projection_right(power(Kind::star)));
          return with(NodeKind::projection, std::move(left), std::move(right));
        }
      case Kind::left_paren: {
        if (left->kind != NodeKind::field)
          return bad(query_, token.at, "only a name can be called");
        auto node = make(NodeKind::call);
        node->text = left->text;
        while (now().kind != Kind::right_paren) {
          if (!node->children.empty()) GS_TRY_VOID(expect(Kind::comma));
          GS_TRY(NodePtr argument, expression(0));
          node->children.push_back(std::move(argument));
        }
        take();
        return node;
      }
      default:
        return bad(query_, token.at, "unexpected '" + token.text + "'");
    }
  }

  Result<NodePtr> filter(NodePtr left) {
    GS_TRY(NodePtr condition, expression(0));
    GS_TRY_VOID(expect(Kind::right_bracket));
    GS_TRY(NodePtr right,
           now().kind == Kind::flatten ? Result<NodePtr>(make(NodeKind::current))
                                       : projection_right(power(Kind::filter)));
    return with(NodeKind::filter, std::move(left), std::move(right), std::move(condition));
  }

  Result<NodePtr> index(NodePtr left) {
    if (now().kind == Kind::number && ahead().kind == Kind::right_bracket) {
      auto node = with(NodeKind::index, std::move(left));
      node->value = Value(parse_integer(take().text).value_or(0));
      take();
      return node;
    }
    auto slice = with(NodeKind::slice, std::move(left));
    List parts(3);
    std::size_t part = 0;
    while (now().kind != Kind::right_bracket) {
      if (now().kind == Kind::number) {
        parts[part] = Value(parse_integer(take().text).value_or(0));
      } else if (now().kind == Kind::colon && part < 2) {
        take();
        ++part;
      } else {
        return unexpected();
      }
    }
    take();
    slice->value = Value(std::move(parts));
    GS_TRY(NodePtr right, projection_right(power(Kind::star)));
    return with(NodeKind::projection, std::move(slice), std::move(right));
  }

  Result<NodePtr> multi_list() {
    auto node = make(NodeKind::multi_list);
    do {
      GS_TRY(NodePtr item, expression(0));
      node->children.push_back(std::move(item));
      if (now().kind != Kind::comma) break;
      take();
    } while (true);
    GS_TRY_VOID(expect(Kind::right_bracket));
    return node;
  }

  Result<NodePtr> multi_map() {
    auto node = make(NodeKind::multi_map);
    while (true) {
      const Token key = take();
      if (key.kind != Kind::name && key.kind != Kind::quoted)
        return bad(query_, key.at, "expected a key");
      GS_TRY_VOID(expect(Kind::colon));
      GS_TRY(NodePtr item, expression(0));
      node->names.push_back(key.text);
      node->children.push_back(std::move(item));
      if (now().kind != Kind::comma) break;
      take();
    }
    GS_TRY_VOID(expect(Kind::right_brace));
    return node;
  }

  Result<NodePtr> after_dot(int binding) {
    if (now().kind == Kind::name || now().kind == Kind::quoted || now().kind == Kind::star)
      return expression(binding);
    if (now().kind == Kind::left_bracket) {
      take();
      return multi_list();
    }
    if (now().kind == Kind::left_brace) {
      take();
      return multi_map();
    }
    return unexpected();
  }

  Result<NodePtr> projection_right(int binding) {
    if (power(now().kind) < 10) return make(NodeKind::current);
    if (now().kind == Kind::left_bracket || now().kind == Kind::filter) return expression(binding);
    if (now().kind == Kind::dot) {
      take();
      return after_dot(binding);
    }
    return unexpected();
  }

  std::string_view query_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<NodePtr> parse(std::string_view query) {
  GS_TRY(std::vector<Token> tokens, tokenize(query));
  return QueryParser(query, std::move(tokens)).all();
}

}  // namespace gpustack::jinja::jmespath

namespace gpustack::jinja {

Result<Value> jmespath_search(std::string_view query, const Value& data) {
  GS_TRY(const jmespath::NodePtr tree, jmespath::parse(query));
  return jmespath::evaluate(*tree, data);
}

}  // namespace gpustack::jinja
