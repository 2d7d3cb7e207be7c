#include "core/base/suggest.hpp"
#include "inventory/address.hpp"
#include "inventory/sources/source.hpp"

#include <array>

namespace gpustack::inventory {

namespace {

Error shape_error(std::string message, SourceSpan span) {
  return Error(ErrorCode::inventory_syntax, std::move(message)).at(span);
}

std::string_view kind_name(const yaml::Node& node) {
  if (node.is_mapping()) return "a mapping";
  if (node.is_sequence()) return "a list";
  if (node.is_null()) return "nothing";
  return "a single value";
}

std::string near_key(std::string_view name) {
  const std::string near =
      suggest(name, std::vector<std::string_view>{"hosts", "vars", "children"});
  return near.empty() ? near : "; " + near;
}

class YamlReader {
 public:
  explicit YamlReader(SourceContext& context) : context_(context) {}

  Result<void> read(const yaml::Node& root) {
    for (const yaml::Node::Member& member : root.members()) GS_TRY_VOID(read_group(member));
    return {};
  }

 private:
  void warn(std::string message, SourceSpan span) {
    context_.warnings.push_back(yaml::Warning{std::move(message), span});
  }

  /// @return the group; null when the entry is not one
  Result<Group*> read_group(const yaml::Node::Member& entry) {
    if (!entry.key.is_string()) {
      return shape_error("expected a group's name, found " + to_repr(entry.key), entry.key_span);
    }
    const std::string& name = entry.key.as_string();
    const yaml::Node& body = entry.value;
    if (!body.is_mapping() && !body.is_null()) {
      warn("the group '" + name + "' is skipped: expected a mapping, found " +
               std::string(kind_name(body)),
           body.span());
      return context_.data.find_group(name);
    }
    GS_TRY(Group* const group, context_.data.add_group(name, entry.key_span));
    for (const yaml::Node::Member& section : body.members())
      GS_TRY_VOID(read_section(*group, section));
    return group;
  }

  Result<void> read_section(Group& group, const yaml::Node::Member& section) {
    const std::string name = to_text(section.key);
    const bool is_known = name == "vars" || name == "children" || name == "hosts";
    const yaml::Node& body = section.value;
    if (is_known && body.is_scalar() && body.scalar().is_string())
      return read_single(group, name, body);
    if (is_known && !body.is_mapping() && !body.is_null()) {
      return shape_error("expected a mapping for '" + name + "' of the group '" + group.name() +
                             "', found " + std::string(kind_name(body)),
                         body.span())
          .hint(body.is_sequence() ? "write 'name:' where the list has '- name'" : "");
    }
    if (!is_known) {
      warn("the key '" + name + "' of the group '" + group.name() +
               "' is skipped: expected hosts, vars or children" + near_key(name),
           section.key_span);
      return {};
    }
    for (const yaml::Node::Member& member : body.members())
      GS_TRY_VOID(read_member(group, name, member));
    return {};
  }

  /// `hosts: web1` means `hosts: {web1: }`.
  Result<void> read_single(Group& group, const std::string& name, const yaml::Node& body) {
    yaml::Node::Member member{body.scalar(), body.span(), yaml::Node()};
    return read_member(group, name, member);
  }

  Result<void> read_member(Group& group,
                           const std::string& section,
                           const yaml::Node::Member& member) {
    if (section == "vars")
      return context_.data.set(group, {member.key, member.value.to_value(), member.key_span});
    if (section == "hosts") return read_hosts(group, member);
    GS_TRY(Group* const child, read_group(member));
    if (child == nullptr) {
      return shape_error("'" + to_text(member.key) + "' is not a known host nor group",
                         member.key_span);
    }
    GS_TRY_VOID(context_.data.add_child(group, *child, member.key_span));
    return {};
  }

  Result<void> read_hosts(Group& group, const yaml::Node::Member& member) {
    if (!member.key.is_string()) {
      return shape_error("host pattern " + to_text(member.key) + " must be a string",
                         member.key_span)
          .hint("put numbers in quotes");
    }
    GS_TRY(const HostEntry entry, expand_host_entry(member.key.as_string(), member.key_span));
    const bool has_variables = member.value.to_value().truthy();
    if (has_variables && !member.value.is_mapping()) {
      return shape_error("expected a mapping of variables for the host '" + member.key.as_string() +
                             "', found " + std::string(kind_name(member.value)),
                         member.value.span());
    }
    for (const std::string& name : entry.names) {
      GS_TRY(Host* const host, context_.data.add_host(name, entry.port, member.key_span));
      context_.data.put_into(*host, group);
      for (const yaml::Node::Member& variable : member.value.members()) {
        context_.data.set(*host, {variable.key, variable.value.to_value(), variable.key_span});
      }
    }
    return {};
  }

  SourceContext& context_;
};

/// Groups with hosts, children and vars.
Result<void> read_yaml(SourceContext& context, OpenedSource& source) {
  GS_TRY(const yaml::Document* const document, source.document());
  const yaml::Node& root = document->root;
  const SourceSpan start{document->source, 1, 1, 1};
  if (!root.to_value().truthy()) return shape_error("the inventory is empty", start);
  if (!root.is_mapping()) {
    return shape_error("expected a mapping of groups, found " + std::string(kind_name(root)),
                       root.span())
        .hint("an inventory starts with 'all:' or another group");
  }
  if (const yaml::Node::Member* plugin = root.member("plugin");
      plugin != nullptr && plugin->value.to_value().truthy()) {
    return shape_error("this configures an inventory plugin and is no inventory of hosts",
                       plugin->key_span);
  }
  source.tell_warnings(context.warnings);
  return YamlReader(context).read(root);
}

}  // namespace

const SourceKind kYamlKind{.name = "yaml",
                           .wants =
                               [](OpenedSource& source) {
                                 return source.is_file() &&
                                        (source.extension().empty() || source.has_yaml_extension());
                               },
                           .read = read_yaml};

}  // namespace gpustack::inventory
