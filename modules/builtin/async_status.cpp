#include "modules/sdk/module.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "jid",
     .required = true,
     .doc = "The job's id, `ansible_job_id` of the task that started it."},
    {.name = "mode",
     .fallback = "status",
     .choices = "cleanup,status",
     .doc = "Ask, or forget the job's record."},
};
constexpr Example kExamples[] = {
    {.title = "Wait for a long build",
     .yaml = "async_status:\n  jid: \"{{ build.ansible_job_id }}\"\nregister: job\nuntil: "
             "job.finished\nretries: 60\ndelay: 10"},
};
constexpr ResultKey kResults[] = {
    {"ansible_job_id", "The job's id."},
    {"finished", "1 when it is done, else 0."},
    {"started", "1 once it runs."},
    {"erased", "With cleanup: the file that is gone."},
};

}  // namespace

extern const ModuleSpec async_status_module;
const ModuleSpec async_status_module{
    .name = "async_status",
    .summary = "Ask how a task that runs in the background is doing.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .place = Place::controller};

}  // namespace gpustack::modules
