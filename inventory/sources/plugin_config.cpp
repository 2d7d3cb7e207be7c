#include "inventory/sources/plugin_config.hpp"

#include "core/base/suggest.hpp"

#include <algorithm>

namespace gpustack::inventory {

Error config_error(std::string message, SourceSpan span) {
  return Error(ErrorCode::inventory_syntax, std::move(message)).at(span);
}

std::string_view shape_name(const yaml::Node& node) {
  if (node.is_mapping()) return "a mapping";
  if (node.is_sequence()) return "a list";
  return node.is_null() ? "nothing" : "a single value";
}

bool may_configure_plugin(OpenedSource& source) {
  const std::string extension = source.extension();
  return source.is_file() &&
         (extension.empty() || extension == ".config" || source.has_yaml_extension());
}

Result<const yaml::Node*> plugin_config(SourceContext& context,
                                        OpenedSource& source,
                                        std::string_view plugin,
                                        std::span<const std::string_view> options) {
  GS_TRY(const yaml::Document* const document, source.document());
  const yaml::Node& root = document->root;
  if (!root.to_value().truthy())
    return config_error(source.name() + " is empty", SourceSpan{document->source, 1, 1, 1});
  if (!root.is_mapping()) {
    return config_error("inventory source has invalid structure, expected a mapping, found " +
                            std::string(shape_name(root)),
                        root.span());
  }
  const yaml::Node::Member* key = root.member("plugin");
  const std::string named = key == nullptr ? "none found" : to_text(key->value.to_value());
  if (simple_plugin_name(named) != plugin) {
    return config_error("incorrect plugin name in file: " + named,
                        key == nullptr ? root.span() : key->value.span())
        .hint("it should say 'plugin: " + std::string(plugin) + "'");
  }
  source.tell_warnings(context.warnings);
  warn_of_unknown_options(
      context, root, "the inventory plugin '" + std::string(plugin) + "'", options);
  return &root;
}

void warn_of_unknown_options(SourceContext& context,
                             const yaml::Node& mapping,
                             const std::string& owner,
                             std::span<const std::string_view> options) {
  for (const yaml::Node::Member& member : mapping.members()) {
    const std::string name = to_text(member.key);
    if (std::ranges::find(options, name) != options.end()) continue;
    const std::string near =
        suggest(name, std::vector<std::string_view>(options.begin(), options.end()));
    std::string text = owner;
    text += " has no option '";
    text += name;
    text += near.empty() ? "'" : "'; " + near;
    context.warnings.push_back(yaml::Warning{std::move(text), member.key_span});
  }
}

Result<bool> boolean_option(const yaml::Node& config, std::string_view name, bool fallback) {
  const yaml::Node::Member* member = config.member(name);
  if (member == nullptr || member->value.is_null()) return fallback;
  auto flag = parse_bool(member->value.to_value());
  if (!flag) {
    return config_error("expected yes or no for '" + std::string(name) + "', found '" +
                            to_text(member->value.to_value()) + "'",
                        member->value.span());
  }
  return *flag;
}

}  // namespace gpustack::inventory
