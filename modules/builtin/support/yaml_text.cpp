#include "modules/builtin/support/yaml_text.hpp"

#include "modules/builtin/support/yaml_scalar.hpp"
#include "modules/builtin/support/yaml_tree.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

bool is_collection(const Value& value) { return value.is_map() || value.is_list(); }

/// Writes values in block style.
class Emitter {
 public:
  std::string newline = "\n";
  std::size_t unit = 2;         ///< of a map in a map
  std::size_t list_offset = 2;  ///< of a list in a map

  /// The lines of a collection that is not empty; blanks in front of the first are up to `first`.
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the argument
  void block(std::string& out, const Value& value, std::size_t indent, bool pads_first) const {
    bool pads = pads_first;
    const auto pad = [&] {
      if (pads) out.append(indent, ' ');
      pads = true;
    };
    if (value.is_list()) {
      for (const Value& item : value.as_list()) {
        pad();
        out += '-';
        behind_dash(out, item, indent);
      }
      return;
    }
    for (const auto& [key, part] : value.as_map()) {
      pad();
      out += scalar_text(key) + ":";
      behind_key(out, part, indent, "");
    }
  }

  /// @param comment  goes to the end of the key's line
  // NOLINTNEXTLINE(misc-no-recursion)
  void behind_key(std::string& out,
                  const Value& value,
                  std::size_t indent,
                  const std::string& comment) const {
    if (suits_literal(value)) return literal(out, value, indent + unit, comment);
    if (!is_collection(value) || value.size() == 0) {
      out += " " + (is_collection(value) ? flow_text(value) : scalar_text(value));
      out += comment + newline;
      return;
    }
    out += comment + newline;
    block(out, value, indent + (value.is_list() ? list_offset : unit), true);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void behind_dash(std::string& out, const Value& value, std::size_t indent) const {
    if (!is_collection(value) || value.size() == 0) return behind_key(out, value, indent, "");
    out += ' ';
    block(out, value, indent + 2, false);
  }

 private:
  void literal(std::string& out,
               const Value& value,
               std::size_t indent,
               const std::string& comment) const {
    const std::string& text = value.as_string();
    out += (text.ends_with('\n') ? " |" : " |-") + comment + newline;
    for (const std::string& line : split(trim_right(text, "\n"), '\n'))
      out += (line.empty() ? "" : std::string(indent, ' ') + line) + newline;
  }
};

class YamlText : public DocumentText {
 public:
  YamlText(std::string text, int indent) {
    text_ = std::move(text);
    if (text_.find("\r\n") != std::string::npos) emit_.newline = "\r\n";
    emit_.unit = emit_.list_offset = static_cast<std::size_t>(indent);
    if (const auto tree = YamlTree::parse(text_)) find_style(*tree, 0);
  }

  [[nodiscard]] Result<Value> value() const override {
    GS_TRY(const YamlTree tree, YamlTree::parse(text_));
    return tree.value();
  }

  Result<void> put(const DataPath& path, const Value& value) override {
    GS_TRY(const YamlTree tree, YamlTree::parse(text_));
    const Place place = find(tree, path);
    const YamlNode& node = tree.node(place.node);
    if (place.steps == path.size()) return replace(tree, place, value);
    if (node.kind == YamlNode::Kind::line) {
      const Value whole = with_value(node.value, path, place.steps, value);
      text_.replace(node.begin, node.end - node.begin, flow_text(whole));
      return {};
    }
    std::string entry(node.column, ' ');
    if (node.kind == YamlNode::Kind::list) {
      entry += '-';
      emit_.behind_dash(entry, value, node.column);
    } else {
      entry += scalar_text(Value(path.back().key)) + ":";
      emit_.behind_key(entry, value, node.column, "");
    }
    text_.insert(line_end(node.end), emit_.newline + without_end(entry));
    return {};
  }

