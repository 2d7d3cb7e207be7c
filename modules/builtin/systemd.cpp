#include "modules/builtin/support/systemd_unit.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .aliases = "service,unit",
     .doc = "The unit; without an ending it is a `.service`. In a chroot the ending is needed."},
    {.name = "state",
     .choices = "reloaded,restarted,started,stopped",
     .doc = "`started` and `stopped` act when needed, `restarted` and `reloaded` always."},
    {.name = "enabled", .type = ArgType::boolean, .doc = "Whether the unit starts at boot."},
    {.name = "masked",
     .type = ArgType::boolean,
     .doc = "Whether the unit cannot be started at all."},
    {.name = "force",
     .type = ArgType::boolean,
     .doc = "Whether links that are in the way are replaced."},
    {.name = "daemon_reload",
     .type = ArgType::boolean,
     .fallback = "false",
     .aliases = "daemon-reload",
     .doc = "Whether systemd reads its unit files again first."},
    {.name = "daemon_reexec",
     .type = ArgType::boolean,
     .fallback = "false",
     .aliases = "daemon-reexec",
     .doc = "Whether systemd itself is started anew first."},
    {.name = "scope",
     .fallback = "system",
     .choices = "system,user,global",
     .doc = "Whose manager: the system's, the task's user's, or that of all users."},
    {.name = "no_block",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether not to wait for the unit."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of,
     .names = "state,enabled,masked,daemon_reload,daemon_reexec"},
    {.kind = ArgRule::Kind::required_by, .names = "name", .when = "state"},
    {.kind = ArgRule::Kind::required_by, .names = "name", .when = "enabled"},
    {.kind = ArgRule::Kind::required_by, .names = "name", .when = "masked"},
};
constexpr Example kExamples[] = {
    {.title = "The persistence daemon runs now and after a boot",
     .yaml = "systemd:\n  name: nvidia-persistenced\n  state: started\n  enabled: true"},
    {.title = "After a unit file changed",
     .yaml = "systemd:\n  name: inference.service\n  state: restarted\n  daemon_reload: true"},
    {.title = "No automatic upgrades of the driver",
     .yaml = "systemd:\n  name: apt-daily-upgrade.timer\n  masked: true"},
};
constexpr ResultKey kResults[] = {
    {"name", "The unit."},
    {"status", "What `systemctl show` says of it, before any change."},
    {"enabled", "Whether it starts at boot."},
    {"state", "`started` or `stopped`."},
};

}  // namespace

extern const ModuleSpec systemd_module;
const ModuleSpec systemd_module{.name = "systemd",
                                .aliases = "systemd_service",
                                .summary = "Start, stop, enable and mask units of systemd.",
                                .args = kArgs,
                                .rules = kRules,
                                .examples = kExamples,
                                .results = kResults,
                                .queries = kUnitQueries,
                                .has_diff = true,
                                .plan = plan_unit,
                                .apply = apply_unit};

}  // namespace gpustack::modules
