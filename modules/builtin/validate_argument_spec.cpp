#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "argument_spec",
     .type = ArgType::map,
     .required = true,
     .doc = "The specification, as in `meta/argument_specs.yml`."},
    {.name = "provided_arguments",
     .type = ArgType::map,
     .doc = "The values; variables of the host fill in what is absent."},
    {.name = "validate_args_context",
     .type = ArgType::map,
     .doc = "Where the specification comes from, for messages."},
};
constexpr Example kExamples[] = {
    {.title = "Check two variables",
     .yaml = "validate_argument_spec:\n  argument_spec:\n    gpu_slicing:\n      type: str\n      "
             "choices: [none, mig, timeslice]\n  provided_arguments:\n    gpu_slicing: mig"},
};
constexpr ResultKey kResults[] = {
    {"argument_errors", "What does not fit, one text each."},
    {"argument_spec_data", "The specification."},
    {"msg", "The verdict."},
};

}  // namespace

extern const ModuleSpec validate_argument_spec_module;
const ModuleSpec validate_argument_spec_module{.name = "validate_argument_spec",
                                               .summary = "Check values against a specification.",
                                               .args = kArgs,
                                               .examples = kExamples,
                                               .results = kResults,
                                               .place = Place::controller};

}  // namespace gpustack::modules
