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

/// fnmatch(3) for names: `*`, `?` and `[…]`.
bool matches(std::string_view pattern, std::string_view name) {
  while (!pattern.empty()) {
    if (pattern.front() == '*') {
      for (std::size_t skip = 0; skip <= name.size(); ++skip) {
        if (matches(pattern.substr(1), name.substr(skip))) return true;
      }
      return false;
    }
    if (name.empty()) return false;
    const auto close = pattern.front() == '[' ? pattern.find(']', 2) : std::string_view::npos;
    if (close != std::string_view::npos) {
      std::string_view set = pattern.substr(1, close - 1);
      const bool is_negated = set.starts_with('!');
      if (is_negated) set.remove_prefix(1);
      bool is_in = false;
      for (std::size_t i = 0; i < set.size(); ++i) {
        if (i + 2 < set.size() && set[i + 1] == '-') {
          is_in = is_in || (name.front() >= set[i] && name.front() <= set[i + 2]);
          i += 2;
        } else {
          is_in = is_in || name.front() == set[i];
        }
      }
      if (is_in == is_negated) return false;
      pattern.remove_prefix(close);
    } else if (pattern.front() != '?' && pattern.front() != name.front()) {
      return false;
    }
    pattern.remove_prefix(1);
    name.remove_prefix(1);
  }
  return name.empty();
}

bool is_wanted(const std::vector<std::string>& filters, const std::string& name) {
  if (filters.empty()) return true;
  return std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) {
    return filter.empty() || filter == "*" || matches(filter, name) ||
           matches(filter, "ansible_" + name);
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
