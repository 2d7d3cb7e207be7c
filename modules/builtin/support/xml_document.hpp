#pragma once
/// @file An XML document as lxml knows it: the same XPath, the same text. The one place that knows
/// the library behind it (pugixml).

#include "core/base/value.hpp"

#include <pugixml.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::modules {

using XmlNamespaces = std::map<std::string, std::string, std::less<>>;  ///< prefix -> URI

struct XmlReading {
  bool removes_blanks = false;  ///< white space between elements, as lxml's remove_blank_text
  bool strips_cdata = false;    ///< CDATA sections become text
};

class XmlDocument {
 public:
  /// @error module_failed  not well-formed, with line and column; declarations in the document type
  static Result<XmlDocument> parse(std::string_view text, const XmlReading& how);

  /// The whole document, with a declaration in front.
  /// @source tostring() of lxml 4.9 with libxml2 2.9.14
  [[nodiscard]] std::string text(bool pretty) const;
  /// The same without what is only white space between elements: what tells whether it changed.
  [[nodiscard]] std::string essence() const;
  static std::string node_text(const pugi::xml_node& node);

  /// Removes an element with the text behind it, as lxml does. It stays usable, with all that is
  /// in it, until forget_taken_out().
  void take_out(pugi::xml_node node);
  void forget_taken_out();

  [[nodiscard]] pugi::xml_node top() const { return *document_; }
  [[nodiscard]] pugi::xml_node root() const { return document_->document_element(); }

 private:
  std::shared_ptr<pugi::xml_document> document_;
  pugi::xml_node taken_out_;  ///< holds what was taken out
};

/// What becomes of an expression that is a condition: where it does not hold, it selects nothing.
enum class XmlCondition : std::uint8_t { allowed, refused };

/// Nodes and attributes that an expression selects, in the order of the document.
/// @error module_failed  not an expression, an unknown prefix; invalid_argument  a condition that
///   holds or is refused, a number or a text
Result<std::vector<pugi::xpath_node>> select_xml(const pugi::xml_node& from,
                                                 std::string_view xpath,
                                                 const XmlNamespaces& namespaces,
                                                 XmlCondition condition = XmlCondition::allowed);

/// The expression with names told by their namespace in place of a prefix, which documents choose
/// as they like. @error module_failed  an unknown prefix
Result<std::string> without_prefixes(std::string_view xpath,
                                     const XmlNamespaces& namespaces,
                                     bool has_default_namespace);

/// What lxml counts as a child: elements, comments and instructions.
bool is_xml_child(const pugi::xml_node& node);
/// `{URI}name` of an element or of its attribute, as lxml calls it.
std::string xml_tag(const pugi::xml_node& node, std::string_view name, bool is_attribute);
/// The path that leads to this element alone, as lxml's getpath().
std::string xml_path(const pugi::xml_node& node);

/// An element's text up to its first element; nothing where there is none.
std::optional<std::string> xml_leading_text(const pugi::xml_node& node);
void set_xml_leading_text(pugi::xml_node node, std::string_view text);

/// The name of an element or attribute below `parent`: `{URI}name` gets a prefix that is known
/// there, or a new one, declared at `declares`.
std::string name_for_xml(const pugi::xml_node& parent,
                         pugi::xml_node declares,
                         std::string_view tag,
                         bool is_attribute);

}  // namespace gpustack::modules