  Result<void> remove(const DataPath& path) override {
    GS_TRY(const YamlTree tree, YamlTree::parse(text_));
    DataPath above = path;
    above.pop_back();
    const Place place = find(tree, path);
    const YamlNode& node = tree.node(place.node);
    if (place.steps < path.size()) {
      const Value whole = without(node.value, path, place.steps);
      text_.replace(node.begin, node.end - node.begin, flow_text(whole));
      return {};
    }
    GS_TRY_VOID(check_free(node));
    const YamlNode& parent = tree.node(place.parent);
    if (parent.parts.size() == 1) {
      const Value none = parent.kind == YamlNode::Kind::map ? Value(Map()) : Value(List());
      return replace(tree, find(tree, above), none);
    }
    const YamlNode::Part& part = parent.parts[place.part];
    const std::size_t line = line_begin(part.begin);
    const bool begins_line = trim(std::string_view(text_).substr(line, part.begin - line)).empty();
    if (begins_line) {
      text_.erase(line, std::min(line_end(node.end, true), text_.size()) - line);
    } else {
      // The first key of a list's item: the next one takes its place behind the dash.
      text_.erase(part.begin, parent.parts[place.part + 1].begin - part.begin);
    }
    return {};
  }

 private:
  struct Place {
    std::size_t node = 0;    ///< the deepest that has lines of its own
    std::size_t steps = 0;   ///< how much of the path leads to it
    std::size_t parent = 0;  ///< and the part of it that it is, unless it is the root
    std::size_t part = 0;
  };

  static Place find(const YamlTree& tree, const DataPath& path) {
    Place place;
    for (const PathStep& step : path) {
      const auto& parts = tree.node(place.node).parts;
      std::size_t part = parts.size();
      if (step.kind == PathStep::Kind::key) {
        part = 0;
        while (part < parts.size() && to_text(parts[part].key) != step.key) ++part;
      } else {
        const auto count = static_cast<std::int64_t>(parts.size());
        part = static_cast<std::size_t>(step.index < 0 ? step.index + count : step.index);
      }
      if (part >= parts.size()) return place;
      place = Place{parts[part].node, place.steps + 1, place.node, part};
    }
    return place;
  }

  // NOLINTNEXTLINE(misc-no-recursion): the reader has bounded the depth
  bool find_style(const YamlTree& tree, std::size_t index) {
    const YamlNode& node = tree.node(index);
    bool has_unit = false;
    bool has_list = false;
    for (const YamlNode::Part& part : node.parts) {
      const YamlNode& below = tree.node(part.node);
      if (node.kind == YamlNode::Kind::map && below.kind == YamlNode::Kind::map && !has_unit) {
        emit_.unit = below.column - node.column;
        if (!found_list_) emit_.list_offset = emit_.unit;
        has_unit = true;
      }
      if (node.kind == YamlNode::Kind::map && below.kind == YamlNode::Kind::list && !has_list) {
        emit_.list_offset = below.column - node.column;
        has_list = found_list_ = true;
      }
      if ((has_unit && found_list_) || find_style(tree, part.node)) return true;
    }
    return has_unit && found_list_;
  }

  static std::string without_end(std::string text) {
    text.erase(trim_right(text, "\r\n").size());
    return text;
  }

  [[nodiscard]] std::size_t line_begin(std::size_t at) const {
    return at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;
  }

  [[nodiscard]] std::size_t line_end(std::size_t at, bool with_newline = false) const {
    const std::size_t newline = text_.find('\n', at);
    if (newline == std::string::npos) return text_.size();
    if (with_newline) return newline + 1;
    return newline > at && text_[newline - 1] == '\r' ? newline - 1 : newline;
  }

