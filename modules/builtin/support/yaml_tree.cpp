#include "modules/builtin/support/yaml_tree.hpp"

#include "modules/builtin/support/yaml_scalar.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< before the line's end
  std::size_t indent = 0;
  bool is_blank = false;  ///< nothing but blanks or a comment
  bool is_empty = false;  ///< nothing but blanks
};

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t newline = std::min(text.find('\n', at), text.size());
    Line line{.begin = at, .end = newline};
    if (line.end > line.begin && text[line.end - 1] == '\r') --line.end;
    const std::string_view content = text.substr(line.begin, line.end - line.begin);
    line.indent = std::min(content.find_first_not_of(' '), content.size());
    const std::string_view rest = trim(content);
    line.is_empty = rest.empty();
    line.is_blank = rest.empty() || rest[0] == '#';
    lines.push_back(line);
    at = newline + 1;
  }
  return lines;
}

bool is_item(std::string_view text) { return text == "-" || text.starts_with("- "); }

/// Where the colon of a key is; nothing when the text begins no entry of a map.
std::optional<std::size_t> colon_of(std::string_view text) {
  const auto is_colon = [&](std::size_t at) {
    return at < text.size() && text[at] == ':' && (at + 1 == text.size() || text[at + 1] == ' ');
  };
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    std::size_t length = 0;
    if (!read_flow(text, length)) return std::nullopt;
    const std::size_t colon = std::min(text.find_first_not_of(' ', length), text.size());
    return is_colon(colon) ? std::optional(colon) : std::nullopt;
  }
  if (text.empty() || std::string_view("[{|>#%@`").find(text[0]) != std::string_view::npos)
    return std::nullopt;
  const std::size_t end = plain_end(text);
  for (std::size_t at = text.find(':'); at < end; at = text.find(':', at + 1)) {
    if (is_colon(at)) return at;
  }
  return std::nullopt;
}

bool may_have_anchor(std::string_view text) {
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    const bool starts =
        at == 0 || std::string_view(" \t\n,[{-").find(text[at - 1]) != std::string_view::npos;
    if (starts && at + 1 < text.size() && text[at + 1] != ' ') return true;
  }
  return false;
}

}  // namespace

class YamlReader {
 public:
  explicit YamlReader(std::string_view text) : text_(text), lines_(lines_of(text)) {}

  Result<YamlTree> read() {
    GS_TRY_VOID(find_document());
    next_ = first_;
    skip_blank();
    tree_.end_ = last_ == 0 ? 0 : std::min(next_begin(last_ - 1), text_.size());
    if (next_ >= last_) {
      tree_.empty_ = true;
      tree_.nodes_.emplace_back();
      tree_.nodes_[0].begin = tree_.nodes_[0].end = tree_.end_;
      return std::move(tree_);
    }
    GS_TRY_VOID(node_at(next_, lines_[next_].indent, -1));
    skip_blank();
    if (next_ < last_) return broken(next_, "is indented like nothing above it");
    return std::move(tree_);
  }

 private:
  static constexpr int kDepth = 64;

  [[nodiscard]] std::string_view from(std::size_t line, std::size_t column) const {
    const Line& one = lines_[line];
    return text_.substr(one.begin + column, one.end - one.begin - column);
  }

  [[nodiscard]] std::size_t next_begin(std::size_t line) const {
    return line + 1 < lines_.size() ? lines_[line + 1].begin : text_.size();
  }

  [[nodiscard]] Error broken(std::size_t line, const std::string& what) const {
    return Error(ErrorCode::module_failed,
                 "line " + std::to_string(line + 1) + " " + what + ": '" +
                     std::string(trim(from(line, 0))) + "'")
        .hint("yaml_file edits maps and lists in block style");
  }

