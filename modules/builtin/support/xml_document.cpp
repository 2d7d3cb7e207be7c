#include "modules/builtin/support/xml_document.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

bool is_text(const pugi::xml_node& node) {
  return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

/// libxml2's rule for white space that means nothing: between elements of one that begins with no
/// text, and not all that an element holds.
void remove_blanks(pugi::xml_node parent) {
  const pugi::xml_node first = parent.first_child();
  const bool is_mixed = first.type() == pugi::node_pcdata && !trim(first.value()).empty();
  for (pugi::xml_node node = first; node;) {
    const pugi::xml_node next = node.next_sibling();
    const std::string_view value = node.value();
    const bool is_only = !node.previous_sibling() && !next && !value.empty();
    if (node.type() == pugi::node_element) remove_blanks(node);
    if (node.type() == pugi::node_pcdata && trim(value).empty() && !is_mixed && !is_only)
      parent.remove_child(node);
    node = next;
  }
}

void strip_cdata(pugi::xml_node parent) {
  for (pugi::xml_node node = parent.first_child(); node;) {
    const pugi::xml_node next = node.next_sibling();
    if (node.type() == pugi::node_element) strip_cdata(node);
    if (node.type() == pugi::node_cdata) {
      const std::string value = node.value();
      parent.insert_child_after(pugi::node_pcdata, node).set_value(value.c_str());
      parent.remove_child(node);
    }
    node = next;
  }
}

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  std::string document(const pugi::xml_node& top) {
    out_ = "<?xml version='1.0' encoding='UTF-8'?>\n";
    bool is_below_root = false;
    for (const pugi::xml_node& node : top.children()) {
      if (node.type() == pugi::node_declaration || is_text(node)) continue;
      if (pretty_ && is_below_root) out_ += '\n';
      if (node.type() == pugi::node_doctype) {
        out_ += "<!DOCTYPE " + document_type(node.value()) + ">\n";
        continue;
      }
      write(node, 0, pretty_);
      is_below_root = is_below_root || node.type() == pugi::node_element;
      if (pretty_ && !is_below_root) out_ += '\n';
    }
    if (pretty_) out_ += '\n';
    return std::move(out_);
  }

  std::string one(const pugi::xml_node& node) {
    write(node, 0, false);
    return std::move(out_);
  }

 private:
  /// Names of files in double quotes.
  static std::string document_type(std::string text) {
    if (text.find('"') == std::string::npos) std::ranges::replace(text, '\'', '"');
    return text;
  }

  void escaped(std::string_view text, bool is_attribute) {
    for (const char c : text) {
      if (c == '&')
        out_ += "&amp;";
      else if (c == '<')
        out_ += "&lt;";
      else if (c == '>')
        out_ += "&gt;";
      else if (c == '\r')
        out_ += "&#13;";
      else if (is_attribute && c == '"')
        out_ += "&quot;";
      else if (is_attribute && c == '\n')
        out_ += "&#10;";
      else if (is_attribute && c == '\t')
        out_ += "&#9;";
      else
        out_ += c;
    }
  }

  void element(const pugi::xml_node& node, std::size_t depth, bool pretty) {
    out_ += '<';
    out_ += node.name();
    for (const bool declarations : {true, false}) {
      for (const pugi::xml_attribute& attribute : node.attributes()) {
        const std::string_view name = attribute.name();
        if ((name == "xmlns" || name.starts_with("xmlns:")) != declarations) continue;
        out_ += ' ';
        out_ += name;
        out_ += "=\"";
        escaped(attribute.value(), true);
        out_ += '"';
      }
    }
    if (!node.first_child()) {
      out_ += "/>";
      return;
    }
    out_ += '>';
    // Where text stands between elements, every blank counts.
    if (std::ranges::any_of(node.children(), is_text)) pretty = false;
    if (pretty) out_ += '\n';
    for (const pugi::xml_node& child : node.children()) {
      if (pretty) out_.append(2 * (depth + 1), ' ');
      write(child, depth + 1, pretty);
      if (pretty) out_ += '\n';
    }
    if (pretty) out_.append(2 * depth, ' ');
    out_ += "</";
    out_ += node.name();
    out_ += '>';
  }

  void write(const pugi::xml_node& node, std::size_t depth, bool pretty) {
    const std::string value = node.value();
    switch (node.type()) {
      case pugi::node_element:
        element(node, depth, pretty);
        break;
      case pugi::node_pcdata:
        escaped(value, false);
        break;
      case pugi::node_cdata:
        out_ += "<![CDATA[" + value + "]]>";
        break;
      case pugi::node_comment:
        out_ += "<!--" + value + "-->";
        break;
      case pugi::node_pi:
        out_ += "<?" + std::string(node.name()) + (value.empty() ? "" : " " + value) + "?>";
        break;
      default:
        break;
    }
  }

  bool pretty_;
  std::string out_;
};

