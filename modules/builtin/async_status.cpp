#include "core/base/json.hpp"
#include "modules/sdk/async_jobs.hpp"
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
    {"results_file", "Where the job writes its result."},
    {"erased", "With cleanup: the file that is gone."},
};

Value status(const std::string& job, int started, int finished) {
  return Value::map({{"started", started},
                     {"finished", finished},
                     {"stdout", ""},
                     {"stderr", ""},
                     {"stdout_lines", Value(List())},
                     {"stderr_lines", Value(List())},
                     {"ansible_job_id", job}});
}

Value status_of(const std::string& job, const std::string& file, int finished) {
  Value result = status(job, 1, finished);
  result.set("results_file", file);
  return result;
}

Plan failed(Value result, std::string_view message) {
  Plan plan = Plan::none(std::move(result));
  plan.set("msg", Value(message));
  plan.state = Value("failed");
  return plan;
}

// The job's own result, as the task would have reported it.
Plan report(const std::string& job, const std::string& file, const std::string& text) {
  auto record = parse_json(text);
  if (!record || !record->is_map())
    return failed(status_of(job, file, 1), "could not parse job output: " + text);
  Value result = status_of(job, file, 1);
  for (const auto& [key, value] : record->as_map()) result.set(key.as_string(), value);
  Plan plan = Plan::none(std::move(result));
  plan.changed = plan.result.get("changed").truthy();
  if (plan.result.get("failed").truthy()) plan.state = Value("failed");
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string job = args.text("jid");
  if (job.empty() || job.find('/') != std::string::npos || job.starts_with('.')) {
    return Error(ErrorCode::unsafe_path, "'" + job + "' is not the id of a job");
  }
  const std::string file = async_folder(view) + "/" + job;
  GS_TRY(const auto present, view.lstat(file));
  if (!present) return failed(status_of(job, file, 1), "could not find job");
  if (args.text("mode") == "cleanup") {
    Plan plan = Plan::none(status(job, 0, 0));
    plan.set("erased", Value(file));
    plan.step(RemoveFile{file});
    plan.changed = false;  // as in Ansible: the record was never part of the host's state
    return plan;
  }
  GS_TRY(const std::string text, view.read(file));
  // Not written yet: it runs.
  if (text.empty()) return Plan::none(status_of(job, file, 0));
  return report(job, file, text);
}

Result<Outcome> apply(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  outcome.failed = outcome.failed || plan.state == Value("failed");
  return outcome;
}

}  // namespace

extern const ModuleSpec async_status_module;
const ModuleSpec async_status_module{
    .name = "async_status",
    .summary = "Ask how a task that runs in the background is doing.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
