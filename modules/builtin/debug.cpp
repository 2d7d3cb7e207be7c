#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "msg",
     .type = ArgType::raw,
     .fallback = "Hello world!",
     .doc = "The message: a text or any value."},
    {.name = "var",
     .type = ArgType::raw,
     .doc = "An expression, written without `{{ }}`; its value is shown under its name."},
    {.name = "verbosity",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "The number of `-v` from which the message is shown."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "msg,var"},
};
constexpr Example kExamples[] = {
    {.title = "A message",
     .yaml = "debug:\n  msg: \"{{ inventory_hostname }} has {{ gpu_count }} GPUs\""},
    {.title = "A variable", .yaml = "debug:\n  var: ansible_facts.gpustack"},
};

}  // namespace

extern const ModuleSpec debug_module;
const ModuleSpec debug_module{.name = "debug",
                              .summary = "Show a message or the value of a variable.",
                              .args = kArgs,
                              .rules = kRules,
                              .examples = kExamples,
                              .place = Place::controller};

}  // namespace gpustack::modules
