#include "core/jinja/lexer.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}
/// Bytes of the white space that begins at `at`, 0 where there is none: what `\\s` matches in
/// Python.
std::size_t space_size(std::string_view text, std::size_t at) {
  if (is_space(text[at]) || (text[at] >= '\x1c' && text[at] <= '\x1f')) return 1;
  const std::string_view rest = text.substr(at, 3);
  if (rest.starts_with("\u0085") || rest.starts_with("\u00a0")) return 2;
  if (rest.starts_with("\u1680") || rest.starts_with("\u205f") || rest.starts_with("\u3000"))
    return 3;
  const bool general = rest.size() == 3 && rest.starts_with("\xe2\x80");
  const auto last = static_cast<unsigned char>(general ? rest[2] : 0);
  return general && ((last >= 0x80 && last <= 0x8a) || last == 0xa8 || last == 0xa9 || last == 0xaf)
             ? 3
             : 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_char(char c) { return is_name_start(c) || is_digit(c); }

struct Operator {
  std::string_view text;
  TokenKind kind;
};

// Longest first.
constexpr Operator kOperators[] = {
    {"//", TokenKind::floor_div},  {"**", TokenKind::pow},         {"==", TokenKind::eq},
    {"!=", TokenKind::ne},         {"<=", TokenKind::le},          {">=", TokenKind::ge},
    {"+", TokenKind::add},         {"-", TokenKind::sub},          {"*", TokenKind::mul},
    {"/", TokenKind::div},         {"%", TokenKind::mod},          {"~", TokenKind::tilde},
    {"<", TokenKind::lt},          {">", TokenKind::gt},           {"=", TokenKind::assign},
    {".", TokenKind::dot},         {",", TokenKind::comma},        {":", TokenKind::colon},
    {";", TokenKind::semicolon},   {"|", TokenKind::pipe},         {"(", TokenKind::left_paren},
    {")", TokenKind::right_paren}, {"[", TokenKind::left_bracket}, {"]", TokenKind::right_bracket},
    {"{", TokenKind::left_brace},  {"}", TokenKind::right_brace},
};

char closing(char c) { return c == '(' ? ')' : c == '[' ? ']' : '}'; }

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end:
      return "end of template";
    case TokenKind::variable_end:
    case TokenKind::block_end:
      return "end of tag '" + std::string(token.text) + "'";
    case TokenKind::data:
      return "text";
    default:
      return "'" + std::string(token.text) + "'";
  }
}

SyntaxFault Lexer::fault(std::size_t offset, std::size_t length, std::string message) const {
  return SyntaxFault{static_cast<std::uint32_t>(std::min(offset, source_.size())),
                     static_cast<std::uint32_t>(std::max<std::size_t>(length, 1)),
                     std::move(message)};
}

void Lexer::add(TokenKind kind, std::size_t offset, std::size_t length) {
  tokens_.push_back(Token{
      kind, in_variable_, static_cast<std::uint32_t>(offset), source_.substr(offset, length)});
}

tl::expected<std::vector<Token>, SyntaxFault> Lexer::template_tokens() {
  limit_ = source_.size();
  // One line end at the end of the text is dropped; Ansible puts it back after rendering (see
  // Program::trailing_newlines).
  if (limit_ > 0 && source_[limit_ - 1] == '\n') --limit_;
  if (limit_ > 0 && limit_ < source_.size() && source_[limit_ - 1] == '\r') --limit_;
  if (auto done = root(); !done) return tl::unexpected(std::move(done).error());
  tokens_.push_back(Token{TokenKind::end, false, static_cast<std::uint32_t>(limit_), {}});
  return std::move(tokens_);
}

