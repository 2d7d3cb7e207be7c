#include "inventory/expressions.hpp"
#include "inventory/sources/plugin_config.hpp"

#include <array>
#include <functional>

namespace gpustack::inventory {

namespace {

constexpr std::array<std::string_view, 3> kOptions = {"plugin", "hosts", "layers"};
/// More hosts than that are a slip of the pen.
constexpr std::size_t kMaxHosts = 100'000;

/// A layer of names; hosts are made for every combination of one out of each.
struct Layer {
  std::string name;
  List values;
};

Result<std::vector<Layer>> read_layers(const yaml::Node& config) {
  const yaml::Node* node = config.find("layers");
  if (node == nullptr || !node->is_mapping()) {
    return config_error("expected a mapping of lists for 'layers', found " +
                            std::string(node == nullptr ? "none" : shape_name(*node)),
                        node == nullptr ? config.span() : node->span());
  }
  std::vector<Layer> layers;
  std::size_t count = 1;
  for (const yaml::Node::Member& member : node->members()) {
    const std::string name = to_text(member.key);
    if (!member.value.is_sequence()) {
      return config_error("expected a list for the layer '" + name + "', found " +
                              std::string(shape_name(member.value)),
                          member.value.span());
    }
    layers.push_back(Layer{name, member.value.to_value().as_list()});
    count *= layers.back().values.size();
    if (count > kMaxHosts)
      return config_error("the layers make more than 100000 hosts", node->span());
  }
  return layers;
}

/// @source ansible-core 2.14, plugins/inventory/generator.py
class Generator {
 public:
  explicit Generator(SourceContext& context) : context_(context) {}

  Result<void> generate(const yaml::Node& hosts, const std::vector<Layer>& layers) {
    const yaml::Node* name = hosts.find("name");
    if (name == nullptr) return config_error("'hosts' needs a 'name'", hosts.span());
    std::vector<std::size_t> chosen(layers.size(), 0);
    for (const Layer& layer : layers) {
      if (layer.values.empty()) return {};
    }
    do {
      Map variables;
      for (std::size_t i = 0; i < layers.size(); ++i)
        variables.set(Value(layers[i].name), layers[i].values[chosen[i]]);
      expressions_.use(std::move(variables));
      GS_TRY(const std::string host_name, rendered(*name));
      GS_TRY(Host* const host, context_.data.add_host(host_name, std::nullopt, name->span()));
      GS_TRY_VOID(add_parents(hosts, host_name, [&](Group& parent) -> Result<void> {
        context_.data.put_into(*host, parent);
        return {};
      }));
    } while (next(chosen, layers));
    return {};
  }

 private:
  /// Counts on, the last layer first. @return false behind the last combination
  static bool next(std::vector<std::size_t>& chosen, const std::vector<Layer>& layers) {
    for (std::size_t i = chosen.size(); i-- > 0;) {
      if (++chosen[i] < layers[i].values.size()) return true;
      chosen[i] = 0;
    }
    return false;
  }

  Result<std::string> rendered(const yaml::Node& text) {
    auto done = expressions_.render_text(text.to_value());
    if (!done) return config_error(done.error().message(), text.span()).hint(done.error().hint());
    return std::move(*done);
  }

  using PutInto = std::function<Result<void>(Group& parent)>;

  Result<void> add_parents(const yaml::Node& child,
                           const std::string& child_name,
                           const PutInto& put_into) {
    const yaml::Node* parents = child.find("parents");
    if (parents == nullptr || parents->is_null()) return {};
    if (!parents->is_sequence()) {
      return config_error(
          "expected a list for 'parents', found " + std::string(shape_name(*parents)),
          parents->span());
    }
    for (const yaml::Node& parent : parents->items()) {
      GS_TRY(Group* const group, parent_group(parent, child_name));
      GS_TRY_VOID(put_into(*group));
      GS_TRY_VOID(add_parents(parent, group->name(), [&](Group& above) -> Result<void> {
        GS_TRY_VOID(context_.data.add_child(above, *group, parent.span()));
        return {};
      }));
    }
    return {};
  }

  Result<Group*> parent_group(const yaml::Node& parent, const std::string& child) {
    const yaml::Node* name = parent.is_mapping() ? parent.find("name") : nullptr;
    if (name == nullptr)
      return config_error("element " + child + " has a parent with no name element", parent.span());
    GS_TRY(const std::string group_name, rendered(*name));
    GS_TRY(Group* const group, context_.data.add_group(group_name, name->span()));
    const yaml::Node* variables = parent.find("vars");
    if (variables == nullptr) return group;
    for (const yaml::Node::Member& member : variables->members()) {
      Value value = member.value.to_value();
      if (value.is_string()) {
        GS_TRY(std::string text, rendered(member.value));
        value = Value(std::move(text));
      }
      GS_TRY_VOID(context_.data.set(*group, {member.key, std::move(value), member.key_span}));
    }
    return group;
  }

  SourceContext& context_;
  Expressions expressions_;
};

Result<void> read_generator(SourceContext& context, OpenedSource& source) {
  GS_TRY(const yaml::Node* const config,
         plugin_config(context, source, kGeneratorKind.name, kOptions));
  GS_TRY(const auto layers, read_layers(*config));
  const yaml::Node* hosts = config->find("hosts");
  if (hosts == nullptr || !hosts->is_mapping()) {
    return config_error("expected a mapping for 'hosts', found " +
                            std::string(hosts == nullptr ? "none" : shape_name(*hosts)),
                        hosts == nullptr ? config->span() : hosts->span());
  }
  return Generator(context).generate(*hosts, layers);
}

}  // namespace

const SourceKind kGeneratorKind{
    .name = "generator", .wants = may_configure_plugin, .read = read_generator};

}  // namespace gpustack::inventory
