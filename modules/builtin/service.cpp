#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/init_system.hpp"
#include "modules/builtin/support/systemd_unit.hpp"
#include "modules/builtin/support/sysv_service.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .doc = "The service. Only systemd can be told to read its units again without one."},
    {.name = "state",
     .choices = "started,stopped,reloaded,restarted",
     .doc = "`started` and `stopped` act when needed, `restarted` and `reloaded` always."},
    {.name = "enabled", .type = ArgType::boolean, .doc = "Whether the service starts at boot."},
    {.name = "use",
     .fallback = "auto",
     .choices = "auto,systemd,sysvinit,service",
     .doc = "The service manager, found out when `auto`."},
    {.name = "sleep",
     .type = ArgType::integer,
     .doc = "Init scripts only: seconds between stop and start of a restart."},
    {.name = "pattern",
     .doc =
         "Init scripts only: text in a process's command line that shows that the service runs."},
    {.name = "arguments",
     .aliases = "args",
     .doc = "Init scripts only: what follows the verb on the script's command line."},
    {.name = "runlevel",
     .doc = "For OpenRC in Ansible; nothing here uses it and a warning says so."},
    {.name = "daemon_reload",
     .type = ArgType::boolean,
     .aliases = "daemon-reload",
     .doc = "systemd only: whether unit files are read again first."},
    {.name = "daemon_reexec",
     .type = ArgType::boolean,
     .aliases = "daemon-reexec",
     .doc = "systemd only: whether systemd itself is started anew first."},
    {.name = "masked",
     .type = ArgType::boolean,
     .doc = "systemd only: whether the unit cannot be started at all."},
    {.name = "scope", .choices = "system,user,global", .doc = "systemd only: whose manager."},
    {.name = "no_block", .type = ArgType::boolean, .doc = "systemd only: whether not to wait."},
    {.name = "force",
     .type = ArgType::boolean,
     .doc = "systemd only: whether links that are in the way are replaced."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of,
     .names = "state,enabled,masked,daemon_reload,daemon_reexec"},
    {.kind = ArgRule::Kind::required_by, .names = "name", .when = "state"},
    {.kind = ArgRule::Kind::required_by, .names = "name", .when = "enabled"},
    {.kind = ArgRule::Kind::required_by, .names = "name", .when = "masked"},
};
constexpr Example kExamples[] = {
    {.title = "Docker runs, now and after a boot",
     .yaml = "service:\n  name: docker\n  state: started\n  enabled: true"},
    {.title = "Take a new configuration",
     .yaml = "service:\n  name: containerd\n  state: restarted"},
};
constexpr ResultKey kResults[] = {
    {"name", "The service."},
    {"state", "`started` or `stopped`."},
    {"enabled", "Whether it starts at boot."},
    {"status", "systemd only: what `systemctl show` says, before any change."},
};
constexpr std::string_view kQueries =
    "service, systemctl show, systemctl is-enabled, systemctl is-active, systemctl list-unit-files";

bool uses_systemd(const Args& args, const SystemView& view) {
  const std::string use = args.text("use", "auto");
  return use == "systemd" || (use == "auto" && is_managed_by_systemd(view));
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  std::vector<std::string> ignored;
  if (uses_systemd(args, view)) {
    for (const char* name : {"pattern", "runlevel", "sleep", "arguments"}) {
      if (args.has(name)) ignored.emplace_back(name);
    }
    GS_TRY(Plan plan, plan_unit(args, view));
    for (const std::string& name : ignored)
      add_warning(plan.result, "Ignoring \"" + name + "\" as it is not used in \"systemd\"");
    plan.state.set("by_systemd", true);
    return plan;
  }
  for (const char* name :
       {"daemon_reload", "daemon_reexec", "masked", "scope", "no_block", "force"}) {
    if (args.boolean(name) || args.text(name) == "user" || args.text(name) == "global") {
      return Error(ErrorCode::invalid_argument,
                   "'" + std::string(name) + "' needs systemd, and this host has init scripts");
    }
  }
  if (!args.has("name"))
    return Error(ErrorCode::missing_argument, "'name' is needed: this host has init scripts");
  const bool by_sysvinit = args.text("use") == "sysvinit";
  GS_TRY(Plan plan,
         plan_sysv_service(args, view, by_sysvinit ? SysvWays::sysvinit : SysvWays::service));
  if (args.has("runlevel"))
    add_warning(plan.result, "Ignoring \"runlevel\" as init scripts do not use it");
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.find("by_systemd") == nullptr) return apply_sysv_service(plan, system);
  GS_TRY(Outcome outcome, apply_unit(plan, system));
  if (const Value* warnings = plan.result.find("warnings"))
    outcome.result.set("warnings", *warnings);
  return outcome;
}

}  // namespace

extern const ModuleSpec service_module;
const ModuleSpec service_module{
    .name = "service",
    .summary = "Start, stop and enable services, whatever the init system.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries = kQueries,
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