  /// The lines of the only document.
  Result<void> find_document() {
    last_ = lines_.size();
    bool begun = false;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const std::string_view line = from(i, 0);
      if (line.starts_with('%') && !begun) return broken(i, "is a directive");
      const bool starts = line.starts_with("---") && (line.size() == 3 || line[3] == ' ');
      if (starts && begun) return broken(i, "begins a second document");
      if (starts) {
        if (plain_end(trim(line.substr(3))) > 0)
          return broken(i, "has content behind the document's start");
        first_ = i + 1;
      }
      if (line.starts_with("...")) {
        last_ = i;
        break;
      }
      begun = begun || !lines_[i].is_blank;
    }
    for (std::size_t i = last_ + 1; i < lines_.size(); ++i) {
      if (!lines_[i].is_blank) return broken(i, "begins a second document");
    }
    return {};
  }

  void skip_blank() {
    while (next_ < last_ && lines_[next_].is_blank) ++next_;
  }

  std::size_t add_node(std::size_t begin) {
    tree_.nodes_.emplace_back();
    tree_.nodes_.back().begin = tree_.nodes_.back().end = begin;
    return tree_.nodes_.size() - 1;
  }

  /// Reads what begins in this line and column; its further lines are indented deeper than
  /// `parent`.
  // NOLINTNEXTLINE(misc-no-recursion): bounded by kDepth
  Result<std::size_t> node_at(std::size_t line, std::size_t column, int parent) {
    const std::string_view text = from(line, column);
    if (text[0] == '\t') return broken(line, "is indented by a tab");
    if (++depth_ > kDepth) return broken(line, "is nested too deep");
    const bool is_list = is_item(text);
    if (text == "?" || text.starts_with("? ")) return broken(line, "is a key over several lines");
    const bool is_map = !is_list && text[0] != '&' && text[0] != '!' && colon_of(text);
    auto done =
        is_list || is_map ? collection(line, column, is_list) : inline_at(line, column, parent);
    --depth_;
    return done;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<std::size_t> collection(std::size_t line, std::size_t column, bool is_list) {
    const std::size_t index = add_node(lines_[line].begin + column);
    YamlNode node = tree_.nodes_[index];
    node.kind = is_list ? YamlNode::Kind::list : YamlNode::Kind::map;
    node.column = column;
    next_ = line;
    bool is_first = true;
    while (next_ < last_) {
      if (!is_first && lines_[next_].indent != column) {
        if (lines_[next_].indent > column)
          return broken(next_, "is indented like nothing above it");
        break;
      }
      if (from(next_, column).starts_with('\t')) return broken(next_, "is indented by a tab");
      if (is_item(from(next_, column)) != is_list) {
        // A list may stand as deep as the key above it; then the next key ends it.
        if (is_list) break;
        return broken(next_, "is an item between keys");
      }
      is_first = false;
      GS_TRY_VOID(part(node, column, is_list));
      skip_blank();
    }
    tree_.nodes_[index] = std::move(node);
    return index;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<void> part(YamlNode& node, std::size_t column, bool is_list) {
    const std::size_t line = next_;
    const std::string_view text = from(line, column);
    YamlNode::Part part;
    part.begin = lines_[line].begin + column;
    std::size_t head = 1;
    if (!is_list) {
      const auto colon = colon_of(text);
      if (!colon || text[0] == '&' || text[0] == '!') return broken(line, "is no key with a value");
      head = *colon + 1;
      GS_TRY(part.key, key_of(text.substr(0, *colon), line));
      for (const YamlNode::Part& other : node.parts) {
        if (to_text(other.key) == to_text(part.key)) return broken(line, "has a key once more");
      }
    }
    part.head = part.begin + head;
    GS_TRY(part.node, part_value(line, column, head, is_list));
    node.end = tree_.nodes_[part.node].end;
    node.has_anchor = node.has_anchor || tree_.nodes_[part.node].has_anchor;
    node.parts.push_back(std::move(part));
    return {};
  }

  [[nodiscard]] Result<Value> key_of(std::string_view text, std::size_t line) const {
    text = trim(text, " ");
    if (text.empty()) return broken(line, "has a value without a key");
    if (text[0] != '"' && text[0] != '\'') return plain_scalar(text);
    std::size_t length = 0;
    auto key = read_flow(text, length);
    if (!key || length != text.size()) return broken(line, "has a key that is not understood");
    return std::move(*key);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Result<std::size_t> part_value(std::size_t line,
                                 std::size_t column,
                                 std::size_t head,
                                 bool is_list) {
    const std::string_view rest = from(line, column + head);
    const std::size_t blanks = rest.find_first_not_of(" \t");
    const int parent = static_cast<int>(column);
    if (blanks != std::string_view::npos && rest[blanks] != '#') {
      const std::size_t place = column + head + blanks;
      if (is_list) return node_at(line, place, parent);
      return inline_at(line, place, parent);
    }
    next_ = line + 1;
    skip_blank();
    const bool deeper = next_ < last_ && lines_[next_].indent > column;
    const bool list_beside =
        !is_list && next_ < last_ && lines_[next_].indent == column && is_item(from(next_, column));
    if (deeper || list_beside) return node_at(next_, lines_[next_].indent, parent);
    next_ = line + 1;
    return add_node(lines_[line].begin + column + head);
  }

  /// Whether the value goes on below.
  bool goes_on(std::size_t line, int parent) {
    next_ = line + 1;
    skip_blank();
    const bool more = next_<last_&& static_cast<int>(lines_[next_].indent)> parent;
    next_ = line + 1;
    return more;
  }

  Result<std::size_t> inline_at(std::size_t line, std::size_t column, int parent) {
    const std::string_view text = from(line, column);
    const std::size_t index = add_node(lines_[line].begin + column);
    YamlNode& node = tree_.nodes_[index];
    const char first = text[0];
    if (first == '|' || first == '>') return literal(node, index, line, column, parent);
    if (std::string_view("@`%").find(first) != std::string_view::npos)
      return broken(line, "has a value that begins with a reserved character");
    if (first == '&' || first == '*' || first == '!') {
      const char* what = first == '&' ? "an anchor" : first == '*' ? "an alias" : "a tag";
      return opaque(node, index, line, parent, what);
    }
    const bool is_plain = std::string_view("\"'[{").find(first) == std::string_view::npos;
    std::size_t length = plain_end(text);
    if (is_plain) {
      if (colon_of(text)) return broken(line, "has a colon in a value without quotes");
      const bool has_lines = goes_on(line, parent) || has_wide_break(text.substr(0, length));
      if (has_lines) return plain_lines(node, index, line, parent);
      node.value = plain_scalar(text.substr(0, length));
    } else {
      auto value = read_flow(text, length);
      if (!value) return flow_lines(node, index, line, parent);
      const std::string_view rest = text.substr(length);
      if (!trim(rest).empty() && plain_end(rest) > 0)
        return broken(line, "has something behind its value");
      if (goes_on(line, parent)) return broken(line + 1, "goes on after a value");
      node.value = std::move(*value);
      node.is_flow = first == '[' || first == '{';
    }
    node.end = node.begin + length;
    return index;
  }

  /// Takes all lines that are indented deeper.
  void take_lines(YamlNode& node, std::size_t line, int parent) {
    std::size_t last = line;
    for (std::size_t i = line + 1; i < last_; ++i) {
      if (lines_[i].is_empty) continue;
      if (static_cast<int>(lines_[i].indent) <= parent) break;
      last = i;
    }
    node.end = lines_[last].end;
    next_ = last + 1;
  }

  std::size_t opaque(
      YamlNode& node, std::size_t index, std::size_t line, int parent, const char* what) {
    node.kind = YamlNode::Kind::opaque;
    node.value = Value::undefined(std::string(what) + ", line " + std::to_string(line + 1));
    take_lines(node, line, parent);
    node.has_anchor = may_have_anchor(text_.substr(node.begin, node.end - node.begin));
    return index;
  }

  Result<std::size_t> plain_lines(YamlNode& node, std::size_t index, std::size_t line, int parent) {
    opaque(node, index, line, parent, "a text over several lines");
    for (std::size_t i = line + 1; i < next_; ++i) {
      if (!lines_[i].is_blank && colon_of(from(i, lines_[i].indent)))
        return broken(i, "is a key within the text above it");
    }
    return index;
  }

  Result<std::size_t> flow_lines(YamlNode& node, std::size_t index, std::size_t line, int parent) {
    opaque(node, index, line, parent, "a value over several lines");
    const std::string_view value = text_.substr(node.begin, node.end - node.begin);
    const std::size_t end = end_of_flow(value);
    if (end == std::string_view::npos) return broken(line, "begins a value that has no end");
    for (std::string_view rest = value.substr(end); !rest.empty();) {
      const std::size_t newline = std::min(rest.find('\n'), rest.size());
      const std::string_view one = rest.substr(0, newline);
      if (!trim(one).empty() && plain_end(one) > 0)
        return broken(line, "has something behind its value");
      rest.remove_prefix(std::min(newline + 1, rest.size()));
    }
    return index;
  }

  Result<std::size_t> literal(
      YamlNode& node, std::size_t index, std::size_t line, std::size_t column, int parent) {
    const std::string_view text = from(line, column);
    const std::string_view header = text.substr(0, plain_end(text));
    if (header.find_first_not_of("|>+-") != std::string_view::npos || header.size() > 2)
      return opaque(node, index, line, parent, "a block with an indentation of its own");
    node.kind = YamlNode::Kind::literal;
    take_lines(node, line, parent);
    std::vector<std::string_view> body;
    std::optional<std::size_t> indent;
    for (std::size_t i = line + 1; i < next_; ++i) {
      if (!indent && !lines_[i].is_empty) indent = lines_[i].indent;
      body.push_back(lines_[i].is_empty ? std::string_view()
                                        : from(i, std::min(indent.value_or(0), lines_[i].indent)));
    }
    std::string value;
    bool was_folded = false;
    for (std::size_t i = 0; i < body.size(); ++i) {
      value += body[i];
      const bool is_last = i + 1 == body.size();
      if (header[0] == '>' && !is_last && !body[i].empty()) {
        if (body[i].starts_with(' ') || body[i + 1].starts_with(' ')) was_folded = true;
        if (!body[i + 1].empty()) value += ' ';
        continue;  // an empty line behind it stands for the line's end
      }
      value += '\n';
    }
    if (header.ends_with('-')) value.erase(trim_right(value, "\n").size());
    if (was_folded || header.ends_with('+')) {
      node.value = Value::undefined("a folded block, line " + std::to_string(line + 1));
    } else {
      node.value = Value(std::move(value));
    }
    return index;
  }

  std::string_view text_;
  std::vector<Line> lines_;
  YamlTree tree_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
  std::size_t next_ = 0;
  int depth_ = 0;
};

Result<YamlTree> YamlTree::parse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf"))
    return Error(ErrorCode::module_failed, "the file begins with a byte order mark")
        .hint("save it as UTF-8 without one");
  return YamlReader(text).read();
}

// NOLINTNEXTLINE(misc-no-recursion): the reader has bounded the depth
Value YamlTree::value(std::size_t index) const {
  const YamlNode& one = nodes_[index];
  if (one.kind == YamlNode::Kind::list) {
    Value out{List()};
    for (const YamlNode::Part& part : one.parts) out.push_back(value(part.node));
    return out;
  }
  if (one.kind != YamlNode::Kind::map) return one.value;
  Map out;
  for (const YamlNode::Part& part : one.parts) out.set(part.key, value(part.node));
  return Value(std::move(out));
}

}  // namespace gpustack::modules
