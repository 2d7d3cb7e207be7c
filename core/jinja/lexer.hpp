#pragma once
/// @file Template text to tokens, with Jinja2's rules on delimiters and white space.

#include "core/base/result.hpp"
#include "core/jinja/jinja.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace gpustack::jinja {

enum class TokenKind : std::uint8_t {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  add,
  sub,
  mul,
  div,
  floor_div,
  mod,
  pow,
  tilde,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  assign,
  dot,
  comma,
  colon,
  semicolon,
  pipe,
  left_paren,
  right_paren,
  left_bracket,
  right_bracket,
  left_brace,
  right_brace,
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  bool in_variable = false;  ///< inside `{{ }}` (and not `{% %}`)
  std::uint32_t offset = 0;
  std::string_view text;  ///< a view into the source; for strings with their quotes
};

/// What a user would call the token, for messages.
std::string describe(const Token& token);

/// A fault in the text: where it is, how long, and what is wrong.
struct SyntaxFault {
  std::uint32_t offset = 0;
  std::uint32_t length = 1;
  std::string message;
};

class Lexer {
 public:
  Lexer(std::string_view source, const Options& options) : source_(source), options_(options) {}

  /// A whole template. The views in the tokens live as long as the source.
  tl::expected<std::vector<Token>, SyntaxFault> template_tokens();
  /// One expression without delimiters.
  tl::expected<std::vector<Token>, SyntaxFault> expression_tokens();

 private:
  using Step = tl::expected<void, SyntaxFault>;
  enum class Tag : std::uint8_t { variable, block, comment };

  Step root();
  Step inside(Tag tag);
  Step comment();
  Step raw(std::size_t tag_begin);
  Step token();
  bool skip_space();
  Step string_token();
  void number_token();
  /// Behind the digits, the `0x1f` or the `e-3` at a place; the place itself when there are none.
  [[nodiscard]] std::size_t skip_digits(std::size_t at) const;
  [[nodiscard]] std::size_t skip_based_number(std::size_t begin) const;
  [[nodiscard]] std::size_t skip_exponent(std::size_t at) const;
  bool find_tag(std::size_t from, std::size_t& at, Tag& tag) const;
  [[nodiscard]] std::size_t start_size(Tag tag) const;
  /// The `-` or `+` of a tag or number at `at`, which moves behind it; 0 when there is none.
  char take_sign(std::size_t& at) const;
  Step after_start(Tag tag, std::size_t tag_begin);
  bool raw_follows(std::size_t at, std::size_t& after) const;
  void add_data(std::size_t from, std::size_t to, char sign, bool strip_line);
  bool end_tag(Tag tag);
  bool match_end(std::size_t& position,
                 std::string_view end,
                 bool trims_newline,
                 bool plus_allowed) const;
  void add(TokenKind kind, std::size_t offset, std::size_t length);
  [[nodiscard]] SyntaxFault fault(std::size_t offset,
                                  std::size_t length,
                                  std::string message) const;

  std::string_view source_;
  const Options& options_;
  std::size_t position_ = 0;
  std::size_t limit_ = 0;
  bool line_start_ = true;
  bool in_variable_ = false;
  std::vector<char> open_;
  std::vector<Token> tokens_;
};

}  // namespace gpustack::jinja
