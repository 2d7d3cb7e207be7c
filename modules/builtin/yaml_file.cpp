#include "modules/builtin/support/data_edit.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/yaml_text.hpp"

namespace gpustack::modules {

namespace {

constexpr Example kExamples[] = {
    {.title = "One value; comments and the order of the file stay",
     .yaml = "yaml_file:\n  path: /etc/app/config.yml\n  key: server.port\n  value: 8080"},
    {.title = "Several values of one map, other keys stay",
     .yaml = "yaml_file:\n  path: /etc/netplan/50-data.yaml\n  key: network.ethernets.eth1\n  "
             "value: {dhcp4: false, addresses: [10.0.0.2/24]}\n  state: merged\n  mode: \"0600\""},
    {.title = "An item of a list, once",
     .yaml = "yaml_file:\n  path: /etc/app/config.yml\n  key: plugins[]\n  value: gpu"},
    {.title = "Remove an item by its value",
     .yaml = "yaml_file:\n  path: /etc/app/config.yml\n  key: servers[]\n  value: a.example.com\n  "
             "state: absent"},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  return plan_data_edit(args, view, make_yaml_text);
}

}  // namespace

extern const ModuleSpec yaml_file_module;
const ModuleSpec yaml_file_module{
    .name = "yaml_file",
    .collection = "gpustack.builtin",
    .summary = "Values in a YAML file set, merged or removed; the rest keeps layout and comments.",
    .args = kDataFileArgs,
    .rules = kDataFileRules,
    .examples = kExamples,
    .results = kDataFileResults,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply_with_path_info};

}  // namespace gpustack::modules
