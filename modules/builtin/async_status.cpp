#include "core/base/json.hpp"
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

std::string record_of(const std::string& job, const SystemView& view) {
  const std::string given = view.environment("ANSIBLE_ASYNC_DIR");
  return (given.empty() ? view.environment("HOME") + "/.ansible_async" : given) + "/" + job;
}

Value status(const std::string& job, const std::string& file, int finished) {
  return Value::map(
      {{"ansible_job_id", job}, {"results_file", file}, {"started", 1}, {"finished", finished}});
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
    return failed(status(job, file, 1), "could not parse job output: " + text);
  Plan plan = Plan::none(std::move(*record));
  plan.changed = plan.result.get("changed").truthy();
  if (plan.result.get("failed").truthy()) plan.state = Value("failed");
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string job = args.text("jid");
  if (job.empty() || job.find('/') != std::string::npos || job.starts_with('.')) {
    return Error(ErrorCode::unsafe_path, "'" + job + "' is not the id of a job");
  }
  const std::string file = record_of(job, view);
  GS_TRY(const auto present, view.lstat(file));
  if (!present)
    return failed(Value::map({{"ansible_job_id", job}, {"started", 1}, {"finished", 1}}),
                  "could not find job");
  if (args.text("mode") == "cleanup") {
    Plan plan = Plan::none(Value::map({{"ansible_job_id", job}, {"erased", file}}));
    plan.step(RemoveFile{file});
    return plan;
  }
  GS_TRY(const std::string text, view.read(file));
  // Not written yet: it runs.
  if (text.empty()) return Plan::none(status(job, file, 0));
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
