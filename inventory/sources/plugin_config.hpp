#pragma once
/// @file What the YAML files of inventory plugins have in common.

#include "inventory/sources/source.hpp"

#include <span>
#include <string_view>

namespace gpustack::inventory {

/// A file that is meant for a plugin, without what it says.
bool may_configure_plugin(OpenedSource& source);

/// The mapping of a file that configures `plugin`; keys that it does not know are warned of.
/// @error inventory_syntax  it is empty, of another shape, or for another plugin; yaml_*, vault_*
Result<const yaml::Node*> plugin_config(SourceContext& context,
                                        OpenedSource& source,
                                        std::string_view plugin,
                                        std::span<const std::string_view> options);

void warn_of_unknown_options(SourceContext& context,
                             const yaml::Node& mapping,
                             const std::string& owner,
                             std::span<const std::string_view> options);

/// A yes or no of the mapping. @error inventory_syntax
Result<bool> boolean_option(const yaml::Node& config, std::string_view name, bool fallback);

/// Where a plugin's file is wrong.
Error config_error(std::string message, SourceSpan span);
/// `a mapping`, `a list` and so on.
std::string_view shape_name(const yaml::Node& node);

}  // namespace gpustack::inventory
