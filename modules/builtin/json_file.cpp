#include "modules/builtin/support/data_edit.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/json_text.hpp"

namespace gpustack::modules {

namespace {

constexpr Example kExamples[] = {
    {.title = "One value",
     .yaml = "json_file:\n  path: /etc/app/config.json\n  key: server.port\n  value: 8080"},
    {.title = "Several values of one map, other keys stay",
     .yaml = "json_file:\n  path: /etc/app/config.json\n  key: logging\n  value: {level: info, "
             "rotate: true}\n  state: merged"},
    {.title = "An item of a list, once",
     .yaml = "json_file:\n  path: /etc/app/config.json\n  key: plugins[]\n  value: gpu"},
    {.title = "Remove a key that has a dot in its name",
     .yaml = "json_file:\n  path: /etc/app/config.json\n  key: hosts.\"a.example.com\"\n  state: "
             "absent"},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  return plan_data_edit(args, view, make_json_text);
}

}  // namespace

extern const ModuleSpec json_file_module;
const ModuleSpec json_file_module{
    .name = "json_file",
    .collection = "gpustack.builtin",
    .summary = "Values in a JSON file set, merged or removed; the rest keeps its layout.",
    .args = kDataFileArgs,
    .rules = kDataFileRules,
    .examples = kExamples,
    .results = kDataFileResults,
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply_with_path_info};

}  // namespace gpustack::modules
