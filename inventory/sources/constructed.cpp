#include "inventory/expressions.hpp"
#include "inventory/sources/plugin_config.hpp"

#include <algorithm>
#include <array>

namespace gpustack::inventory {

namespace {

constexpr std::array<std::string_view, 8> kOptions = {"plugin",
                                                      "compose",
                                                      "groups",
                                                      "keyed_groups",
                                                      "leading_separator",
                                                      "strict",
                                                      "use_extra_vars",
                                                      "use_vars_plugins"};
constexpr std::array<std::string_view, 6> kKeyedOptions = {
    "key", "prefix", "separator", "parent_group", "default_value", "trailing_separator"};

/// An entry of `keyed_groups`.
struct KeyedGroup {
  Value key;
  SourceSpan span;
  std::string prefix;
  std::string separator = "_";
  Value parent;  ///< null for none
  std::optional<std::string> fallback;
  bool has_trailing_separator = true;
};

struct Settings {
  bool is_strict = false;
  bool uses_extra_vars = false;
  bool uses_vars_files = false;
  bool has_leading_separator = true;
  const yaml::Node* compose = nullptr;
  const yaml::Node* groups = nullptr;
  std::vector<KeyedGroup> keyed;
};

Result<const yaml::Node*> mapping_option(const yaml::Node& config, std::string_view name) {
  const yaml::Node* node = config.find(name);
  if (node == nullptr || node->is_null()) return nullptr;
  if (!node->is_mapping()) {
    return config_error("expected a mapping for '" + std::string(name) + "', found " +
                            std::string(shape_name(*node)),
                        node->span());
  }
  return node;
}

Result<KeyedGroup> read_keyed_group(SourceContext& context, const yaml::Node& node) {
  if (!node.is_mapping()) {
    return config_error("invalid keyed group entry, it must be a dictionary, found " +
                            std::string(shape_name(node)),
                        node.span());
  }
  KeyedGroup keyed;
  warn_of_unknown_options(context, node, "a keyed group", kKeyedOptions);
  const yaml::Node* key = node.find("key");
  if (key == nullptr || key->is_null())
    return config_error("a keyed group needs a 'key'", node.span());
  keyed.key = key->to_value();
  keyed.span = key->span();
  if (const yaml::Node* prefix = node.find("prefix")) keyed.prefix = to_text(prefix->to_value());
  if (const yaml::Node* separator = node.find("separator"))
    keyed.separator = to_text(separator->to_value());
  if (const yaml::Node* parent = node.find("parent_group"); parent && parent->to_value().truthy())
    keyed.parent = parent->to_value();
  const yaml::Node* fallback = node.find("default_value");
  const yaml::Node* trailing = node.find("trailing_separator");
  const bool has_fallback = fallback != nullptr && !fallback->is_null();
  if (has_fallback && trailing != nullptr && !trailing->is_null()) {
    return config_error(
        "parameters are mutually exclusive for keyed groups: default_value|trailing_separator",
        trailing->span());
  }
  if (has_fallback) keyed.fallback = to_text(fallback->to_value());
  GS_TRY(keyed.has_trailing_separator, boolean_option(node, "trailing_separator", true));
  return keyed;
}

Result<Settings> read_settings(SourceContext& context, const yaml::Node& config) {
  Settings settings;
  GS_TRY(settings.is_strict, boolean_option(config, "strict", false));
  GS_TRY(settings.uses_extra_vars,
         boolean_option(config, "use_extra_vars", context.options.uses_extra_vars));
  GS_TRY(settings.uses_vars_files, boolean_option(config, "use_vars_plugins", false));
  GS_TRY(settings.has_leading_separator, boolean_option(config, "leading_separator", true));
  GS_TRY(settings.compose, mapping_option(config, "compose"));
  GS_TRY(settings.groups, mapping_option(config, "groups"));
  const yaml::Node* keyed = config.find("keyed_groups");
  if (keyed == nullptr || keyed->is_null()) return settings;
  if (!keyed->is_sequence()) {
    return config_error(
        "expected a list for 'keyed_groups', found " + std::string(shape_name(*keyed)),
        keyed->span());
  }
  for (const yaml::Node& entry : keyed->items()) {
    if (!entry.to_value().truthy()) continue;
    GS_TRY(KeyedGroup one, read_keyed_group(context, entry));
    settings.keyed.push_back(std::move(one));
  }
  return settings;
}

/// Names of groups from the value of a key: a text, a list of them, or pairs.
/// @error inventory_syntax  anything else
Result<std::vector<std::string>> group_names_of(const KeyedGroup& keyed, const Value& value) {
  const auto or_fallback = [&](const Value& name) {
    const bool is_empty = name.is_string() && name.as_string().empty();
    return is_empty && keyed.fallback ? *keyed.fallback : to_text(name);
  };
  std::vector<std::string> names;
  if (value.is_string()) {
    names.push_back(or_fallback(value));
  } else if (value.is_list()) {
    for (const Value& name : value.as_list()) names.push_back(or_fallback(name));
  } else if (value.is_map()) {
    for (const Map::Entry& entry : value.as_map()) {
      const std::string rest = or_fallback(entry.value);
      const bool ends_here = rest.empty() && !keyed.has_trailing_separator;
      names.push_back(ends_here ? to_text(entry.key) : to_text(entry.key) + keyed.separator + rest);
    }
  } else {
    return config_error(
        "invalid group name format, expected a string or a list of them or dictionary, found " +
            std::string(type_name(value)),
        keyed.span);
  }
  return names;
}

/// Makes variables and groups out of what is known of the hosts so far.
/// @source ansible-core 2.14, plugins/inventory/constructed.py and Constructable
class Constructor {
 public:
  Constructor(SourceContext& context, Settings settings)
      : context_(context), settings_(std::move(settings)) {}

