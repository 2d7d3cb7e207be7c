// indent, truncate, wordwrap, comment
#include "core/jinja/filters/tables.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"
#include "core/jinja/text.hpp"
#include "core/regex/regex.hpp"

#include <algorithm>

namespace gpustack::jinja {

namespace {

Result<Value> indent(Invocation& call) {
  if (!call.input.is_string()) return call.wrong_type("a string", call.input);
  const Value width = call.arg(0, Value(4));
  std::string prefix;
  if (width.is_string()) {
    prefix = width.as_string();
  } else {
    GS_TRY(const std::int64_t spaces, call.integer(0, 4));
    prefix.assign(static_cast<std::size_t>(std::clamp<std::int64_t>(spaces, 0, 100'000)), ' ');
  }
  const bool first = call.flag(1);
  const bool blank = call.flag(2);
  const std::vector<std::string> lines = split_lines(call.input.as_string() + "\n");
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) {
      out += '\n';
      if (blank || !lines[i].empty()) out += prefix;
    }
    out += lines[i];
  }
  return Value(first ? prefix + out : out);
}

Result<Value> truncate(Invocation& call) {
  GS_TRY_VOID(require_defined(call.input));
  const bool has_length = call.input.is_string() || call.input.is_list() || call.input.is_map();
  if (!has_length) return call.wrong_type("a string", call.input);
  GS_TRY(const std::int64_t length, call.integer(0, 255));
  GS_TRY(const std::string end, call.text(2, "..."));
  GS_TRY(const std::int64_t leeway, call.integer(3, 5));
  const auto size = static_cast<std::int64_t>(
      call.input.is_string() ? code_points(call.input.as_string()) : call.input.size());
  const auto end_size = static_cast<std::int64_t>(code_points(end));
  if (length < end_size)
    return call.fail("expected a length of at least " + std::to_string(end_size) + ", found " +
                     std::to_string(length));
  if (size <= length + leeway) return call.input;
  if (!call.input.is_string()) return call.wrong_type("a string", call.input);
  std::string head = pick_code_points(call.input.as_string(), 0, 1, length - end_size);
  if (!call.flag(1)) {
    const std::size_t space = head.rfind(' ');
    if (space != std::string::npos) head.resize(space);
  }
  return Value(head + end);
}

/// Pieces a line may be broken between: words, spaces, dashes, and parts of hyphenated words.
/// @source Python 3.11, textwrap.TextWrapper._split
Result<std::vector<std::string>> chunks_of(const std::string& line, bool break_on_hyphens) {
  static const regex::Pattern kAtHyphens = *regex::Pattern::compile(
      "([\\t\\n\\x0b\\x0c\\r ]+"
      "|(?<=[\\w!\"'&.,?])-{2,}(?=\\w)"
      "|[^\\t\\n\\x0b\\x0c\\r ]+?(?:"
      "-(?:(?<=[^\\d\\W]{2}-)|(?<=[^\\d\\W]-[\\w!\"'&.,?]-))(?=[^\\d\\W]-?[^\\d\\W])"
      "|(?=[\\t\\n\\x0b\\x0c\\r ]|\\Z)"
      "|(?<=[\\w!\"'&.,?])(?=-{2,}\\w)))");
  static const regex::Pattern kAtSpaces =
      *regex::Pattern::compile("[\\t\\n\\x0b\\x0c\\r ]+|[^\\t\\n\\x0b\\x0c\\r ]+");
  GS_TRY(const auto matches, (break_on_hyphens ? kAtHyphens : kAtSpaces).find_all(line));
  std::vector<std::string> chunks;
  chunks.reserve(matches.size());
  for (const regex::Match& match : matches) chunks.emplace_back(match.text(0));
  return chunks;
}

bool is_blank(const std::string& text) { return strip(text).empty(); }

struct WrapRules {
  std::size_t width = 79;
  bool break_long_words = true;
  bool break_on_hyphens = true;
};

/// Where a word that is too long is cut, in code points. @source TextWrapper._handle_long_word
std::size_t cut_of(const std::string& word, std::size_t room, const WrapRules& rules) {
  if (!rules.break_on_hyphens || code_points(word) <= room) return room;
  const std::string head = word.substr(0, code_point_offset(word, room));
  const std::size_t hyphen = head.rfind('-');
  const bool cuts_there =
      hyphen != std::string::npos && hyphen > 0 && head.find_first_not_of('-') < hyphen;
  return cuts_there ? code_points(head.substr(0, hyphen)) + 1 : room;
}

/// Takes the pieces of one line off the end of the chunks, which are in reverse.
std::string take_line(std::vector<std::string>& chunks, const WrapRules& rules) {
  std::vector<std::string> current;
  std::size_t length = 0;
  while (!chunks.empty()) {
    const std::size_t size = code_points(chunks.back());
    if (length + size > rules.width) break;
    current.push_back(std::move(chunks.back()));
    chunks.pop_back();
    length += size;
  }
  const bool too_long = !chunks.empty() && code_points(chunks.back()) > rules.width;
  if (too_long && rules.break_long_words) {
    const std::size_t cut = cut_of(chunks.back(), rules.width - length, rules);
    const std::size_t bytes = code_point_offset(chunks.back(), cut);
    current.push_back(chunks.back().substr(0, bytes));  // may be empty, and then stands for a blank
    chunks.back().erase(0, bytes);
  } else if (too_long && current.empty()) {
    current.push_back(std::move(chunks.back()));
    chunks.pop_back();
  }
  if (!current.empty() && is_blank(current.back())) current.pop_back();
  std::string line;
  for (const std::string& piece : current) line += piece;
  return line;
}

/// @source Python 3.11, textwrap.TextWrapper._wrap_chunks
Result<std::vector<std::string>> wrap_line(const std::string& line, const WrapRules& rules) {
  GS_TRY(std::vector<std::string> chunks, chunks_of(line, rules.break_on_hyphens));
  std::reverse(chunks.begin(), chunks.end());
  std::vector<std::string> lines;
  while (!chunks.empty()) {
    if (is_blank(chunks.back()) && !lines.empty()) chunks.pop_back();
    std::string next = take_line(chunks, rules);
    if (!next.empty()) lines.push_back(std::move(next));
  }
  return lines;
}

Result<Value> wordwrap(Invocation& call) {
  if (!call.input.is_string()) return call.wrong_type("a string", call.input);
  GS_TRY(const std::int64_t width, call.integer(0, 79));
  GS_TRY(const std::string separator, call.text(2, "\n"));
  if (width < 1) return call.fail("expected a width of at least 1, found " + std::to_string(width));
  const WrapRules rules{static_cast<std::size_t>(width), call.flag(1, true), call.flag(3, true)};
  std::string out;
  bool first = true;
  for (const std::string& line : split_lines(call.input.as_string())) {
    if (!std::exchange(first, false)) out += separator;
    bool first_piece = true;
    GS_TRY(const auto pieces, wrap_line(line, rules));
    for (const std::string& piece : pieces) {
      if (!std::exchange(first_piece, false)) out += separator;
      out += piece;
    }
  }
  return Value(std::move(out));
}

struct CommentStyle {
  std::string_view name, beginning, decoration, end;
};

constexpr CommentStyle kStyles[] = {
    {"plain", "", "# ", ""},
    {"erlang", "", "% ", ""},
    {"c", "", "// ", ""},
    {"cblock", "/*", " * ", " */"},
    {"xml", "<!--", " - ", "-->"},
};

std::string repeat(std::string_view text, std::int64_t count) {
  std::string out;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(count, 10'000); ++i) out += text;
  return out;
}

Result<Value> comment(Invocation& call) {
  if (!call.input.is_string()) return call.wrong_type("a string", call.input);
  const std::string& text = call.input.as_string();
  GS_TRY(const std::string name, call.text(0, "plain"));
  const auto* style = std::find_if(std::begin(kStyles),
                                   std::end(kStyles),
                                   [&](const CommentStyle& row) { return row.name == name; });
  if (style == std::end(kStyles))
    return call.fail("has no style '" + name + "': expected plain, erlang, c, cblock or xml");
  GS_TRY(const std::string decoration, call.text(1, style->decoration));
  const std::string_view bare = strip(decoration, {}, Side::right);
  GS_TRY(const std::string newline, call.text(2, "\n"));
  GS_TRY(const std::string beginning, call.text(3, style->beginning));
  GS_TRY(const std::string prefix, call.text(4, bare));
  GS_TRY(const std::int64_t prefix_count, call.integer(5, 1));
  GS_TRY(const std::string postfix, call.text(6, bare));
  GS_TRY(const std::int64_t postfix_count, call.integer(7, 1));
  GS_TRY(const std::string end, call.text(8, style->end));
  std::string out;
  if (!beginning.empty()) out += beginning + newline;
  if (!prefix.empty()) out += repeat(prefix != newline ? prefix + newline : newline, prefix_count);
  std::string body = decoration + replace_all(text, newline, newline + decoration);
  if (!decoration.empty())
    body = replace_all(body, decoration + newline, std::string(bare) + newline);
  out += body;
  out += repeat(newline + postfix, postfix_count);
  if (!end.empty()) out += newline + end;
  return Value(std::move(out));
}

constexpr FilterRow kRows[] = {
    {"indent", indent, "width first blank"},
    {"truncate", truncate, "length killwords end leeway"},
    {"wordwrap", wordwrap, "width break_long_words wrapstring break_on_hyphens"},
    {"comment",
     comment,
     "style decoration newline beginning prefix prefix_count postfix postfix_count end"},
};

}  // namespace

FilterTable layout_filters() { return kRows; }

}  // namespace gpustack::jinja
