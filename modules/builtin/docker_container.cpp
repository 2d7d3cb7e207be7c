#include "modules/builtin/support/docker_container_arguments.hpp"
#include "modules/builtin/support/docker_container_run.hpp"
#include "modules/builtin/support/docker_registry.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr auto kArgs = with_docker_args(docker_container_arguments::kOwn);
constexpr ArgRule kRules[] = {
    kDockerRule,
    {.kind = ArgRule::Kind::required_if, .names = "image", .when = "state", .equals = "present"},
    {.kind = ArgRule::Kind::required_by, .names = "log_driver", .when = "log_options"},
    {.kind = ArgRule::Kind::required_by, .names = "restart_policy", .when = "restart_retries"},
};
constexpr Example kExamples[] = {
    {.title = "A model server with all GPUs",
     .yaml = "docker_container:\n  name: model\n  image: registry.example.com/ml/server:1.4\n  "
             "restart_policy: unless-stopped\n  published_ports: [\"8000:8000\"]\n  "
             "device_requests:\n    - driver: nvidia\n      count: -1\n      capabilities: "
             "[[gpu]]\n  volumes: [models:/models:ro]"},
    {.title = "One device by its CDI name, in two networks and in no other",
     .yaml =
         "docker_container:\n  name: worker\n  image: ml/worker\n  device_requests:\n    - "
         "driver: cdi\n      device_ids: [nvidia.com/gpu=0]\n  networks:\n    - name: "
         "inference\n      aliases: [worker]\n    - name: storage\n  comparisons:\n    networks: "
         "strict"},
    {.title = "Run once, and fail when it fails",
     .yaml = "docker_container:\n  name: migrate\n  image: ml/tools\n  command: migrate --all\n  "
             "detach: no\n  cleanup: yes"},
};
constexpr ResultKey kResults[] = {
    {"container",
     "The container as Docker describes it; its output is in `Output` with detach off."},
    {"status", "Exit status, with detach off."},
    {"actions", "What is done, told in a dry run and with debug."},
};

Result<void> check_pull(const Args& args) {
  const std::string pull = lower(args.text("pull"));
  if (pull == "always" || pull == "missing" || pull == "never" || parse_bool(args.get("pull")))
    return {};
  return Error(ErrorCode::invalid_argument,
               "pull is '" + args.text("pull") + "', expected yes, no, always, missing or never");
}

void describe(Plan& plan,
              const ContainerDecision& decision,
              const Args& args,
              const SystemView& view) {
  plan.changed = decision.changes();
  if (view.check_mode() || args.boolean("debug")) plan.set("actions", Value(decision.actions));
  for (const std::string& warning : decision.wanted.warnings)
    plan.result.set("warnings", Value::list({warning}));
  if (args.text("state") != "absent" && !decision.container.is_null())
    plan.set("container", decision.container);
  decision.differences.add_to(plan, view);
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_pull(args));
  GS_TRY(const DockerApi api, DockerApi::connect(args, view));
  GS_TRY(const ContainerDecision decision, decide_container(args, view, api));
  Plan plan;
  describe(plan, decision, args, view);
  plan.state = args.values();
  return plan;
}

/// Whether the image of that name is another one now. @error module_failed
Result<bool> pull(const Args& args, const DockerApi& api, System& system) {
  const ImageName name = ImageName::parse(args.text("image"));
  const std::string path = "/images/" + docker_name(name.text()) + "/json";
  GS_TRY(const Value before, api.get(system, path));
  if (!before.is_null() && !pulls_always(args)) return false;
  GS_TRY_VOID(pull_image(system, api, name, args.text("platform")));
  GS_TRY(const Value after, api.get(system, path));
  return !(before.get("Id") == after.get("Id"));
}

/// A pull may bring another image, so all is decided once more after it.
Result<Outcome> apply(const Plan& made, System& system) {
  const Args args(made.state);
  const bool may_pull = args.text("state") != "absent" && args.has("image") &&
                        !is_image_id(args.text("image")) && lower(args.text("pull")) != "never";
  const bool pulls = may_pull && (made.changed || pulls_always(args));
  if (!made.changed && !pulls)
    return Outcome{.changed = false, .failed = false, .result = made.result};
  GS_TRY(const DockerApi api, DockerApi::connect(args, system));
  bool has_pulled = false;
  if (pulls) {
    GS_TRY(has_pulled, pull(args, api, system));
  }
  GS_TRY(const ContainerDecision decision, decide_container(args, system, api));
  Plan plan;
  describe(plan, decision, args, system);
  GS_TRY(Outcome outcome, carry_out(decision, args, api, system));
  for (const auto& [key, value] : plan.result.as_map()) {
    if (outcome.result.find(to_text(key)) == nullptr &&
        !(key == Value("container") && outcome.failed))
      outcome.result.set(to_text(key), value);
  }
  if (system.diff_mode() && !plan.diffs.empty())
    outcome.result.set("diff", plan.diffs[0].to_value());
  outcome.changed = outcome.changed || has_pulled;
  return outcome;
}

}  // namespace

extern const ModuleSpec docker_container_module;
const ModuleSpec docker_container_module{.name = "docker_container",
                                         .collection = "community.docker",
                                         .summary = "Containers of Docker.",
                                         .args = kArgs,
                                         .rules = kRules,
                                         .examples = kExamples,
                                         .results = kResults,
                                         .has_diff = true,
                                         .plan = plan,
                                         .apply = apply};

}  // namespace gpustack::modules