  [[nodiscard]] std::size_t line_number(std::size_t at) const {
    return 1 + static_cast<std::size_t>(std::count(
                   text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }

  Result<void> check_free(const YamlNode& node) const {
    if (!node.has_anchor) return {};
    return Error(ErrorCode::module_failed,
                 "the value at line " + std::to_string(line_number(node.begin)) +
                     " has an anchor, which other parts of the file may refer to; it is left as it "
                     "is")
        .hint("change a value below it, or write the file by a template");
  }

  /// @param from  what begins here, or in the line below, goes away
  void warn_of_comments(const YamlNode& node, std::size_t from) {
    if (node.kind != YamlNode::Kind::map && node.kind != YamlNode::Kind::list) return;
    const std::size_t begin = std::min(node.begin, line_end(from));
    const std::string_view old = std::string_view(text_).substr(begin, node.end - begin);
    for (const std::string& line : split(old, '\n')) {
      if (!trim_left(line).starts_with('#') && plain_end(line) == trim_right(line).size()) continue;
      warnings_.push_back("comments in the lines " + std::to_string(line_number(begin)) + " to " +
                          std::to_string(line_number(node.end)) +
                          " are not kept: another value takes their place");
      return;
    }
  }

  Result<void> replace(const YamlTree& tree, const Place& place, const Value& value) {
    const YamlNode& node = tree.node(place.node);
    GS_TRY_VOID(check_free(node));
    if (place.steps == 0) {
      warn_of_comments(node, node.begin);
      replace_root(tree, value);
      return {};
    }
    const YamlNode& parent = tree.node(place.parent);
    const YamlNode::Part& part = parent.parts[place.part];
    warn_of_comments(node, part.head);
    const bool is_block = is_collection(value) && value.size() > 0;
    const bool in_line = is_block ? node.is_flow && node.value.size() > 0 : !suits_literal(value);
    if (node.kind == YamlNode::Kind::line && in_line) {
      const std::string text = is_collection(value) ? flow_text(value) : scalar_text(value);
      text_.replace(node.begin, node.end - node.begin, (node.begin == part.head ? " " : "") + text);
      return {};
    }
    const std::size_t head_end = line_end(part.head);
    const std::size_t rest = node.kind == YamlNode::Kind::line ? node.end : part.head;
    std::string comment = text_.substr(rest, head_end - rest);
    if (node.kind == YamlNode::Kind::literal || !trim_left(comment).starts_with('#')) {
      const std::size_t hash = comment.find(" #");
      comment = node.kind == YamlNode::Kind::literal && hash != std::string::npos
                    ? comment.substr(hash)
                    : "";
    }
    std::string out;
    if (parent.kind == YamlNode::Kind::map) {
      emit_.behind_key(out, value, parent.column, comment);
    } else {
      emit_.behind_dash(out, value, parent.column);
      if (!comment.empty())
        warnings_.push_back("the comment '" + std::string(trim(comment)) + "' is not kept");
    }
    const std::size_t end = std::max(head_end, line_end(node.end));
    text_.replace(part.head, end - part.head, without_end(out));
    return {};
  }

  void replace_root(const YamlTree& tree, const Value& value) {
    const YamlNode& node = tree.node(0);
    const bool is_block = is_collection(value) && value.size() > 0;
    std::string out;
    if (is_block) {
      emit_.block(out, value, node.column, false);
    } else {
      out = is_collection(value) ? flow_text(value) : scalar_text(value);
    }
    out = without_end(out);
    if (!tree.empty()) {
      text_.replace(node.begin, node.end - node.begin, out);
      return;
    }
    const std::string_view before = std::string_view(text_).substr(0, tree.end());
    const bool needs_end = !before.empty() && before.back() != '\n';
    text_.insert(tree.end(), (needs_end ? emit_.newline : "") + out + emit_.newline);
  }

  Emitter emit_;
  bool found_list_ = false;
};

}  // namespace

std::unique_ptr<DocumentText> make_yaml_text(std::string text, int indent) {
  return std::make_unique<YamlText>(std::move(text), indent);
}

}  // namespace gpustack::modules
