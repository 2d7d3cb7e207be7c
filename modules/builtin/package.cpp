#include "modules/builtin/support/apt_query.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

extern const ModuleSpec apt_module;
extern const ModuleSpec dnf_module;

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::raw,
     .aliases = "pkg,package",
     .doc = "Packages, with the names they have on this distribution."},
    {.name = "state",
     .doc = "`present`, `absent`, `latest`, or another state the package manager knows."},
    {.name = "use",
     .fallback = "auto",
     .choices = "auto,apt,dnf,yum",
     .doc = "The package manager, found out when `auto`."},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .aliases = "update-cache",
     .doc = "Whether package lists are fetched first."},
    {.name = "cache_valid_time",
     .type = ArgType::integer,
     .doc = "apt only: seconds for which the lists count as fresh."},
    {.name = "purge", .type = ArgType::boolean, .doc = "apt only: configuration files go too."},
    {.name = "autoremove",
     .type = ArgType::boolean,
     .doc = "Whether dependencies nobody needs any more go too."},
    {.name = "install_recommends",
     .type = ArgType::boolean,
     .doc = "apt only: whether recommended packages come along."},
    {.name = "allow_downgrade",
     .type = ArgType::boolean,
     .doc = "apt only: whether an older version may replace a newer one."},
    {.name = "lock_timeout",
     .type = ArgType::integer,
     .doc = "Seconds to wait while another process holds the lock."},
    {.name = "enablerepo",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "dnf only: repositories to use in addition."},
    {.name = "disablerepo",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "dnf only: repositories not to use."},
};
constexpr Example kExamples[] = {
    {.title = "A tool with one name everywhere",
     .yaml = "package:\n  name: pciutils\n  state: present"},
    {.title = "Several", .yaml = "package:\n  name: [dkms, vulkan-tools]\n  state: latest"},
};
constexpr ResultKey kResults[] = {
    {"packages", "What changes, as the package manager's module reports it."}};

// All queries of both managers: which one is used is known on the host only.
constexpr std::string_view kQueries =
    "dpkg-query, dpkg-deb --field, dpkg --print-architecture, apt-get --simulate, apt-cache "
    "policy, apt-cache showpkg, "
    "apt-cache pkgnames, rpm -q, dnf --assumeno";

Result<const ModuleSpec*> manager_for(const Args& args, const SystemView& view) {
  const std::string use = args.text("use", "auto");
  if (use == "apt") return &apt_module;
  if (use == "dnf" || use == "yum") return &dnf_module;
  const bool has_dnf = !view.find_program("dnf").empty();
  const bool has_apt = !view.find_program("apt-get").empty();
  // Where both are installed, the one the distribution is built with counts.
  const auto status = view.stat("/var/lib/dpkg/status");
  if (has_apt && (!has_dnf || (status && *status))) return &apt_module;
  if (has_dnf) return &dnf_module;
  return Error(ErrorCode::module_failed,
               "Could not detect which package manager to use. Try gathering facts or setting the "
               "\"use\" option.");
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const ModuleSpec* manager, manager_for(args, view));
  Value given{Map()};
  for (const auto& [key, value] : args.values().as_map()) {
    if (!value.is_null() && key.as_string() != "use") given.set(key.as_string(), value);
  }
  GS_TRY(const Value checked, check_arguments(*manager, given));
  GS_TRY(Plan plan, manager->plan(Args(checked), view));
  plan.state = Value::map({{"manager", manager->name}, {"state", plan.state}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const ModuleSpec& manager = plan.state.get("manager") == Value("apt") ? apt_module : dnf_module;
  Plan inner = plan;
  inner.state = plan.state.get("state");
  return manager.apply(inner, system);
}

}  // namespace

extern const ModuleSpec package_module;
const ModuleSpec package_module{
    .name = "package",
    .summary = "Install and remove packages, whatever the package manager.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries = kQueries,
    .has_diff = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