std::string place_in(std::string_view text, std::ptrdiff_t offset) {
  const std::string_view before =
      text.substr(0, static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0)));
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

bool has_default_namespace(const pugi::xml_node& node) {
  if (node.attribute("xmlns")) return true;
  return std::ranges::any_of(node.children(), has_default_namespace);
}

bool is_name_letter(char c, bool is_first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) >= 0x80) ||
         (!is_first && ((c >= '0' && c <= '9') || c == '-' || c == '.'));
}

std::string quoted(std::string_view text) {
  return (text.find('\'') == std::string_view::npos ? "'" : "\"") + std::string(text) +
         (text.find('\'') == std::string_view::npos ? "'" : "\"");
}

/// Goes through the words of an expression.
class Rewriter {
 public:
  Rewriter(std::string_view xpath, const XmlNamespaces& namespaces, bool has_default)
      : rest_(xpath), namespaces_(namespaces), has_default_(has_default) {}

  Result<std::string> run() {
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (c == '"' || c == '\'') {
        const auto end = rest_.find(c, 1);
        take(end == std::string_view::npos ? rest_.size() : end + 1, true);
      } else if (c >= '0' && c <= '9') {
        take(std::min(rest_.find_first_not_of("0123456789."), rest_.size()), true);
      } else if (is_name_letter(c, true)) {
        GS_TRY_VOID(name());
      } else {
        sign(c);
      }
    }
    return std::move(out_);
  }

 private:
  void take(std::size_t length, bool ends_operand) {
    out_ += rest_.substr(0, length);
    rest_.remove_prefix(length);
    ends_operand_ = ends_operand;
  }

  void sign(char c) {
    // libxml2 takes more slashes than two for two.
    while (rest_.starts_with("///")) rest_.remove_prefix(1);
    const bool is_blank = kWhiteSpace.find(c) != std::string_view::npos;
    // Behind one of these a word may be an operator, a `*` a product.
    const bool ends = c == ')' || c == ']' || c == '.' || (c == '*' && !ends_operand_);
    const bool was = ends_operand_;
    is_attribute_ = c == '@' || (is_blank && is_attribute_);
    is_variable_ = c == '$';
    take(1, is_blank ? was : ends);
  }

  std::string_view word() {
    std::size_t length = 0;
    while (length < rest_.size() && is_name_letter(rest_[length], length == 0)) ++length;
    const std::string_view found = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return found;
  }

  Result<void> name() {
    const std::string_view first = word();
    const std::string_view behind = trim_left(rest_);
    const bool is_operator =
        ends_operand_ && (first == "and" || first == "or" || first == "div" || first == "mod");
    if (is_operator || is_variable_ || behind.starts_with('(')) {
      // `text()` and functions; what is in the brackets comes by itself.
      out_ += first;
      ends_operand_ = !is_operator;
      is_variable_ = false;
      return {};
    }
    if (behind.starts_with("::")) {
      out_ += first;
      out_ += "::";
      rest_ = behind.substr(2);
      is_attribute_ = first == "attribute";
      ends_operand_ = false;
      return {};
    }
    std::string_view local;
    const bool has_prefix =
        rest_.size() > 1 && rest_[0] == ':' && (rest_[1] == '*' || is_name_letter(rest_[1], true));
    if (has_prefix) {
      rest_.remove_prefix(1);
      if (rest_[0] == '*')
        rest_.remove_prefix(1);
      else
        local = word();
    }
    ends_operand_ = true;
    const bool is_attribute = std::exchange(is_attribute_, false);
    if (!has_prefix) {
      out_ += first;
      // Without a prefix an element is in no namespace, whatever the document's default is.
      if (!is_attribute && has_default_) out_ += "[namespace-uri()='']";
      return {};
    }
    if (first == "xml") {
      out_ += "xml:" + std::string(local);
      return {};
    }
    const auto found = namespaces_.find(first);
    if (found == namespaces_.end())
      return failed("Undefined namespace prefix '" + std::string(first) + "'");
    out_ += "*[namespace-uri()=" + quoted(found->second);
    if (!local.empty()) out_ += " and local-name()=" + quoted(local);
    out_ += "]";
    return {};
  }

  std::string_view rest_;
  const XmlNamespaces& namespaces_;
  bool has_default_;
  bool ends_operand_ = false;
  bool is_attribute_ = false;
  bool is_variable_ = false;
  std::string out_;
};