tl::expected<std::vector<Token>, SyntaxFault> Lexer::expression_tokens() {
  limit_ = source_.size();
  while (true) {
    skip_space();
    if (position_ >= limit_) break;
    if (auto done = token(); !done) return tl::unexpected(std::move(done).error());
  }
  if (!open_.empty()) {
    return tl::unexpected(
        fault(limit_,
              1,
              std::string("expected '") + open_.back() + "', found the end of the expression"));
  }
  tokens_.push_back(Token{TokenKind::end, false, static_cast<std::uint32_t>(limit_), {}});
  return std::move(tokens_);
}

bool Lexer::find_tag(std::size_t from, std::size_t& at, Tag& tag) const {
  struct Start {
    std::string_view text;
    Tag tag;
  };
  const Start starts[] = {{options_.variable_start, Tag::variable},
                          {options_.block_start, Tag::block},
                          {options_.comment_start, Tag::comment}};
  std::size_t best = std::string_view::npos;
  std::size_t best_length = 0;
  for (const Start& start : starts) {
    if (start.text.empty()) continue;
    const std::size_t found = source_.substr(0, limit_).find(start.text, from);
    if (found == std::string_view::npos) continue;
    // At the same place the longer delimiter wins.
    if (found < best || (found == best && start.text.size() > best_length)) {
      best = found;
      best_length = start.text.size();
      tag = start.tag;
    }
  }
  at = best;
  return best != std::string_view::npos;
}

void Lexer::add_data(std::size_t from, std::size_t to, char sign, bool strip_line) {
  std::size_t end = to;
  if (sign == '-') {
    while (end > from && is_space(source_[end - 1])) --end;
  } else if (strip_line && sign != '+') {
    std::size_t start = end;
    while (start > from && source_[start - 1] != '\n') --start;
    const bool whole_line = start > from || (start == from && line_start_);
    if (whole_line && std::all_of(source_.begin() + static_cast<std::ptrdiff_t>(start),
                                  source_.begin() + static_cast<std::ptrdiff_t>(end),
                                  is_space)) {
      end = start;
    }
  }
  if (end > from) add(TokenKind::data, from, end - from);
}

bool Lexer::match_end(std::size_t& position,
                      std::string_view end,
                      bool trims_newline,
                      bool plus_allowed) const {
  std::size_t at = position;
  char sign = 0;
  const std::string_view text = source_.substr(0, limit_);
  if (text.substr(at).starts_with(end)) {
    at += end.size();
  } else if (at < limit_ && (text[at] == '-' || (plus_allowed && text[at] == '+')) &&
             text.substr(at + 1).starts_with(end)) {
    sign = text[at];
    at += 1 + end.size();
  } else {
    return false;
  }
  if (sign == '-') {
    while (at < limit_ && is_space(text[at])) ++at;
  } else if (sign == 0 && trims_newline && options_.trim_blocks) {
    if (text.substr(at).starts_with("\r\n")) {
      at += 2;
    } else if (text.substr(at).starts_with("\n")) {
      at += 1;
    }
  }
  position = at;
  return true;
}

bool Lexer::raw_follows(std::size_t at, std::size_t& after) const {
  while (at < limit_ && is_space(source_[at])) ++at;
  if (!source_.substr(at, limit_ - at).starts_with("raw")) return false;
  at += 3;
  while (at < limit_ && is_space(source_[at])) ++at;
  const std::string_view text = source_.substr(0, limit_);
  if (text.substr(at).starts_with(options_.block_end)) {
    after = at + options_.block_end.size();
    return true;
  }
  if (at < limit_ && text[at] == '-' && text.substr(at + 1).starts_with(options_.block_end)) {
    after = at + 1 + options_.block_end.size();
    while (after < limit_ && is_space(text[after])) ++after;
    return true;
  }
  return false;
}

std::size_t Lexer::start_size(Tag tag) const {
  switch (tag) {
    case Tag::variable:
      return options_.variable_start.size();
    case Tag::block:
      return options_.block_start.size();
    default:
      return options_.comment_start.size();
  }
}

