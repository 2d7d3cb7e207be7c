#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/docker_api.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kOwn[] = {
    {.name = "volume_name", .required = true, .aliases = "name", .doc = "Name of the volume."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,absent",
     .doc = "Whether the volume shall be there."},
    {.name = "driver", .fallback = "local", .doc = "Driver that keeps it."},
    {.name = "driver_options",
     .type = ArgType::map,
     .doc = "Options of the driver.",
     .empty_fallback = true},
    {.name = "labels", .type = ArgType::map, .doc = "Labels."},
    {.name = "recreate",
     .fallback = "never",
     .choices = "always,never,options-changed",
     .doc = "Whether a volume that is there is removed, with all that is in it, and made anew."},
};
constexpr auto kArgs = with_docker_args(kOwn);
constexpr Example kExamples[] = {
    {.title = "A volume for models",
     .yaml = "docker_volume:\n  name: models\n  labels: {team: ml}"},
    {.title = "On another disk",
     .yaml =
         "docker_volume:\n  name: scratch\n  driver_options: {type: ext4, device: /dev/sdb1}\n  "
         "recreate: options-changed"},
};
constexpr ResultKey kResults[] = {
    {"volume", "The volume as Docker describes it."},
    {"actions", "What is done, told in a dry run and with debug."},
};

Differences compare(const Args& args, const Value& found) {
  Differences out;
  if (args.text("driver") != to_text(found.get("Driver")))
    out.add("driver", args.get("driver"), found.get("Driver"));
  const auto compare_map = [&](std::string_view option, const Value& wanted, std::string_view key) {
    const Value& present = found.get(key);
    if (!wanted.truthy()) return;
    for (const auto& [name, value] : wanted.as_map()) {
      const Value& old = present.get(to_text(name));
      if (!(old == value)) out.add(std::string(option) + "." + to_text(name), value, old);
    }
  };
  compare_map("driver_options", docker_text_map(args.get("driver_options")), "Options");
  compare_map("labels", docker_text_map(args.get("labels")), "Labels");
  return out;
}

Value creation(const Args& args) {
  Value body = Value::map({{"Name", args.get("volume_name")},
                           {"Driver", args.get("driver")},
                           {"DriverOpts", docker_text_map(args.get("driver_options"))}});
  if (args.has("labels")) body.set("Labels", docker_text_map(args.get("labels")));
  return body;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const DockerApi api, DockerApi::connect(args, view));
  const std::string path = "/volumes/" + docker_name(args.text("volume_name"));
  GS_TRY(const Value found, api.get(view, path));
  const bool wants = args.text("state") == "present";
  Plan plan;
  Differences all;
  all.add("exists", wants, !found.is_null());
  bool removes = !wants && !found.is_null();
  if (wants && !found.is_null()) {
    const Differences different = compare(args, found);
    const std::string recreate = args.text("recreate");
    removes = recreate == "always" || (recreate == "options-changed" && !different.empty());
    all.merge(different);
  }
  const bool creates = wants && (removes || found.is_null());
  plan.changed = removes || creates;
  const std::string name = args.text("volume_name");
  if (view.check_mode() || args.boolean("debug")) {
    plan.set("actions", Value(List()));
    if (removes) append_to(plan.result, "actions", "Removed volume " + name);
    if (creates)
      append_to(
          plan.result, "actions", "Created volume " + name + " with driver " + args.text("driver"));
  }
  if (wants) plan.set("volume", found);
  all.add_to(plan, view);
  plan.state = Value::map(
      {{"args", args.values()}, {"removes", removes}, {"creates", creates}, {"path", path}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .result = plan.result};
  if (!plan.changed) return outcome;
  const Args args(plan.state.get("args"));
  GS_TRY(const DockerApi api, DockerApi::connect(args, system));
  const std::string path = to_text(plan.state.get("path"));
  if (plan.state.get("removes").truthy())
    GS_TRY_VOID(api.call(system, {.method = "DELETE", .path = path}));
  if (plan.state.get("creates").truthy()) {
    GS_TRY_VOID(api.call(system, {.path = "/volumes/create", .body = creation(args)}));
    GS_TRY(Value volume, api.get(system, path));
    outcome.result.set("volume", std::move(volume));
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec docker_volume_module;
const ModuleSpec docker_volume_module{.name = "docker_volume",
                                      .collection = "community.docker",
                                      .summary = "Volumes of Docker.",
                                      .args = kArgs,
                                      .rules = {&kDockerRule, 1},
                                      .examples = kExamples,
                                      .results = kResults,
                                      .has_diff = true,
                                      .plan = plan,
                                      .apply = apply};

}  // namespace gpustack::modules
