#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "free_form",
     .required = true,
     .choices = "clear_facts,clear_host_errors,end_host,end_play,end_batch,flush_handlers,noop,"
                "refresh_inventory,reset_connection",
     .doc = "What to do."},
};
constexpr Example kExamples[] = {
    {.title = "Run the notified handlers now", .yaml = "meta: flush_handlers"},
    {.title = "This host is done", .yaml = "meta: end_host\nwhen: gpu_vendor == 'none'"},
};

}  // namespace

extern const ModuleSpec meta_module;
const ModuleSpec meta_module{
    .name = "meta",
    .summary = "Steer the run itself: flush handlers, end a play, forget facts.",
    .args = kArgs,
    .examples = kExamples,
    .place = Place::controller,
    .free_form = "free_form"};

}  // namespace gpustack::modules