Lexer::Step Lexer::root() {
  while (position_ < limit_) {
    std::size_t at = 0;
    Tag tag = Tag::variable;
    if (!find_tag(position_, at, tag)) {
      add(TokenKind::data, position_, limit_ - position_);
      position_ = limit_;
      break;
    }
    std::size_t inner = at + start_size(tag);
    const char sign = take_sign(inner);
    add_data(position_, at, sign, options_.lstrip_blocks && tag != Tag::variable);
    position_ = inner;
    if (auto done = after_start(tag, at); !done) return done;
    line_start_ = position_ > 0 && source_[position_ - 1] == '\n';
  }
  return {};
}

char Lexer::take_sign(std::size_t& at) const {
  if (at >= limit_ || (source_[at] != '-' && source_[at] != '+')) return 0;
  return source_[at++];
}

Lexer::Step Lexer::after_start(Tag tag, std::size_t tag_begin) {
  if (tag == Tag::comment) return comment();
  std::size_t after = 0;
  if (tag == Tag::block && raw_follows(position_, after)) {
    position_ = after;
    return raw(tag_begin);
  }
  in_variable_ = tag == Tag::variable;
  add(in_variable_ ? TokenKind::variable_begin : TokenKind::block_begin,
      tag_begin,
      position_ - tag_begin);
  if (auto done = inside(tag); !done) return done;
  in_variable_ = false;
  return {};
}

Lexer::Step Lexer::comment() {
  const std::size_t begin = position_;
  for (; position_ < limit_; ++position_) {
    if (match_end(position_, options_.comment_end, true, true)) return {};
  }
  return tl::unexpected(
      fault(begin, 1, "this comment has no end: expected '" + options_.comment_end + "'"));
}

Lexer::Step Lexer::raw(std::size_t tag_begin) {
  const std::size_t begin = position_;
  const std::string_view text = source_.substr(0, limit_);
  for (std::size_t at = position_;; ++at) {
    at = text.find(options_.block_start, at);
    if (at == std::string_view::npos) break;
    std::size_t inner = at + options_.block_start.size();
    const char sign = take_sign(inner);
    while (inner < limit_ && is_space(text[inner])) ++inner;
    if (!text.substr(inner).starts_with("endraw")) continue;
    inner += 6;
    while (inner < limit_ && is_space(text[inner])) ++inner;
    if (!match_end(inner, options_.block_end, true, true)) continue;
    line_start_ = begin > 0 && text[begin - 1] == '\n';
    add_data(begin, at, sign, options_.lstrip_blocks);
    position_ = inner;
    return {};
  }
  return tl::unexpected(
      fault(tag_begin, options_.block_start.size(), "this raw block has no '{% endraw %}'"));
}

bool Lexer::end_tag(Tag tag) {
  if (!open_.empty()) return false;
  std::size_t after = position_;
  const bool block = tag == Tag::block;
  if (!match_end(after, block ? options_.block_end : options_.variable_end, block, block))
    return false;
  add(block ? TokenKind::block_end : TokenKind::variable_end, position_, after - position_);
  position_ = after;
  return true;
}

Lexer::Step Lexer::inside(Tag tag) {
  const std::size_t begin = position_;
  open_.clear();
  while (true) {
    if (end_tag(tag)) return {};
    if (position_ >= limit_) {
      const std::string& end = tag == Tag::block ? options_.block_end : options_.variable_end;
      if (!open_.empty()) {
        return tl::unexpected(
            fault(begin,
                  1,
                  std::string("expected '") + open_.back() + "', found the end of the template"));
      }
      return tl::unexpected(fault(begin, 1, "this tag has no end: expected '" + end + "'"));
    }
    if (skip_space()) continue;
    if (auto done = token(); !done) return done;
  }
}

bool Lexer::skip_space() {
  const std::size_t begin = position_;
  while (position_ < limit_) {
    const std::size_t size = space_size(source_, position_);
    if (size == 0) break;
    position_ += size;
  }
  return position_ > begin;
}

