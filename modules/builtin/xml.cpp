#include "core/base/json.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/xml_document.hpp"
#include "modules/builtin/support/xpath_last_step.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "path", .type = ArgType::path, .aliases = "dest,file", .doc = "The file to edit."},
    {.name = "xmlstring", .doc = "A document in place of a file; the result has the new one."},
    {.name = "xpath", .doc = "XPath 1.0 expression for what the task is about."},
    {.name = "namespaces",
     .type = ArgType::map,
     .doc = "Prefixes of the expression and the namespaces that they stand for.",
     .empty_fallback = true},
    {.name = "state",
     .fallback = "present",
     .aliases = "ensure",
     .choices = "absent,present",
     .doc = "`absent` removes the elements or attributes."},
    {.name = "value",
     .type = ArgType::raw,
     .doc = "Text of the element or, with `attribute`, of its attribute. What is missing is made, "
            "as far as the expression is a plain path."},
    {.name = "attribute", .type = ArgType::raw, .doc = "The attribute that `value` is for."},
    {.name = "add_children",
     .type = ArgType::list,
     .elements = ArgType::raw,
     .doc = "Elements to add: names, `name: text`, or `name` with attributes and children under "
            "`_`."},
    {.name = "set_children",
     .type = ArgType::list,
     .elements = ArgType::raw,
     .doc = "Elements that take the place of all that the element holds."},
    {.name = "count",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Tell how many nodes match."},
    {.name = "print_match",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Tell the paths of elements that match."},
    {.name = "pretty_print",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Write one element in a line; alone it is all that is done."},
    {.name = "content",
     .choices = "attribute,text",
     .doc = "Tell attributes or texts of the elements."},
    {.name = "input_type",
     .fallback = "yaml",
     .choices = "xml,yaml",
     .doc = "What children are written in."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
    {.name = "strip_cdata_tags",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "CDATA sections become plain text."},
    {.name = "insertbefore",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Children are added before the first match, not in it."},
    {.name = "insertafter",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Children are added behind the last match, not in it."},
};
constexpr std::string_view kTasks = "add_children,content,count,print_match,set_children,value";
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_by, .names = "xpath", .when = "add_children"},
    {.kind = ArgRule::Kind::required_by, .names = "value", .when = "attribute"},
    {.kind = ArgRule::Kind::required_by, .names = "xpath", .when = "content"},
    {.kind = ArgRule::Kind::required_by, .names = "xpath", .when = "set_children"},
    {.kind = ArgRule::Kind::required_by, .names = "xpath", .when = "value"},
    {.kind = ArgRule::Kind::required_if, .names = "xpath", .when = "count", .equals = "true"},
    {.kind = ArgRule::Kind::required_if, .names = "xpath", .when = "print_match", .equals = "true"},
    {.kind = ArgRule::Kind::required_if,
     .names = "xpath",
     .when = "insertbefore",
     .equals = "true"},
    {.kind = ArgRule::Kind::required_if, .names = "xpath", .when = "insertafter", .equals = "true"},
    {.kind = ArgRule::Kind::required_one_of, .names = "path,xmlstring"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "path,xmlstring"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "insertbefore,insertafter"},
};
constexpr Example kExamples[] = {
    {.title = "The port of a server",
     .yaml = "xml:\n  path: /etc/app/server.xml\n  xpath: /Server/Service/Connector\n  attribute: "
             "port\n  value: \"8443\""},
    {.title = "An element in a namespace",
     .yaml = "xml:\n  path: /etc/app/pom.xml\n  xpath: /m:project/m:version\n  namespaces:\n    m: "
             "http://maven.apache.org/POM/4.0.0\n  value: \"2.1\""},
    {.title = "One more child",
     .yaml =
         "xml:\n  path: /etc/app/hosts.xml\n  xpath: /hosts\n  add_children:\n    - host:\n        "
         "name: node7\n        _:\n          - gpu: \"8\""},
};
constexpr ResultKey kResults[] = {
    {"actions", "The expression, its namespaces and the state."},
    {"count", "How many nodes matched."},
    {"matches", "What `content` asked for."},
    {"msg", "What was found."},
    {"xmlstring", "The new document, where one was given."},
    {"backup_file", "The copy of the old file."},
};

Error failed(std::string what) { return Error(ErrorCode::module_failed, std::move(what)); }

Result<std::string> text_of(const Value& value, std::string_view what) {
  if (value.is_string() || value.is_number()) return to_text(value);
  return Error(ErrorCode::invalid_argument,
               std::string(what) + " is " + std::string(type_name(value)) + ", expected a text");
}

class Editor {
 public:
  Editor(const Args& args, XmlDocument document) : args_(args), document_(std::move(document)) {
    xpath_ = args.text("xpath");
    if (args.get("namespaces").is_map())
      for (const auto& [prefix, uri] : args.get("namespaces").as_map())
        namespaces_[to_text(prefix)] = to_text(uri);
  }

  XmlDocument& document() { return document_; }
  Value& result() { return result_; }

  Result<void> run() {
    if (args_.boolean("print_match")) return print_match();
    if (args_.boolean("count")) return count();
    if (args_.has("content")) return content(args_.text("content") == "attribute");
    if (args_.text("state") == "absent") return remove();
    if (args_.has("set_children")) return set_children();
    if (args_.get("add_children").truthy()) return add_children();
    if (args_.has("value")) return set_value();
    const auto exists = is_node(document_.root(), xpath_);
    // A condition that holds asks for nothing.
    if (!exists && exists.error().code() == ErrorCode::invalid_argument) return {};
    if (!exists) return Error(exists.error());
    return *exists ? Result<void>() : make(document_.root(), xpath_);
  }

 private:
  using Nodes = std::vector<pugi::xpath_node>;

  Result<Nodes> select(const pugi::xml_node& from, std::string_view xpath) const {
    return select_xml(from, xpath, namespaces_);
  }
  Result<bool> is_node(const pugi::xml_node& from, std::string_view xpath) const {
    GS_TRY(const Nodes found, select(from, xpath));
    return !found.empty() && is_xml_child(found[0].node());
  }
  static std::vector<pugi::xml_node> children_of(const pugi::xml_node& node) {
    std::vector<pugi::xml_node> out;
    for (const pugi::xml_node& child : node.children())
      if (is_xml_child(child)) out.push_back(child);
    return out;
  }

  Result<void> print_match() {
    GS_TRY(const Nodes found, select(document_.root(), xpath_));
    List paths;
    for (const auto& one : found) {
      if (!is_xml_child(one.node()))
        return failed("xpath '" + xpath_ +
                      "' selects attributes or texts, and only elements have paths");
      paths.push_back(Value(xml_path(one.node())));
    }
    result_.set("matches", Value(List()));
    result_.set("msg", "selector '" + xpath_ + "' match: " + to_json(Value(std::move(paths))));
    return {};
  }

  Result<void> count() {
    GS_TRY(const Nodes found, select(document_.root(), "/" + xpath_));
    result_.set("count", found.size());
    result_.set("msg", "found " + std::to_string(found.size()) + " nodes");
    return {};
  }

  Result<void> content(bool attributes) {
    GS_TRY(const bool exists, is_node(document_.root(), xpath_));
    if (!exists) return failed("Xpath " + xpath_ + " does not reference a node!");
    GS_TRY(const Nodes found, select(document_.root(), xpath_));
    List matches;
    for (const auto& one : found) {
      Value told;
      if (attributes) {
        told = Value(Map());
        for (const pugi::xml_attribute& attribute : one.node().attributes())
          if (!std::string_view(attribute.name()).starts_with("xmlns"))
            told.set(xml_tag(one.node(), attribute.name(), true), attribute.value());
      } else if (const auto text = xml_leading_text(one.node())) {
        told = Value(*text);
      }
      matches.push_back(
          Value::map({{xml_tag(one.node(), one.node().name(), false), std::move(told)}}));
    }
    result_.set("count", found.size());
    result_.set("msg", found.size());
    result_.set("matches", Value(std::move(matches)));
    return {};
  }

  Result<void> remove() {
    GS_TRY(const Nodes found,
           select_xml(document_.root(), xpath_, namespaces_, XmlCondition::refused));
    for (const auto& one : found) {
      if (one.attribute()) {
        pugi::xml_node owner = one.parent();
        owner.remove_attribute(one.attribute());
      } else if (is_xml_child(one.node()) && one.node() != document_.root()) {
        document_.take_out(one.node());
      } else {
        return failed("Couldn't delete xpath target: " + xpath_ +
                      " (elements below the first and attributes can be removed)");
      }
    }
    return {};
  }

  /// The element's name as lxml wants it: letters, no prefix; `{URI}name` for one in a namespace.
  static Result<void> check_name(std::string_view tag) {
    const std::string_view local = tag.substr(tag.starts_with('{') ? tag.find('}') + 1 : 0);
    const auto is_bad = [](char c) {
      return std::string_view(" \t\n\r<>&\"'/=:@[](){}!?#$%^*+,;|\\`~").find(c) !=
             std::string_view::npos;
    };
    if (!local.empty() && std::ranges::none_of(local, is_bad) &&
        (local[0] < '0' || local[0] > '9') && local[0] != '-' && local[0] != '.')
      return {};
    return failed("Invalid tag name '" + std::string(tag) + "'");
  }

  static pugi::xml_node insert(pugi::xml_node parent,
                               const pugi::xml_node& next,
                               const std::string& tag) {
    pugi::xml_node made = next ? parent.insert_child_before(pugi::node_element, next)
                               : parent.append_child(pugi::node_element);
    made.set_name(name_for_xml(parent, made, tag, false).c_str());
    return made;
  }

  /// A child as `input_type` says, in front of `next` or at the end.
  Result<void> add_child(pugi::xml_node parent,
                         const pugi::xml_node& next,
                         const Value& child,
                         bool is_xml) {
    if (is_xml) {
      GS_TRY(const std::string text, text_of(child, "a child"));
      auto parsed = XmlDocument::parse(text, {});
      if (!parsed) return failed("Error while parsing child element: " + parsed.error().message());
      if (next)
        parent.insert_copy_before(parsed->root(), next);
      else
        parent.append_copy(parsed->root());
      return {};
    }
    if (child.is_string()) {
      GS_TRY_VOID(check_name(child.as_string()));
      insert(parent, next, child.as_string());
      return {};
    }
    if (!child.is_map())
      return failed("Invalid child type: " + std::string(type_name(child)) +
                    ". Children must be either strings or hashes.");
    if (child.size() != 1) return failed("Can only create children from hashes with one key");
    const Map::Entry& entry = child.as_map().entries()[0];
    const std::string tag = to_text(entry.key);
    GS_TRY_VOID(check_name(tag));
    pugi::xml_node made = insert(parent, next, tag);
    if (entry.value.is_map()) return fill(made, entry.value.as_map());
    if (entry.value.is_null()) return {};
    GS_TRY(const std::string text, text_of(entry.value, "the text of '" + tag + "'"));
    set_xml_leading_text(made, text);
    return {};
  }

  Result<void> fill(pugi::xml_node made, const Map& members) {
    for (const auto& [key, value] : members) {
      const std::string name = to_text(key);
      if (name == "_") continue;
      GS_TRY(const std::string text, text_of(value, "attribute '" + name + "'"));
      made.append_attribute(name_for_xml(made, made, name, true).c_str()).set_value(text.c_str());
    }
    const Value* children = members.find("_");
    if (children == nullptr || children->is_null()) return {};
    if (!children->is_list())
      return failed("Invalid children type: " + std::string(type_name(*children)) +
                    ", must be list.");
    for (const Value& child : children->as_list()) GS_TRY_VOID(add_child(made, {}, child, false));
    return {};
  }

  Result<void> add_all(pugi::xml_node parent, const pugi::xml_node& next, std::string_view name) {
    const bool is_xml = args_.text("input_type") == "xml";
    for (const Value& child : args_.get(name).as_list())
      GS_TRY_VOID(add_child(parent, next, child, is_xml));
    return {};
  }

  /// As in Ansible new children are there once: of several matches that differ the last gets them.
  Result<void> set_children() {
    GS_TRY(const Nodes found, select(document_.root(), xpath_));
    pugi::xml_document apart;
    pugi::xml_node wanted = apart.append_child("wanted");
    GS_TRY_VOID(add_all(wanted, {}, "set_children"));
    pugi::xml_node last;
    for (const auto& one : found) {
      pugi::xml_node parent = one.node();
      if (parent.type() != pugi::node_element)
        return failed("xpath '" + xpath_ + "' selects what has no children");
      if (holds(parent, wanted)) continue;
      for (const pugi::xml_node& child : children_of(parent)) document_.take_out(child);
      last = parent;
    }
    return last ? add_all(last, {}, "set_children") : Result<void>();
  }

  static bool holds(const pugi::xml_node& parent, const pugi::xml_node& wanted) {
    const auto present = children_of(parent);
    return std::ranges::equal(present, children_of(wanted), [](const auto& one, const auto& other) {
      return XmlDocument::node_text(one) == XmlDocument::node_text(other);
    });
  }

  Result<void> add_children() {
    GS_TRY(const Nodes found, select(document_.root(), xpath_));
    if (found.empty() || !is_xml_child(found[0].node())) return {};
    const bool before = args_.boolean("insertbefore");
    if (!before && !args_.boolean("insertafter"))
      return add_all(found.back().node(), {}, "add_children");
    if (found.front().node() == document_.root())
      return failed("nothing can be added beside the document's first element");
    const pugi::xml_node parent = found.front().node().parent();
    if (before) return add_all(parent, found.front().node(), "add_children");
    // As in Ansible: the first match says in what, the last one behind how many children.
    const pugi::xml_node target = found.back().node();
    const auto around = children_of(target.parent());
    const auto place =
        static_cast<std::size_t>(std::ranges::find(around, target) - around.begin()) + 1;
    const auto siblings = children_of(parent);
    return add_all(
        parent, place < siblings.size() ? siblings[place] : pugi::xml_node(), "add_children");
  }

  Result<std::string> clark(std::string_view name) const {
    const auto colon = name.find(':');
    if (colon == std::string_view::npos) return std::string(name);
    const auto uri = namespaces_.find(name.substr(0, colon));
    if (uri == namespaces_.end())
      return failed("Undefined namespace prefix '" + std::string(name.substr(0, colon)) + "'");
    return "{" + uri->second + "}" + std::string(name.substr(colon + 1));
  }

  /// Makes what a plain path asks for and is not there.
  Result<void> make(const pugi::xml_node& from, const std::string& xpath) {
    const auto step = split_last_step(trim(xpath));
    if (!step) return failed("Can't process Xpath " + xpath + " in order to spawn nodes!");
    GS_TRY(const bool exists, is_node(from, step->before));
    if (!exists) GS_TRY_VOID(make(from, step->before));
    GS_TRY(const Nodes found, select(from, step->before));
    if (found.empty() || !is_xml_child(found[0].node())) return {};
    GS_TRY(const std::string tag, clark(step->name));
    using Kind = LastStep::Kind;
    if (step->kind == Kind::element || step->kind == Kind::element_with) {
      pugi::xml_node made = insert(found.back().node(), {}, tag);
      if (step->value && !step->value->empty()) set_xml_leading_text(made, *step->value);
      for (const std::string& condition : step->conditions)
        GS_TRY_VOID(make(made, "./" + condition));
      return {};
    }
    for (const auto& one : found) {
      if (step->kind == Kind::attribute) {
        set_attribute(one.node(), tag, step->value.value_or(""));
      } else if (xml_leading_text(one.node()) != step->value) {
        set_xml_leading_text(one.node(), *step->value);
      }
    }
    return {};
  }

  static void set_attribute(pugi::xml_node node, const std::string& tag, const std::string& value) {
    const std::string name = name_for_xml(node, node, tag, true);
    pugi::xml_attribute attribute = node.attribute(name.c_str());
    if (!attribute) attribute = node.append_attribute(name.c_str());
    attribute.set_value(value.c_str());
  }

  Result<void> set_value() {
    GS_TRY(const std::string value, text_of(args_.get("value"), "value"));
    GS_TRY(bool exists, is_node(document_.root(), xpath_));
    if (!exists) GS_TRY_VOID(make(document_.root(), xpath_));
    GS_TRY(exists, is_node(document_.root(), xpath_));
    if (!exists) return failed("Xpath " + xpath_ + " does not reference a node!");
    GS_TRY(const Nodes found, select(document_.root(), xpath_));
    for (const auto& one : found) {
      if (args_.get("attribute").truthy()) {
        GS_TRY(const std::string tag, clark(to_text(args_.get("attribute"))));
        set_attribute(one.node(), tag, value);
      } else if (xml_leading_text(one.node()) != value) {
        set_xml_leading_text(one.node(), value);
      }
    }
    return {};
  }

  const Args& args_;
  XmlDocument document_;
  std::string xpath_;
  XmlNamespaces namespaces_;
  Value result_{Map()};
};

Result<void> check_tasks(const Args& args) {
  std::vector<std::string> given;
  for (const std::string_view name : split_names(kTasks)) {
    const Value& value = args.get(name);
    const bool is_given = value.is_bool() ? value.as_bool() : !value.is_null();
    if (is_given || (name == "value" && args.has("value"))) given.emplace_back(name);
  }
  if (given.size() > 1)
    return Error(ErrorCode::argument_conflict,
                 "parameters are mutually exclusive: " + join(given, ", "));
  if (given.empty() && !args.has("xpath") && !args.boolean("pretty_print"))
    return Error(ErrorCode::missing_argument,
                 "one of the following is required: add_children, content, count, pretty_print, "
                 "print_match, set_children, value");
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_tasks(args));
  const std::string path = args.text("path");
  std::string before = args.text("xmlstring");
  if (before.empty()) {
    GS_TRY(const auto info, view.stat(path));
    if (!info || info->kind != FileKind::regular)
      return failed("The target XML source '" + path + "' does not exist.");
    GS_TRY(before, view.read(path));
  }
  const bool pretty = args.boolean("pretty_print");
  auto parsed = XmlDocument::parse(
      before, {.removes_blanks = pretty, .strips_cdata = args.boolean("strip_cdata_tags")});
  if (!parsed)
    return failed("Error while parsing document: " + (path.empty() ? "xml_string" : path) + " (" +
                  parsed.error().message() + ")");
  const std::string essence = parsed->essence();
  const std::string shown = parsed->text(true);
  Editor editor(args, std::move(*parsed));
  Plan plan;
  if (args.has("xpath")) {
    GS_TRY_VOID(editor.run());
    editor.document().forget_taken_out();
    plan.changed = editor.document().essence() != essence;
    plan.result = editor.result();
    plan.set("actions",
             Value::map({{"xpath", args.get("xpath")},
                         {"namespaces", args.get("namespaces")},
                         {"state", args.get("state")}}));
  }
  const std::string after = editor.document().text(pretty);
  if (!args.has("xpath")) plan.changed = after != before;
  if (!args.text("xmlstring").empty()) plan.set("xmlstring", after);
  if (!plan.changed) return plan;
  if (view.diff_mode())
    add_content_diff(
        plan, view, args.has("xpath") ? shown : before, editor.document().text(true), path, path);
  if (!path.empty())
    plan.step(WriteFile{path, Content::of(after), WriteOptions{.backup = args.boolean("backup")}});
  return plan;
}

}  // namespace

extern const ModuleSpec xml_module;
const ModuleSpec xml_module{.name = "xml",
                            .collection = "community.general",
                            .summary = "Elements and attributes of an XML file.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .has_diff = true,
                            .plan = plan};

}  // namespace gpustack::modules