  Result<void> construct(Host& host) {
    GS_TRY_VOID(use_variables(host));
    GS_TRY_VOID(compose(host));
    GS_TRY_VOID(use_variables(host));  // compose may have made new ones
    GS_TRY_VOID(add_to_groups(host));
    for (const KeyedGroup& keyed : settings_.keyed) GS_TRY_VOID(add_to_keyed_groups(keyed, host));
    return {};
  }

 private:
  void merge(Map& into, const Map& more) const {
    into = combined(into, more, context_.options.merges_maps);
  }

  Result<void> merge_files(Map& into, Entity entity, const std::string& name) {
    for (const std::string& folder : vars_folders_of(context_.read)) {
      GS_TRY(const auto sets, context_.files.find(folder, entity, name));
      for (const auto& set : sets) merge(into, set->values);
    }
    return {};
  }

  Result<void> use_variables(const Host& host) {
    const auto groups = groups_of(host);
    Map variables;
    for (const Group* group : groups) merge(variables, group->variables().values);
    if (settings_.uses_vars_files) {
      for (const Group* group : groups)
        GS_TRY_VOID(merge_files(variables, Entity::group, group->name()));
    }
    merge(variables, host.variables().values);
    List names;
    for (const Group* group : groups) {
      if (group != &context_.data.all()) names.push_back(Value(group->name()));
    }
    std::ranges::sort(names, {}, [](const Value& name) { return name.as_string(); });
    variables.set("group_names", Value(std::move(names)));
    variables.set("inventory_hostname", Value(host.name()));
    variables.set("inventory_hostname_short", Value(host.name().substr(0, host.name().find('.'))));
    if (settings_.uses_vars_files) GS_TRY_VOID(merge_files(variables, Entity::host, host.name()));
    if (settings_.uses_extra_vars && context_.options.extra_vars.is_map())
      merge(variables, context_.options.extra_vars.as_map());
    expressions_.use(std::move(variables));
    return {};
  }