Lexer::Step Lexer::token() {
  const char c = source_[position_];
  if (is_name_start(c)) {
    std::size_t end = position_ + 1;
    while (end < limit_ && is_name_char(source_[end]) && space_size(source_, end) == 0) ++end;
    add(TokenKind::name, position_, end - position_);
    position_ = end;
    return {};
  }
  if (is_digit(c)) {
    number_token();
    return {};
  }
  if (c == '\'' || c == '"') return string_token();
  const std::string_view rest = source_.substr(position_, limit_ - position_);
  for (const Operator& op : kOperators) {
    if (!rest.starts_with(op.text)) continue;
    if (op.kind == TokenKind::left_paren || op.kind == TokenKind::left_bracket ||
        op.kind == TokenKind::left_brace) {
      open_.push_back(closing(c));
    } else if (op.kind == TokenKind::right_paren || op.kind == TokenKind::right_bracket ||
               op.kind == TokenKind::right_brace) {
      if (open_.empty())
        return tl::unexpected(fault(position_, 1, std::string("unexpected '") + c + "'"));
      if (open_.back() != c) {
        return tl::unexpected(fault(
            position_, 1, std::string("unexpected '") + c + "', expected '" + open_.back() + "'"));
      }
      open_.pop_back();
    }
    add(op.kind, position_, op.text.size());
    position_ += op.text.size();
    return {};
  }
  return tl::unexpected(fault(position_, 1, std::string("unexpected character '") + c + "'"));
}

Lexer::Step Lexer::string_token() {
  const char quote = source_[position_];
  for (std::size_t at = position_ + 1; at < limit_; ++at) {
    if (source_[at] == '\\') {
      ++at;
    } else if (source_[at] == quote) {
      add(TokenKind::string, position_, at + 1 - position_);
      position_ = at + 1;
      return {};
    }
  }
  return tl::unexpected(fault(position_, 1, std::string("this string has no closing ") + quote));
}

std::size_t Lexer::skip_digits(std::size_t at) const {
  const auto is_digit_at = [&](std::size_t i) { return i < limit_ && is_digit(source_[i]); };
  while (is_digit_at(at) || (at < limit_ && source_[at] == '_' && is_digit_at(at + 1))) ++at;
  return at;
}

std::size_t Lexer::skip_based_number(std::size_t begin) const {
  if (source_[begin] != '0' || begin + 1 >= limit_) return begin;
  const char base = static_cast<char>(source_[begin + 1] | 0x20);
  if (base != 'x' && base != 'o' && base != 'b') return begin;
  const auto belongs = [&](char c) {
    const char letter = static_cast<char>(c | 0x20);
    return is_digit(c) || c == '_' || (base == 'x' && letter >= 'a' && letter <= 'f');
  };
  std::size_t end = begin + 2;
  while (end < limit_ && belongs(source_[end])) ++end;
  return end > begin + 2 ? end : begin;
}

std::size_t Lexer::skip_exponent(std::size_t at) const {
  if (at >= limit_ || (source_[at] != 'e' && source_[at] != 'E')) return at;
  std::size_t digits = at + 1;
  take_sign(digits);
  return digits < limit_ && is_digit(source_[digits]) ? skip_digits(digits) : at;
}

void Lexer::number_token() {
  const std::size_t begin = position_;
  // `list.0.1` is two items, not the number 0.1.
  const bool after_dot = !tokens_.empty() && tokens_.back().kind == TokenKind::dot &&
                         tokens_.back().offset + 1 == begin;
  std::size_t end = skip_based_number(begin);
  TokenKind kind = TokenKind::integer;
  if (end == begin) {
    end = skip_digits(begin);
    const std::size_t whole = end;
    if (!after_dot) {
      if (end + 1 < limit_ && source_[end] == '.' && is_digit(source_[end + 1]))
        end = skip_digits(end + 1);
      end = skip_exponent(end);
    }
    if (end > whole) kind = TokenKind::real;
  }
  add(kind, begin, end - begin);
  position_ = end;
}

}  // namespace gpustack::jinja
