#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "cacheable",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the values also become facts, which a later run can read from the cache."},
};
constexpr Example kExamples[] = {
    {.title = "A value that later tasks use",
     .yaml = "set_fact:\n  cuda_home: /usr/local/cuda-{{ cuda_version }}\n  wants_mig: \"{{ "
             "gpu_slicing == 'mig' }}\""},
};
constexpr ResultKey kResults[] = {{"ansible_facts", "The variables that were set."}};

}  // namespace

extern const ModuleSpec set_fact_module;
const ModuleSpec set_fact_module{.name = "set_fact",
                                 .summary = "Set variables of the host.",
                                 .args = kArgs,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .place = Place::controller,
                                 .any_arguments = true};

}  // namespace gpustack::modules
