#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/facts/subsets.hpp"
#include "modules/sdk/module.hpp"

#include <algorithm>

namespace gpustack::modules {
namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "gather_subset",
     .type = ArgType::list,
     .elements = ArgType::string,
     .fallback = "all",
     .doc = "Families of facts to gather; `!name` leaves one out, `min` stays unless `!min`. "
            "`gpustack` is ours."},
    {.name = "gather_timeout",
     .type = ArgType::integer,
     .fallback = "10",
     .doc =
         "Seconds to wait for a slow source: a network mount, a local fact program, nvidia-smi."},
    {.name = "filter",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Shell patterns; only facts whose name (with or without `ansible_`) matches one are "
            "returned.",
     .empty_fallback = true},
    {.name = "fact_path",
     .type = ArgType::path,
     .fallback = "/etc/ansible/facts.d",
     .doc = "Folder of local facts: `*.fact` files with JSON or INI, or programs that print it."},
};

constexpr Example kExamples[] = {
    {.title = "Everything", .yaml = "setup:"},
    {.title = "Only what the GPU roles need", .yaml = "setup: {gather_subset: ['!all', gpustack]}"},
    {.title = "Memory facts", .yaml = "setup: {filter: 'ansible_mem*'}"},
};

constexpr ResultKey kResults[] = {
    {.name = "ansible_facts",
     .doc = "The facts, named as Ansible names them; ours are under `ansible_gpustack`."},
};

bool is_wanted(const std::vector<std::string>& filters, const std::string& name) {
  if (filters.empty()) return true;
  return std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) {
    return filter.empty() || name_matches(filter, name) || name_matches(filter, "ansible_" + name);
  });
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::vector<std::string> subset = args.texts("gather_subset");
  const std::vector<std::string> filters = args.texts("filter");
  GS_TRY(const auto chosen, facts::choose_families(subset));
  const facts::Reader host(view);
  facts::Request request{.fact_path = args.text("fact_path"),
                         .timeout = std::chrono::seconds(
                             std::max<std::int64_t>(1, args.integer("gather_timeout", 10))),
                         .warnings = {}};
  Map gathered;
  for (const facts::Family* family : chosen) family->collect(host, request, gathered);
  Map named;
  named.reserve(gathered.size() + 2);
  for (auto& [name, value] : gathered) {
    if (is_wanted(filters, name.as_string()))
      named.set("ansible_" + name.as_string(), std::move(value));
  }
  List asked;
  for (const std::string& each : subset) asked.emplace_back(each);
  if (is_wanted(filters, "gather_subset")) named.set("gather_subset", std::move(asked));
  if (is_wanted(filters, "module_setup")) named.set("module_setup", true);
  Plan result = Plan::none();
  result.set("ansible_facts", Value(std::move(named)));
  if (!request.warnings.empty()) {
    List warnings;
    for (std::string& warning : request.warnings) warnings.emplace_back(std::move(warning));
    result.set("warnings", Value(std::move(warnings)));
  }
  return result;
}

}  // namespace

extern const ModuleSpec setup_module;
const ModuleSpec setup_module{.name = "setup",
                              .summary = "Gather facts about the host, its GPUs and its platform.",
                              .args = kArgs,
                              .examples = kExamples,
                              .results = kResults,
                              .queries = "nvidia-smi, vgs, lvs, pvs, *.fact",
                              .plan = plan};

}  // namespace gpustack::modules
