#include "core/base/suggest.hpp"
#include "inventory/sources/source.hpp"

#include <algorithm>

namespace gpustack::inventory {

namespace {

/// A YAML file whose `plugin` key says how the rest of it is meant.
Result<void> read_auto(SourceContext& context, OpenedSource& source) {
  GS_TRY(const yaml::Document* const document, source.document());
  const yaml::Node::Member* key =
      document->root.is_mapping() ? document->root.member("plugin") : nullptr;
  if (key == nullptr || !key->value.to_value().truthy()) {
    return Error(ErrorCode::yaml_type,
                 "no root 'plugin' key found, '" + source.name() +
                     "' is not a valid YAML inventory plugin config file");
  }
  const std::string name = to_text(key->value.to_value());
  const auto plugins = plugin_kinds();
  const auto found = std::ranges::find(plugins, simple_plugin_name(name), &SourceKind::name);
  if (found != plugins.end()) return (*found)->read(context, source);
  std::vector<std::string_view> names;
  std::string listed;
  for (const SourceKind* kind : plugins) {
    names.push_back(kind->name);
    listed += (listed.empty() ? "" : ", ") + std::string(kind->name);
  }
  const std::string near = suggest(simple_plugin_name(name), names);
  return Error(ErrorCode::inventory_syntax,
               "inventory config '" + source.name() + "' specifies unknown plugin '" + name + "'")
      .at(key->value.span())
      .hint(near.empty() ? "the plugins are " + listed +
                               "; a program that prints JSON can be an inventory too"
                         : near);
}

}  // namespace

const SourceKind kAutoKind{.name = "auto",
                           .wants =
                               [](OpenedSource& source) {
                                 const std::string extension = source.extension();
                                 return source.is_file() &&
                                        (extension == ".yml" || extension == ".yaml");
                               },
                           .read = read_auto};

}  // namespace gpustack::inventory
