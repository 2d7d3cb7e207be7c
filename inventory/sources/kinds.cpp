#include "inventory/sources/source.hpp"

#include <algorithm>
#include <array>

namespace gpustack::inventory {

namespace {

Result<void> refuse_toml(SourceContext& /*context*/, OpenedSource& source) {
  return Error(ErrorCode::inventory_syntax,
               "the inventory '" + source.name() + "' is TOML, which is not supported")
      .hint("write it as YAML or INI");
}

const SourceKind kTomlKind{
    .name = "toml",
    .wants = [](OpenedSource& source) { return source.is_file() && source.extension() == ".toml"; },
    .read = refuse_toml};

constexpr std::array<const SourceKind*, 9> kKinds = {&kHostListKind,
                                                     &kScriptKind,
                                                     &kAutoKind,
                                                     &kYamlKind,
                                                     &kIniKind,
                                                     &kTomlKind,
                                                     &kAdvancedHostListKind,
                                                     &kConstructedKind,
                                                     &kGeneratorKind};
/// Those at the front are tried when nothing else is asked for.
constexpr std::size_t kDefaultCount = 6;

constexpr std::array<const SourceKind*, 2> kPlugins = {&kConstructedKind, &kGeneratorKind};

}  // namespace

std::string_view simple_plugin_name(std::string_view name) {
  for (const std::string_view prefix : {"ansible.builtin.", "ansible.legacy."}) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return name;
}

std::span<const SourceKind* const> plugin_kinds() { return kPlugins; }

Result<std::vector<const SourceKind*>> enabled_kinds(const std::vector<std::string>& names,
                                                     std::vector<yaml::Warning>& warnings) {
  std::vector<const SourceKind*> kinds;
  if (names.empty()) kinds.assign(kKinds.begin(), kKinds.begin() + kDefaultCount);
  for (const std::string& name : names) {
    const auto found = std::ranges::find(kKinds, simple_plugin_name(name), &SourceKind::name);
    if (found != kKinds.end()) {
      kinds.push_back(*found);
    } else {
      warnings.push_back(yaml::Warning{"Failed to load inventory plugin, skipping " + name, {}});
    }
  }
  if (kinds.empty()) {
    return Error(ErrorCode::inventory_syntax,
                 "No inventory plugins available to generate inventory, make sure you have at "
                 "least one enabled.")
        .hint("ANSIBLE_INVENTORY_ENABLED names them");
  }
  return kinds;
}

}  // namespace gpustack::inventory
