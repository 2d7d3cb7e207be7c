#include "modules/sdk/literal.hpp"

#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr int kMaxDepth = 100;

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<Value> whole() {
    GS_TRY(Value value, any(0));
    skip();
    if (!rest_.empty()) return problem("unexpected '" + std::string(rest_.substr(0, 10)) + "'");
    return value;
  }

 private:
  static Error problem(const std::string& what) { return Error(ErrorCode::invalid_argument, "not a literal: " + what); }
  void skip() { rest_ = trim_left(rest_); }
  bool take(char c) {
    skip();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<Value> any(int depth) {
    if (depth > kMaxDepth) return problem("nested too deep");
    skip();
    if (rest_.empty()) return problem("the text ends early");
    const char c = rest_[0];
    if (c == '\'' || c == '"') return text();
    if (c == '{') return map(depth);
    if (c == '[') return list(depth, ']');
    if (c == '(') return list(depth, ')');
    return word();
  }

  Result<Value> text() {
    const char quote = rest_[0];
    std::string out;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != quote; ++i) {
      if (rest_[i] != '\\' || i + 1 == rest_.size()) {
        out += rest_[i];
        continue;
      }
      const char c = rest_[++i];
      switch (c) {
        case 'n':
          out += '\n';
          break;
        case 't':
          out += '\t';
          break;
        case 'r':
          out += '\r';
          break;
        case '\\':
        case '\'':
        case '"':
          out += c;
          break;
        default:
          out += '\\';
          out += c;
      }
    }
    if (i >= rest_.size()) return problem("a quote is not closed");
    rest_.remove_prefix(i + 1);
    return Value(std::move(out));
  }

  Result<Value> list(int depth, char end) {
    rest_.remove_prefix(1);
    List items;
    bool had_comma = false;
    while (!take(end)) {
      if (!items.empty() && !had_comma) return problem("expected ',' between items");
      GS_TRY(Value item, any(depth + 1));
      items.push_back(std::move(item));
      had_comma = take(',');
    }
    if (end == ')' && items.size() == 1 && !had_comma) return items[0];
    return Value(std::move(items));
  }

  Result<Value> map(int depth) {
    rest_.remove_prefix(1);
    Map entries;
    bool had_comma = true;
    while (!take('}')) {
      if (!had_comma) return problem("expected ',' between entries");
      GS_TRY(Value key, any(depth + 1));
      if (!take(':')) return problem("expected ':' after a key");
      GS_TRY(Value value, any(depth + 1));
      entries.set(std::move(key), std::move(value));
      had_comma = take(',');
    }
    return Value(std::move(entries));
  }

  Result<Value> word() {
    const std::size_t end = std::min(rest_.find_first_of(",:]}) \t\r\n"), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (found == "True") return Value(true);
    if (found == "False") return Value(false);
    if (found == "None") return Value();
    if (const auto number = parse_integer(found)) return Value(*number);
    if (const auto number = parse_real(found)) return Value(*number);
    return problem("unknown word '" + std::string(found) + "'");
  }

  std::string_view rest_;
};

}  // namespace

Result<Value> parse_python_literal(std::string_view text) { return Parser(text).whole(); }

}  // namespace gpustack::modules