/// What a prefix stands for at an element; nothing for one that is not declared.
std::optional<std::string> uri_of(pugi::xml_node node, std::string_view prefix) {
  const std::string declaration = prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix);
  for (; node; node = node.parent())
    if (const auto found = node.attribute(declaration.c_str())) return std::string(found.value());
  return std::nullopt;
}

}  // namespace

Result<XmlDocument> XmlDocument::parse(std::string_view text, const XmlReading& how) {
  XmlDocument out;
  out.document_ = std::make_shared<pugi::xml_document>();
  constexpr unsigned kAll = pugi::parse_full | pugi::parse_ws_pcdata;
  const auto result = out.document_->load_buffer(text.data(), text.size(), kAll);
  if (!result)
    return failed(std::string(result.description()) + ", " + place_in(text, result.offset));
  for (const pugi::xml_node& node : out.document_->children()) {
    if (node.type() == pugi::node_doctype &&
        std::string_view(node.value()).find('[') != std::string_view::npos)
      return failed("a document type with declarations of its own is not supported");
    if (is_text(node) && !trim(node.value()).empty())
      return failed("text stands outside of the document's element");
  }
  const auto is_element = [](const pugi::xml_node& node) {
    return node.type() == pugi::node_element;
  };
  if (std::ranges::count_if(out.document_->children(), is_element) != 1)
    return failed("a document has one element that holds all others");
  if (how.strips_cdata) strip_cdata(*out.document_);
  if (how.removes_blanks) remove_blanks(out.root());
  return out;
}

std::string XmlDocument::text(bool pretty) const { return Writer(pretty).document(*document_); }

std::string XmlDocument::essence() const {
  pugi::xml_document copy;
  copy.reset(*document_);
  remove_blanks(copy.document_element());
  return Writer(false).document(copy);
}

std::string XmlDocument::node_text(const pugi::xml_node& node) { return Writer(false).one(node); }

Result<std::string> without_prefixes(std::string_view xpath,
                                     const XmlNamespaces& namespaces,
                                     bool has_default) {
  return Rewriter(xpath, namespaces, has_default).run();
}

Result<std::vector<pugi::xpath_node>> select_xml(const pugi::xml_node& from,
                                                 std::string_view xpath,
                                                 const XmlNamespaces& namespaces,
                                                 XmlCondition condition) {
  GS_TRY(const std::string plain,
         without_prefixes(xpath, namespaces, has_default_namespace(from.root())));
  try {
    const pugi::xpath_query query(plain.c_str());
    if (query.return_type() == pugi::xpath_type_boolean && condition == XmlCondition::allowed &&
        !query.evaluate_boolean(from))
      return std::vector<pugi::xpath_node>();
    if (query.return_type() != pugi::xpath_type_node_set)
      return Error(ErrorCode::invalid_argument,
                   "xpath expression '" + std::string(xpath) + "' selects no nodes");
    pugi::xpath_node_set found = query.evaluate_node_set(from);
    found.sort();
    return std::vector<pugi::xpath_node>(found.begin(), found.end());
  } catch (const pugi::xpath_exception& problem) {
    return failed("Syntax error in xpath expression: " + std::string(xpath) + " (" +
                  problem.what() + ")");
  }
}

