#include "modules/builtin/support/apt_plan.hpp"
#include "modules/builtin/support/apt_run.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "package",
     .type = ArgType::list,
     .elements = ArgType::string,
     .aliases = "name,pkg",
     .doc = "Packages: `foo`, `foo=1.0*`, `foo>=1.0`, patterns such as `foo*`; with `latest`, `*` "
            "means all."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,build-dep,fixed,latest,present",
     .doc =
         "What is to be so: there, newest, gone, build dependencies there, broken ones repaired."},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .aliases = "update-cache",
     .doc = "Whether the package lists are fetched first; a change only when they were the whole "
            "task."},
    {.name = "cache_valid_time",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "Seconds for which the lists count as fresh."},
    {.name = "update_cache_retries",
     .type = ArgType::integer,
     .fallback = "5",
     .doc = "How often fetching the lists is tried."},
    {.name = "update_cache_retry_max_delay",
     .type = ArgType::integer,
     .fallback = "12",
     .doc = "Longest pause between tries, in seconds."},
    {.name = "deb",
     .type = ArgType::path,
     .doc = "A .deb file on the host, or several with commas; addresses are refused (use get_url "
            "first)."},
    {.name = "upgrade",
     .fallback = "no",
     .choices = "dist,full,no,safe,yes",
     .doc = "`yes` and `safe` upgrade and add new dependencies, `dist` and `full` may also remove "
            "packages; always done by apt-get."},
    {.name = "default_release",
     .aliases = "default-release",
     .doc = "Release to take versions from (`-t`)."},
    {.name = "install_recommends",
     .type = ArgType::boolean,
     .aliases = "install-recommends",
     .doc = "Whether recommended packages come along; absent: as the host is set up."},
    {.name = "purge",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "With `absent`: configuration files go too."},
    {.name = "autoremove",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether dependencies nobody needs any more go too."},
    {.name = "autoclean",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether downloaded files of packages that no mirror has any more go."},
    {.name = "clean",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether all downloaded package files go."},
    {.name = "only_upgrade",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether packages that are not installed stay away."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Allows downgrades, changes of held packages, removal of essential ones and packages "
            "without signature at once."},
    {.name = "allow_unauthenticated",
     .type = ArgType::boolean,
     .fallback = "false",
     .aliases = "allow-unauthenticated",
     .doc = "Whether packages without a checked signature may be installed."},
    {.name = "allow_downgrade",
     .type = ArgType::boolean,
     .fallback = "false",
     .aliases = "allow-downgrade,allow_downgrades,allow-downgrades",
     .doc = "Whether an older version may replace a newer one."},
    {.name = "allow_change_held_packages",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether held packages may change."},
    {.name = "fail_on_autoremove",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether to fail rather than remove a package (`--no-remove`)."},
    {.name = "dpkg_options",
     .fallback = "force-confdef,force-confold",
     .doc = "Options for dpkg, with commas and without dashes."},
    {.name = "policy_rc_d",
     .type = ArgType::integer,
     .doc = "Exit code of a policy-rc.d that is there while packages change; 101 keeps services "
            "from starting."},
    {.name = "lock_timeout",
     .type = ArgType::integer,
     .fallback = "60",
     .doc = "Seconds to wait while another process holds apt's or dpkg's lock."},
    {.name = "force_apt_get",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Always so: aptitude is never used."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "deb,package,upgrade"},
};
constexpr Example kExamples[] = {
    {.title = "A pinned driver",
     .yaml = "apt:\n  name:\n    - nvidia-open-580=580.95.05*\n    - nvidia-persistenced\n  "
             "update_cache: true\n  cache_valid_time: 3600"},
    {.title = "Gone with its configuration",
     .yaml = "apt:\n  name: nvidia-*\n  state: absent\n  purge: true\n  autoremove: true"},
    {.title = "Security fixes", .yaml = "apt:\n  upgrade: safe\n  update_cache: true"},
    {.title = "A file that is on the host", .yaml = "apt:\n  deb: /tmp/cuda-keyring_1.1-1_all.deb"},
};
constexpr ResultKey kResults[] = {
    {"cache_updated", "Whether the package lists are newer than before."},
    {"cache_update_time", "When they were fetched, in seconds since 1970."},
    {"packages",
     "What changes: {name, action, old, new, class, reboot} each; class is kernel, driver, "
     "firmware or bsp."},
    {"stdout", "apt-get's output; of its simulation in a dry run."},
    {"stderr", "apt-get's errors."},
    {"msg", "The output once more, for upgrades."},
};

bool cache_is_due(const Args& args, const SystemView& view) {
  // Lists that are as old as this second may still lack what a source offers by now.
  if (args.integer("cache_valid_time") == 0) return args.boolean("update_cache");
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(view.now().time_since_epoch()).count();
  return cache_time(view) + args.integer("cache_valid_time") < now;
}

bool mentions_cache(const Args& args) {
  return args.boolean("update_cache") || args.integer("cache_valid_time") != 0;
}

constexpr std::string_view kPrepared = "_prepared";

Value text_list(const std::vector<std::string>& texts) {
  List out;
  for (const std::string& text : texts) out.push_back(Value(text));
  return Value(std::move(out));
}

std::vector<std::string> texts_of(const Value& list) {
  std::vector<std::string> out;
  for (const Value& item : list.as_list()) out.push_back(to_text(item));
  return out;
}

// The plan goes along to apply(), which need not ask apt again while the package lists are the
// same.
void keep(Plan& plan, const AptPlan& apt) {
  plan.changed = plan.changed || apt.changed;
  add_package_changes(plan, apt.simulation.changes);
  plan.state.set(kPrepared,
                 Value::map({{"argv", text_list(apt.argv)},
                             {"failure", apt.failure},
                             {"changed", apt.changed},
                             {"reports_message", apt.reports_message},
                             {"output", apt.simulation.output},
                             {"errors", apt.simulation.errors},
                             {"mark_manual", text_list(apt.mark_manual)}}));
}

AptPlan kept(const Value& prepared) {
  AptPlan apt;
  apt.argv = texts_of(prepared.get("argv"));
  apt.failure = to_text(prepared.get("failure"));
  apt.changed = prepared.get("changed").truthy();
  apt.reports_message = prepared.get("reports_message").truthy();
  apt.simulation.output = to_text(prepared.get("output"));
  apt.simulation.errors = to_text(prepared.get("errors"));
  apt.mark_manual = texts_of(prepared.get("mark_manual"));
  return apt;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const bool only_lists = mentions_cache(args) && !wants_packages(args);
  const bool wants_work =
      wants_packages(args) || args.boolean("autoremove") || args.boolean("autoclean");
  if (!wants_work && !mentions_cache(args) && !args.boolean("clean")) {
    return Error(ErrorCode::missing_argument,
                 "apt needs one of 'autoremove', 'deb', 'package', 'update_cache', 'upgrade'");
  }
  if (view.find_program("apt-get").empty()) {
    return Error(ErrorCode::module_failed, "Failed to find required executable \"apt-get\" in PATH")
        .hint("this host does not use apt; 'package' picks the right manager");
  }
  const bool due = cache_is_due(args, view);
  Plan plan = Plan::none();
  plan.state = args.values();
  plan.set("cache_updated", due && view.check_mode()).set("cache_update_time", cache_time(view));
  if (args.boolean("clean")) plan.changed = true;
  if (only_lists) {
    plan.changed = plan.changed || due;
    return plan;
  }
  auto apt = plan_apt(args, view);
  if (!apt) {
    // Fresh lists may know what these do not; apply() fetches them and looks again. A guard holds
    // either way.
    const bool may_differ_later =
        due && !view.check_mode() && apt.error().code() != ErrorCode::guard;
    if (!may_differ_later) return apt.error();
    return plan;
  }
  keep(plan, *apt);
  if (view.check_mode() && !apt->argv.empty()) {
    set_output(plan.result, apt->simulation.output, apt->simulation.errors);
    if (apt->reports_message) plan.set("msg", apt->simulation.output);
  }
  return plan;
}

Result<std::optional<Outcome>> refresh_lists(const Args& args, System& system, Value& result) {
  const std::int64_t before = cache_time(system);
  GS_TRY(auto failed,
         update_cache(system,
                      args.integer("update_cache_retries", 5),
                      args.integer("update_cache_retry_max_delay", 12),
                      std::chrono::seconds(args.integer("lock_timeout", 60))));
  if (failed) return failed;
  result.set("cache_updated", cache_time(system) != before);
  result.set("cache_update_time", cache_time(system));
  return std::optional<Outcome>();
}

Result<Outcome> run_transaction(const Args& args,
                                const AptPlan& apt,
                                System& system,
                                Value result) {
  PolicyRcD policy(system);
  if (args.has("policy_rc_d")) GS_TRY_VOID(policy.install(args.integer("policy_rc_d")));
  const auto run =
      run_apt(system, apt.argv, std::chrono::seconds(args.integer("lock_timeout", 60)));
  const auto restored = policy.restore();
  if (!run) return run.error();
  if (run->done.status != 0) {
    Outcome failed = apt_failure(*run, apt.failure, std::move(result));
    if (!restored) {
      failed.result.set("msg",
                        to_text(failed.result.get("msg")) +
                            "; policy-rc.d could not be put back: " + restored.error().message());
    }
    return failed;
  }
  GS_TRY_VOID(restored);
  set_output(result, run->done.output, run->done.errors);
  if (apt.reports_message) result.set("msg", run->done.output);
  return Outcome{.changed = apt.changed, .failed = false, .result = std::move(result)};
}

Result<std::optional<Outcome>> clean_archive(const Args& args, System& system, Value& result) {
  GS_TRY(const AptRun run,
         run_apt(
             system, {"apt-get", "clean"}, std::chrono::seconds(args.integer("lock_timeout", 60))));
  if (run.done.status != 0) return std::optional(apt_failure(run, "'apt-get clean'", result));
  set_output(result, run.done.output, run.done.errors);
  return std::optional<Outcome>();
}

Result<std::optional<Outcome>> mark_manual(const std::vector<std::string>& packages,
                                           System& system,
                                           const Value& result) {
  if (packages.empty() || system.find_program("apt-mark").empty()) return std::optional<Outcome>();
  std::vector<std::string> argv{"apt-mark", "manual"};
  argv.insert(argv.end(), packages.begin(), packages.end());
  GS_TRY(const CommandResult marked, system.run(apt_command(argv)));
  if (marked.status == 0) return std::optional<Outcome>();
  return std::optional(
      failed_outcome("'" + join(argv, " ") + "' failed: " + marked.errors, marked, result));
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state);
  const bool cleans = args.boolean("clean");
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  if (cleans) {
    GS_TRY(auto failed, clean_archive(args, system, outcome.result));
    if (failed) return std::move(*failed);
  }
  bool lists_changed = false;
  if (cache_is_due(args, system)) {
    GS_TRY(auto failed, refresh_lists(args, system, outcome.result));
    if (failed) return std::move(*failed);
    lists_changed = true;
  }
  if (mentions_cache(args) && !wants_packages(args)) {
    outcome.changed = cleans || outcome.result.get("cache_updated").truthy();
    return outcome;
  }
  const Value* prepared = plan.state.find(kPrepared);
  AptPlan apt;
  if (prepared != nullptr && !lists_changed) {
    apt = kept(*prepared);
  } else {
    GS_TRY(apt, plan_apt(args, system));
  }
  outcome.changed = apt.changed || cleans;
  if (!apt.simulation.changes.empty())
    outcome.result.set("packages", packages_value(apt.simulation.changes));
  if (!apt.argv.empty() && apt.changed) {
    GS_TRY(outcome, run_transaction(args, apt, system, outcome.result));
    if (outcome.failed) return outcome;
    outcome.changed = true;
  } else if (!apt.argv.empty()) {
    set_output(outcome.result, apt.simulation.output, apt.simulation.errors);
    if (apt.reports_message) outcome.result.set("msg", apt.simulation.output);
  }
  GS_TRY(auto failed, mark_manual(apt.mark_manual, system, outcome.result));
  if (failed) return std::move(*failed);
  return outcome;
}

}  // namespace

extern const ModuleSpec apt_module;
const ModuleSpec apt_module{.name = "apt",
                            .summary = "Install, upgrade and remove Debian packages.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = kAptQueries,
                            .has_diff = true,
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
