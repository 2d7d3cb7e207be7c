#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "that",
     .type = ArgType::raw,
     .required = true,
     .doc = "An expression as in `when`, or a list of them; all must hold."},
    {.name = "fail_msg",
     .type = ArgType::raw,
     .aliases = "msg",
     .doc = "Said when one does not hold; a text or a list of texts."},
    {.name = "success_msg",
     .type = ArgType::raw,
     .doc = "Said when all hold; a text or a list of texts."},
    {.name = "quiet",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the result leaves out what held."},
};
constexpr Example kExamples[] = {
    {.title = "Driver branch is one that we support",
     .yaml = "assert:\n  that:\n    - nvidia_driver_branch is defined\n    - nvidia_driver_branch "
             "| int >= 535\n  fail_msg: set nvidia_driver_branch to 535 or later"},
};
constexpr ResultKey kResults[] = {
    {"assertion", "The expression that does not hold."},
    {"evaluated_to", "What it came to."},
    {"msg", "`fail_msg` or `success_msg`."},
};

}  // namespace

extern const ModuleSpec assert_module;
const ModuleSpec assert_module{.name = "assert",
                               .summary = "Stop when an expression is not true.",
                               .args = kArgs,
                               .examples = kExamples,
                               .results = kResults,
                               .place = Place::controller};

}  // namespace gpustack::modules
