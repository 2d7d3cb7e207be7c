#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/dnf_transaction.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::list,
     .elements = ArgType::string,
     .aliases = "pkg",
     .doc = "Packages, `@groups`, patterns, paths of .rpm files; with `latest`, `*` means all.",
     .empty_fallback = true},
    {.name = "state",
     .choices = "absent,installed,latest,present,removed",
     .doc = "What is to be so; `present` when absent, `absent` with `autoremove`."},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .fallback = "false",
     .aliases = "update-cache,expire-cache",
     .doc = "Whether the repositories' metadata is fetched anew."},
    {.name = "enablerepo",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Repositories to use in addition.",
     .empty_fallback = true},
    {.name = "disablerepo",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Repositories not to use.",
     .empty_fallback = true},
    {.name = "exclude",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Packages to leave alone.",
     .empty_fallback = true},
    {.name = "disable_gpg_check",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether packages without a checked signature may be installed."},
    {.name = "allowerasing",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether packages that are in the way may be removed."},
    {.name = "autoremove",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether dependencies nobody needs any more go too."},
    {.name = "install_weak_deps",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether recommended packages come along."},
    {.name = "skip_broken",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether packages that cannot be installed are left out."},
    {.name = "nobest",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether an older candidate will do when the best cannot be installed."},
    {.name = "security",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "With `latest`: security fixes only."},
    {.name = "bugfix",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "With `latest`: bug fixes only."},
    {.name = "allow_downgrade",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether an older version may replace a newer one; otherwise the newer one stays."},
    {.name = "cacheonly",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether dnf makes do with the metadata that the host has."},
    {.name = "conf_file", .doc = "Configuration in place of /etc/dnf/dnf.conf."},
    {.name = "disable_excludes",
     .doc = "Excludes of the configuration that do not count: `all`, `main` or a repository."},
    {.name = "disable_plugin",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Plugins to leave out.",
     .empty_fallback = true},
    {.name = "enable_plugin",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Plugins to use although the configuration leaves them out.",
     .empty_fallback = true},
    {.name = "download_only",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether packages are only fetched; what is missing counts as a change each time."},
    {.name = "download_dir", .doc = "With `download_only`: the folder for the packages."},
    {.name = "installroot",
     .fallback = "/",
     .doc = "Folder that packages are installed into, with a database of its own."},
    {.name = "releasever", .doc = "Release of the distribution whose repositories are used."},
    {.name = "sslverify",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Refuse https servers whose certificate is not trusted."},
    {.name = "install_repoquery",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "No effect, as in Ansible: it is of the time before dnf."},
    {.name = "use_backend",
     .fallback = "auto",
     .aliases = "use",
     .choices = "auto,yum4,dnf",
     .doc = "As a playbook says it to `yum`; dnf does the work in any case."},
    {.name = "lock_timeout",
     .type = ArgType::integer,
     .fallback = "30",
     .doc = "Seconds to wait for dnf's lock.",
     .refused = "dnf waits for its lock by itself, as long as it takes"},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether certificates count for packages that are named by their address.",
     .refused = "dnf checks packages and repositories alike; sslverify is for both"},
    {.name = "update_only",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "With `latest`: nothing new is installed.",
     .refused = "dnf would fail for names that are not installed; name those that are"},
    {.name = "list",
     .doc = "Packages to tell of, without a change.",
     .refused = "package_facts tells what is installed"},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "name,list"},
};
constexpr Example kExamples[] = {
    {.title = "Open kernel modules of NVIDIA",
     .yaml = "dnf:\n  name: [nvidia-driver-cuda, kmod-nvidia-open-dkms]\n  enablerepo: cuda-rhel9"},
    {.title = "Security fixes", .yaml = "dnf:\n  name: \"*\"\n  state: latest\n  security: true"},
};
constexpr ResultKey kResults[] = {
    {"packages", "What changes: {name, action, old, new, class, reboot} each."},
    {"results", "One line for each package."},
    {"rc", "dnf's exit status."},
    {"stdout", "dnf's output."},
    {"stderr", "dnf's errors."},
    {"msg", "`Nothing to do`, or what went wrong."},
};
constexpr std::string_view kQueries = "rpm -q, dnf --assumeno";
constexpr std::string_view kNothing = "Nothing to do.";

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Names that rpm can answer for by itself.
bool is_plain(const std::string& name) {
  return name.find_first_of("@*?[]/:<>= ") == std::string::npos;
}

std::string state_of(const Args& args) {
  const std::string state = args.text("state", args.boolean("autoremove") ? "absent" : "present");
  return state == "installed" ? "present" : state == "removed" ? "absent" : state;
}

bool has_own_root(const Args& args) { return args.text("installroot", "/") != "/"; }

/// `rpm -q` of the database that the packages go into.
Command rpm_query(const Args& args) {
  Command command = parsable_command({"rpm", "-q"});
  if (has_own_root(args))
    command.argv.insert(command.argv.end(), {"--root", args.text("installroot")});
  return command;
}

std::vector<std::string> dnf_words(const Args& args) {
  std::vector<std::string> out;
  const auto add_list = [&](std::string_view name, const std::string& option) {
    for (const std::string& item : args.texts(name)) {
      for (const std::string& one : split(item, ','))
        out.push_back(option + std::string(trim(one)));
    }
  };
  add_list("enablerepo", "--enablerepo=");
  add_list("disablerepo", "--disablerepo=");
  add_list("exclude", "--exclude=");
  add_list("disable_plugin", "--disableplugin=");
  add_list("enable_plugin", "--enableplugin=");
  const auto add_text = [&](std::string_view name, const std::string& option) {
    if (const std::string text = args.text(name); !text.empty()) out.push_back(option + text);
  };
  add_text("conf_file", "--config=");
  add_text("disable_excludes", "--disableexcludes=");
  add_text("releasever", "--releasever=");
  if (has_own_root(args)) add_text("installroot", "--installroot=");
  if (args.boolean("cacheonly")) out.emplace_back("--cacheonly");
  if (!args.boolean("sslverify", true)) out.emplace_back("--setopt=sslverify=False");
  if (args.boolean("download_only")) {
    out.emplace_back("--downloadonly");
    add_text("download_dir", "--downloaddir=");
  }
  if (args.boolean("disable_gpg_check")) out.emplace_back("--nogpgcheck");
  if (args.boolean("allowerasing")) out.emplace_back("--allowerasing");
  if (args.boolean("skip_broken")) out.emplace_back("--skip-broken");
  if (args.boolean("nobest")) out.emplace_back("--nobest");
  // Where the configuration does not ask for the best, what is installed would do for `install`.
  if (state_of(args) == "latest" && !args.boolean("nobest")) out.emplace_back("--best");
  if (!args.boolean("install_weak_deps", true))
    out.emplace_back("--setopt=install_weak_deps=False");
  if (args.boolean("security")) out.emplace_back("--security");
  if (args.boolean("bugfix")) out.emplace_back("--bugfix");
  const std::string state = state_of(args);
  std::vector<std::string> names = args.texts("name");
  const bool all = std::ranges::find(names, "*") != names.end();
  if (names.empty()) {
    out.emplace_back("autoremove");
  } else if (state == "absent") {
    if (!args.boolean("autoremove")) out.emplace_back("--noautoremove");
    out.emplace_back("remove");
  } else if (state == "latest" && all) {
    out.emplace_back("upgrade");
    names.clear();
  } else {
    // `install` upgrades what is there already, so it serves `latest` too; it also takes an older
    // version by name.
    out.emplace_back("install");
  }
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

Result<std::map<std::string, std::string>> installed_versions(
    const Args& args, const SystemView& view, const std::vector<std::string>& names) {
  std::map<std::string, std::string> out;
  if (names.empty()) return out;
  Command command = rpm_query(args);
  command.argv.insert(command.argv.end(), {"--qf", "%{NAME}\\t%{VERSION}-%{RELEASE}\\n"});
  command.argv.insert(command.argv.end(), names.begin(), names.end());
  GS_TRY(const CommandResult shown, view.query(command));
  for (const std::string& line : split_lines(shown.output)) {
    const auto fields = split(line, '\t');
    if (fields.size() == 2) out[fields[0]] = fields[1];
  }
  return out;
}

// What is there already needs no solver.
Result<bool> is_settled(const Args& args, const SystemView& view) {
  const auto names = args.texts("name");
  const std::string state = state_of(args);
  if (names.empty() || state == "latest" || !std::ranges::all_of(names, is_plain)) return false;
  Command command = rpm_query(args);
  command.argv.insert(command.argv.end(), names.begin(), names.end());
  GS_TRY(const CommandResult shown, view.query(command));
  // rpm exits with the number of packages that are not installed.
  if (state == "present") return shown.status == 0;
  return shown.status == static_cast<int>(names.size());
}

/// Whether all that would be done is to replace newer packages by older ones, which nobody allowed.
/// @error module_failed  more would be done, too: dnf cannot do the one without the other
Result<bool> keeps_newer(const std::vector<PackageChange>& changes) {
  const auto is_downgrade = [](const PackageChange& change) {
    return change.action == PackageChange::Action::downgrade;
  };
  const auto first = std::ranges::find_if(changes, is_downgrade);
  if (first == changes.end()) return false;
  if (std::ranges::all_of(changes, is_downgrade)) return true;
  return Error(ErrorCode::module_failed,
               "dnf would replace " + first->name + " by the older version " + first->new_version)
      .hint("allow_downgrade: true allows that");
}

/// What dnf would do. Signatures do not count for it: nothing is installed, and with no key on the
/// host dnf would refuse to say that all is there.
Command resolver(const Args& args) {
  Command command = parsable_command({"dnf", "--assumeno", "--setopt=gpgcheck=0"});
  const auto words = dnf_words(args);
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  return command;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (view.find_program("dnf").empty()) {
    return Error(ErrorCode::module_failed, "Failed to find required executable \"dnf\" in PATH")
        .hint("this host does not use dnf; 'package' picks the right manager");
  }
  Plan plan = Plan::none();
  plan.state = args.values();
  if (args.texts("name").empty() && !args.boolean("autoremove")) {
    plan.set("msg", args.boolean("update_cache") ? "Cache updated" : "Nothing to do")
        .set("results", Value(List()))
        .set("rc", 0);
    return plan;
  }
  GS_TRY(const bool settled, is_settled(args, view));
  plan.state.set("_settled", settled);
  if (settled) {
    plan.set("msg", "Nothing to do").set("results", Value(List())).set("rc", 0);
    return plan;
  }
  GS_TRY(const CommandResult shown, view.query(resolver(args)));
  auto changes = parse_dnf_transaction(shown.output);
  if (changes.empty() && shown.status != 0) {
    // Metadata that is fetched first may know more; apply() shows the error if it does not.
    if (args.boolean("update_cache") && !view.check_mode()) return plan;
    const std::string_view why = trim(shown.errors.empty() ? shown.output : shown.errors);
    return Error(ErrorCode::module_failed,
                 "'dnf " + join(dnf_words(args), " ") + "' failed: " + std::string(why));
  }
  if (!args.boolean("allow_downgrade")) {
    GS_TRY(const bool stays, keeps_newer(changes));
    if (stays) changes.clear();
    plan.state.set("_settled", stays);
  }
  std::vector<std::string> names;
  names.reserve(changes.size());
  for (const PackageChange& change : changes) names.push_back(change.name);
  GS_TRY(const auto versions, installed_versions(args, view, names));
  for (PackageChange& change : changes) {
    const auto old = versions.find(change.name);
    if (old != versions.end() && change.old_version.empty()) change.old_version = old->second;
  }
  plan.changed = !changes.empty();
  add_package_changes(plan, changes);
  if (plan.changed && view.check_mode())
    plan.set("msg", "Check mode: No changes made, but would have if not in check mode");
  if (!plan.changed) plan.set("msg", "Nothing to do");
  List lines;
  for (const PackageChange& change : changes) {
    const bool removes = change.action == PackageChange::Action::remove;
    lines.push_back(Value((removes ? "Removed: " : "Installed: ") + change.name + "-" +
                          (removes ? change.old_version : change.new_version) + "." +
                          change.architecture));
  }
  plan.set("results", Value(std::move(lines))).set("rc", 0);
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  const Args args(plan.state);
  Outcome outcome{.changed = false, .failed = false, .result = plan.result};
  if (args.boolean("update_cache")) {
    GS_TRY(const CommandResult cleaned,
           system.run(parsable_command({"dnf", "clean", "expire-cache"})));
    if (cleaned.status != 0)
      return failed_outcome("Failed to update cache: " + cleaned.errors, cleaned, plan.result);
  }
  const bool has_work = !args.texts("name").empty() || args.boolean("autoremove");
  if (!has_work || args.boolean("_settled") || (!plan.changed && !args.boolean("update_cache")))
    return outcome;
  if (!plan.changed) {
    // The metadata was fetched anew: does that change anything?
    GS_TRY(const CommandResult shown, system.run(resolver(args)));
    if (shown.status == 0 && parse_dnf_transaction(shown.output).empty()) return outcome;
  }
  Command command = parsable_command({"dnf", "-y"});
  const auto words = dnf_words(args);
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.must_finish = true;
  GS_TRY(const CommandResult done, system.run(command));
  if (done.status != 0) {
    const std::string_view why = trim(done.errors.empty() ? done.output : done.errors);
    return failed_outcome(
        "'dnf " + join(words, " ") + "' failed: " + std::string(why), done, plan.result);
  }
  set_command_result(outcome.result, done);
  outcome.changed = !holds(done.output, kNothing);
  outcome.result.set("msg", outcome.changed ? "" : "Nothing to do");
  return outcome;
}

}  // namespace

extern const ModuleSpec dnf_module;
const ModuleSpec dnf_module{.name = "dnf",
                            .aliases = "yum",
                            .summary = "Install, upgrade and remove RPM packages with dnf.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = kQueries,
                            .has_diff = true,
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