bool is_xml_child(const pugi::xml_node& node) {
  return node.type() == pugi::node_element || node.type() == pugi::node_comment ||
         node.type() == pugi::node_pi;
}

std::string xml_tag(const pugi::xml_node& node, std::string_view name, bool is_attribute) {
  const auto colon = name.find(':');
  const bool has_prefix = colon != std::string_view::npos;
  if (is_attribute && !has_prefix) return std::string(name);
  const auto uri = uri_of(node, has_prefix ? name.substr(0, colon) : std::string_view());
  if (!uri || uri->empty()) return std::string(name);
  return "{" + *uri + "}" + std::string(has_prefix ? name.substr(colon + 1) : name);
}

std::string xml_path(const pugi::xml_node& node) {
  if (!node || node.type() == pugi::node_document) return "";
  const bool is_comment = node.type() == pugi::node_comment;
  const bool is_pi = node.type() == pugi::node_pi;
  const std::string_view name = node.name();
  const bool is_generic = !is_comment && !is_pi && name.find(':') == std::string_view::npos &&
                          !uri_of(node, "").value_or("").empty();
  const auto is_alike = [&](const pugi::xml_node& other) {
    return other.type() == node.type() && (is_comment || is_generic || name == other.name());
  };
  int before = 0;
  for (auto other = node.previous_sibling(); other; other = other.previous_sibling())
    before += is_alike(other) ? 1 : 0;
  bool is_one_of_many = before > 0;
  for (auto other = node.next_sibling(); other && !is_one_of_many; other = other.next_sibling())
    is_one_of_many = is_alike(other);
  std::string step = is_comment   ? "comment()"
                     : is_pi      ? "processing-instruction('" + std::string(name) + "')"
                     : is_generic ? "*"
                                  : std::string(name);
  if (is_one_of_many) step += "[" + std::to_string(before + 1) + "]";
  return xml_path(node.parent()) + "/" + step;
}

std::optional<std::string> xml_leading_text(const pugi::xml_node& node) {
  std::optional<std::string> text;
  for (auto child = node.first_child(); child && is_text(child); child = child.next_sibling())
    text = text.value_or("") + child.value();
  return text;
}

void set_xml_leading_text(pugi::xml_node node, std::string_view text) {
  while (is_text(node.first_child())) node.remove_child(node.first_child());
  node.prepend_child(pugi::node_pcdata).set_value(std::string(text).c_str());
}

void XmlDocument::take_out(pugi::xml_node node) {
  if (!taken_out_) taken_out_ = document_->append_child(pugi::node_element);
  while (is_text(node.next_sibling())) node.parent().remove_child(node.next_sibling());
  taken_out_.append_move(node);
}

void XmlDocument::forget_taken_out() {
  document_->remove_child(taken_out_);
  taken_out_ = {};
}

std::string name_for_xml(const pugi::xml_node& parent,
                         pugi::xml_node declares,
                         std::string_view tag,
                         bool is_attribute) {
  if (!tag.starts_with('{') || tag.find('}') == std::string_view::npos) return std::string(tag);
  const std::string uri(tag.substr(1, tag.find('}') - 1));
  std::string local(tag.substr(tag.find('}') + 1));
  for (pugi::xml_node node = parent; node; node = node.parent()) {
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (attribute.value() != uri) continue;
      if (name == "xmlns" && !is_attribute && uri_of(parent, "") == uri) return local;
      if (name.starts_with("xmlns:") && uri_of(parent, name.substr(6)) == uri)
        return std::string(name.substr(6)) + ":" + local;
    }
  }
  int number = 0;
  while (uri_of(parent, "ns" + std::to_string(number))) ++number;
  const std::string prefix = "ns" + std::to_string(number);
  declares.append_attribute(("xmlns:" + prefix).c_str()).set_value(uri.c_str());
  return prefix + ":" + local;
}

}  // namespace gpustack::modules