  /// Without `strict`, what cannot be evaluated for a host is left out for it.
  template <typename Found>
  Result<std::optional<Found>> tolerated(Result<Found> found,
                                         const std::string& task,
                                         SourceSpan span) {
    if (found) return std::optional<Found>(std::move(*found));
    if (!settings_.is_strict) return std::optional<Found>();
    return config_error(task + ": " + found.error().message(), span).hint(found.error().hint());
  }

  Result<void> compose(Host& host) {
    if (settings_.compose == nullptr) return {};
    for (const yaml::Node::Member& member : settings_.compose->members()) {
      GS_TRY(auto value,
             tolerated(expressions_.evaluate(member.value.to_value()),
                       "could not set " + to_text(member.key) + " for host " + host.name(),
                       member.value.span()));
      if (value) context_.data.set(host, {member.key, std::move(*value), member.key_span});
    }
    return {};
  }

  Result<void> add_to_groups(Host& host) {
    if (settings_.groups == nullptr) return {};
    for (const yaml::Node::Member& member : settings_.groups->members()) {
      const std::string name = name_of_word_characters(to_text(member.key));
      GS_TRY(const auto holds,
             tolerated(expressions_.holds(member.value.to_value()),
                       "could not add host " + host.name() + " to group " + name,
                       member.value.span()));
      if (!holds || !*holds) continue;
      GS_TRY(Group* const group, context_.data.add_group(name, member.key_span));
      context_.data.put_into(host, *group);
    }
    return {};
  }

  Result<void> add_to_keyed_groups(const KeyedGroup& keyed, Host& host) {
    GS_TRY(const auto value,
           tolerated(expressions_.evaluate(keyed.key),
                     "could not generate group for host " + host.name() + " from " +
                         to_text(keyed.key) + " entry",
                     keyed.span));
    if (!value) return {};
    const bool is_empty_text = value->is_string() && value->as_string().empty();
    if (!value->truthy() && !(is_empty_text && keyed.fallback)) {
      const bool is_empty_collection = value->is_list() || value->is_map();
      if (!settings_.is_strict || is_empty_collection) return {};
      return config_error("no key or key resulted empty for " + to_text(keyed.key) + " in host " +
                              host.name() + ", invalid entry",
                          keyed.span);
    }
    GS_TRY(const auto parent,
           tolerated(expressions_.render(keyed.parent),
                     "could not generate parent group " + to_text(keyed.parent),
                     keyed.span));
    if (!parent) return {};
    GS_TRY(const auto names, group_names_of(keyed, *value));
    const bool has_separator = !keyed.prefix.empty() || settings_.has_leading_separator;
    for (const std::string& name : names) {
      const std::string full = keyed.prefix + (has_separator ? keyed.separator : "") + name;
      GS_TRY_VOID(put_below(host, full, *parent, keyed.span));
    }
    return {};
  }

  Result<void> put_below(Host& host,
                         const std::string& name,
                         const Value& parent,
                         SourceSpan span) {
    GS_TRY(Group* const group, context_.data.add_group(name_of_word_characters(name), span));
    context_.data.put_into(host, *group);
    if (parent.is_null()) return {};
    GS_TRY(Group* const above,
           context_.data.add_group(name_of_word_characters(to_text(parent)), span));
    GS_TRY_VOID(context_.data.add_child(*above, *group, span));
    return {};
  }

  SourceContext& context_;
  Settings settings_;
  Expressions expressions_;
};

Result<void> read_constructed(SourceContext& context, OpenedSource& source) {
  GS_TRY(const yaml::Node* const config,
         plugin_config(context, source, kConstructedKind.name, kOptions));
  GS_TRY(Settings settings, read_settings(context, *config));
  Constructor constructor(context, std::move(settings));
  for (const auto& host : context.data.hosts()) GS_TRY_VOID(constructor.construct(*host));
  return {};
}

}  // namespace

const SourceKind kConstructedKind{
    .name = "constructed", .wants = may_configure_plugin, .read = read_constructed};

}  // namespace gpustack::inventory
