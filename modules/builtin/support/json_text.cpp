#include "modules/builtin/support/json_text.hpp"

#include "core/base/json.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

/// Where a value stands; of a text that parse_json() has read.
struct Node {
  struct Part {
    std::size_t begin = 0;  ///< of the name, or of the item
    std::string key;
    std::size_t value = 0;  ///< index in the list of nodes
  };
  std::size_t begin = 0;
  std::size_t end = 0;
  std::vector<Part> parts;
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { value(); }

  [[nodiscard]] const Node& node(std::size_t index) const { return nodes_[index]; }

  /// The part that a step leads to; nothing when there is none. Of equal names the last counts.
  [[nodiscard]] const Node::Part* part(const Node& node, const PathStep& step) const {
    if (step.kind != PathStep::Kind::key) {
      const auto place = static_cast<std::size_t>(
          step.index < 0 ? step.index + static_cast<std::int64_t>(node.parts.size()) : step.index);
      return place < node.parts.size() ? &node.parts[place] : nullptr;
    }
    const auto found = std::find_if(node.parts.rbegin(), node.parts.rend(), [&](const auto& part) {
      return part.key == step.key;
    });
    return found == node.parts.rend() ? nullptr : &*found;
  }

 private:
  void skip() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  [[nodiscard]] std::size_t string_end() const {
    std::size_t end = at_ + 1;
    while (text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    return end + 1;
  }

  // NOLINTNEXTLINE(misc-no-recursion): parse_json() has bounded the depth
  std::size_t value() {
    skip();
    const std::size_t index = nodes_.size();
    nodes_.emplace_back();
    Node node;
    node.begin = at_;
    const char first = text_[at_];
    if (first == '{' || first == '[') {
      ++at_;
      parts(node, first == '{');
    } else if (first == '"') {
      at_ = string_end();
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
    node.end = at_;
    nodes_[index] = std::move(node);
    return index;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  void parts(Node& node, bool named) {
    for (skip(); text_[at_] != '}' && text_[at_] != ']'; skip()) {
      if (text_[at_] == ',') ++at_;
      skip();
      Node::Part part;
      part.begin = at_;
      if (named) {
        const std::size_t end = string_end();
        if (const auto key = parse_json(text_.substr(at_, end - at_))) part.key = to_text(*key);
        at_ = text_.find(':', end) + 1;
      }
      part.value = value();
      node.parts.push_back(std::move(part));
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Node> nodes_;
};

class JsonText : public DocumentText {
 public:
  JsonText(std::string text, int indent) {
    text_ = std::move(text);
    if (text_.starts_with("\xef\xbb\xbf")) text_.erase(0, 3);
    if (text_.find("\r\n") != std::string::npos) newline_ = "\r\n";
    const bool is_new = trim(text_).empty();
    in_lines_ = is_new || trim(text_).find('\n') != std::string_view::npos || text_.size() < 4;
    unit_ = found_unit(static_cast<std::size_t>(indent));
    const bool has_blank = text_.find("\": ") != std::string::npos;
    blank_ = in_lines_ || has_blank || text_.find("\":") == std::string::npos ? " " : "";
    if (is_new) text_ = "null" + newline_;
  }

  [[nodiscard]] Result<Value> value() const override {
    auto parsed = parse_json(text_);
    if (parsed) return parsed;
    return Error(ErrorCode::module_failed, "not JSON: " + parsed.error().message())
        .hint("json_file takes JSON without comments and without commas at the end");
  }

  Result<void> put(const DataPath& path, const Value& value) override {
    const Scanner scanner(text_);
    const Node* at = &scanner.node(0);
    for (const PathStep& step : path) {
      const Node::Part* part = scanner.part(*at, step);
      if (part == nullptr) {
        add(*at, scanner, step, value);
        return {};
      }
      at = &scanner.node(part->value);
    }
    text_.replace(at->begin, at->end - at->begin, shown(value, indentation(at->begin), in_lines_));
    return {};
  }

  Result<void> remove(const DataPath& path) override {
    const Scanner scanner(text_);
    const Node* at = &scanner.node(0);
    for (std::size_t i = 0; i + 1 < path.size(); ++i)
      at = &scanner.node(scanner.part(*at, path[i])->value);
    const Node::Part* part = scanner.part(*at, path.back());
    const std::size_t place = static_cast<std::size_t>(part - at->parts.data());
    if (at->parts.size() == 1) {
      text_.replace(at->begin + 1, at->end - at->begin - 2, "");
    } else if (place + 1 < at->parts.size()) {
      text_.erase(part->begin, at->parts[place + 1].begin - part->begin);
    } else {
      const std::size_t end = scanner.node(at->parts[place - 1].value).end;
      text_.erase(end, scanner.node(part->value).end - end);
    }
    return {};
  }

 private:
  /// The blanks of the first line that has some.
  [[nodiscard]] std::string found_unit(std::size_t otherwise) const {
    for (std::size_t at = text_.find('\n'); at != std::string::npos;
         at = text_.find('\n', at + 1)) {
      const std::size_t end = text_.find_first_not_of(" \t", at + 1);
      if (end != std::string::npos && end > at + 1 && text_[end] != '\r' && text_[end] != '\n')
        return text_.substr(at + 1, end - at - 1);
    }
    return std::string(otherwise, ' ');
  }

  /// The blanks of the line in which `at` is.
  [[nodiscard]] std::string indentation(std::size_t at) const {
    const std::size_t line = at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;
    const std::size_t end = std::min(text_.find_first_not_of(" \t", line), text_.size());
    return text_.substr(line, end - line);
  }

  static std::string scalar(const Value& value) {
    return to_json(value, {.indent = 0, .ensure_ascii = false, .redact_secrets = false});
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the argument
  [[nodiscard]] std::string shown(const Value& value, const std::string& base, bool lines) const {
    const bool named = value.is_map();
    if ((!named && !value.is_list()) || value.size() == 0) return scalar(value);
    const std::string deeper = base + unit_;
    std::string out(1, named ? '{' : '[');
    const auto add = [&](const std::string& key, const Value& part) {
      if (out.size() > 1) out += lines ? "," : "," + blank_;
      if (lines) out += newline_ + deeper;
      out += key + shown(part, deeper, lines);
    };
    if (named) {
      for (const auto& [key, part] : value.as_map()) add(name(to_text(key)), part);
    } else {
      for (const Value& part : value.as_list()) add("", part);
    }
    if (lines) out += newline_ + base;
    return out + (named ? '}' : ']');
  }

  [[nodiscard]] std::string name(const std::string& key) const {
    return scalar(Value(key)) + ":" + blank_;
  }

  void add(const Node& node, const Scanner& scanner, const PathStep& step, const Value& value) {
    const bool named = step.kind == PathStep::Kind::key;
    if (node.parts.empty()) {
      const Value whole = named ? Value::map({{step.key, value}}) : Value::list({value});
      text_.replace(
          node.begin, node.end - node.begin, shown(whole, indentation(node.begin), in_lines_));
      return;
    }
    const Node::Part& last = node.parts.back();
    const std::size_t end = scanner.node(last.value).end;
    const std::size_t line = text_.rfind('\n', last.begin);
    const bool lines = line != std::string::npos && line > node.begin;
    const std::string base = indentation(last.begin);
    std::string out = lines ? "," + newline_ + base : "," + blank_;
    if (named) out += name(step.key);
    text_.insert(end, out + shown(value, base, lines));
  }

  std::string newline_ = "\n";
  std::string unit_;
  std::string blank_;  ///< behind colons and commas in a line
  bool in_lines_ = true;
};

}  // namespace

std::unique_ptr<DocumentText> make_json_text(std::string text, int indent) {
  return std::make_unique<JsonText>(std::move(text), indent);
}

}  // namespace gpustack::modules
