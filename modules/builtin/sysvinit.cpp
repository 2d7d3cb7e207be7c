#include "modules/builtin/support/sysv_service.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .required = true,
     .aliases = "service",
     .doc = "The service: a script in /etc/init.d, or the path of one."},
    {.name = "state",
     .choices = "started,stopped,restarted,reloaded",
     .doc = "`started` and `stopped` act when needed, `restarted` and `reloaded` always."},
    {.name = "enabled", .type = ArgType::boolean, .doc = "Whether the service starts at boot."},
    {.name = "sleep",
     .type = ArgType::integer,
     .fallback = "1",
     .doc = "Seconds between stop and start of a restart."},
    {.name = "pattern",
     .doc = "Text in a process's command line that shows that the service runs."},
    {.name = "arguments",
     .aliases = "args",
     .doc = "What follows the verb on the script's command line."},
    {.name = "runlevels",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "The run levels that `enabled` is about; all when absent."},
    {.name = "daemonize",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the script is made a daemon.",
     .refused = "a script that stays in the foreground belongs into a unit of systemd"},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of, .names = "state,enabled"},
};
constexpr Example kExamples[] = {
    {.title = "The web server runs, now and after a boot",
     .yaml = "sysvinit:\n  name: apache2\n  state: started\n  enabled: true"},
    {.title = "Not in the levels with a desktop",
     .yaml = "sysvinit:\n  name: apache2\n  enabled: false\n  runlevels: [4, 5]"},
};
constexpr ResultKey kResults[] = {
    {"name", "The service."},
    {"state", "`started` or `stopped`."},
    {"enabled", "Whether it starts at boot."},
};

Result<Plan> plan(const Args& args, const SystemView& view) {
  return plan_sysv_service(args, view, SysvWays::sysvinit);
}

}  // namespace

extern const ModuleSpec sysvinit_module;
const ModuleSpec sysvinit_module{.name = "sysvinit",
                                 .summary = "Start, stop and enable services of init scripts.",
                                 .args = kArgs,
                                 .rules = kRules,
                                 .examples = kExamples,
                                 .results = kResults,
                                 .queries = "service",
                                 .has_diff = true,
                                 .plan = plan,
                                 .apply = apply_sysv_service};

}  // namespace gpustack::modules
