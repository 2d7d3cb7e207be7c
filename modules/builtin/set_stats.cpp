#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "data",
     .type = ArgType::raw,
     .doc = "Names and values; without them nothing is done."},
    {.name = "per_host",
     .type = ArgType::raw,
     .fallback = "false",
     .doc = "Whether the values belong to the host or to the run."},
    {.name = "aggregate",
     .type = ArgType::raw,
     .fallback = "true",
     .doc = "Whether values add to what is there (numbers sum up, lists and maps join) or replace "
            "it."},
};
constexpr Example kExamples[] = {
    {.title = "Count hosts that need a reboot",
     .yaml = "set_stats:\n  data:\n    reboots_pending: 1"},
};
constexpr ResultKey kResults[] = {{"ansible_stats", "The values with per_host and aggregate."}};

}  // namespace

extern const ModuleSpec set_stats_module;
const ModuleSpec set_stats_module{.name = "set_stats",
                                  .summary = "Record values for the summary of the run.",
                                  .args = kArgs,
                                  .examples = kExamples,
                                  .results = kResults,
                                  .place = Place::controller};

}  // namespace gpustack::modules
