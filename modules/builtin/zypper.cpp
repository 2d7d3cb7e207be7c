#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/package_run.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <set>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::list,
     .elements = ArgType::string,
     .required = true,
     .aliases = "pkg",
     .doc = "Packages: `name`, `name>=1.2`, a path or address of an RPM file; `*` with `latest` is "
            "everything."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,installed,latest,absent,removed",
     .doc = "Whether they shall be there, or be as new as can be."},
    {.name = "disable_gpg_check",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take packages without checking their signatures."},
    {.name = "disable_recommends",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Leave out packages that are only recommended."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Also downgrade, or change the vendor."},
    {.name = "force_resolution",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Let the solver choose where packages conflict."},
    {.name = "oldpackage",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take an older version; implied by a version in a name."},
    {.name = "replacefiles",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Take packages whose files are others' already."},
    {.name = "clean_deps",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove what only the removed packages needed."},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .fallback = "no",
     .aliases = "refresh",
     .doc = "Fetch the repositories' lists first; not in a dry run."},
    {.name = "extra_args", .doc = "More options for zypper's command, with blanks between them."},
    {.name = "extra_args_precommand",
     .doc = "More options before zypper's command.",
     .refused = "a dry run allows those alone that it knows; extra_args stand behind the command"},
    {.name = "type",
     .fallback = "package",
     .choices = "package,patch,pattern,product,srcpackage,application",
     .doc = "What the names are names of.",
     .refused = "there are packages only"},
    {.name = "allow_vendor_change",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "For `state: dist-upgrade`.",
     .refused = "there is no state dist-upgrade"},
};
constexpr Example kExamples[] = {
    {.title = "Open kernel modules of NVIDIA",
     .yaml = "zypper:\n  name: nvidia-open-driver-G06-signed-kmp-default\n  state: latest"},
};
constexpr ResultKey kResults[] = {
    {"name", "The packages asked for."},
    {"state", "The state asked for."},
    {"update_cache", "Whether lists were fetched."},
    {"rc", "zypper's exit status."},
    {"packages", "Packages that change."},
    {"stdout", "zypper's output, as XML."},
    {"stderr", "zypper's errors."},
};

bool is_file(const std::string& name) {
  return name.find("://") != std::string::npos || name.ends_with(".rpm");
}

std::string bare(const std::string& name) { return name.substr(0, name.find_first_of("<>=")); }

/// Exit codes that are no failure: changes that need a reboot, or a restart of zypper.
bool is_good(int status) {
  constexpr int kNeedsReboot = 102;
  constexpr int kNeedsRestart = 103;
  constexpr int kUnsigned = 106;
  return status == 0 || status == kNeedsReboot || status == kNeedsRestart || status == kUnsigned;
}

/// Names of the packages in zypper's XML that are installed, upgraded or removed.
List changed_packages(std::string_view xml) {
  List out;
  constexpr std::string_view kStart = "<solvable ";
  for (std::size_t at = xml.find(kStart); at != std::string_view::npos; at = xml.find(kStart, at)) {
    const std::string_view tag = xml.substr(at, xml.find('>', at) - at);
    at += kStart.size();
    const std::size_t name = tag.find(" name=\"");
    if (name == std::string_view::npos) continue;
    const std::string_view value = tag.substr(name + 7);
    out.push_back(Value(value.substr(0, value.find('"'))));
  }
  return out;
}

Result<std::set<std::string>> installed(const SystemView& view,
                                        const std::vector<std::string>& names) {
  std::set<std::string> out;
  Command command = parsable_command({"rpm", "-q", "--qf", "%{NAME}\\n"});
  for (const std::string& name : names) command.argv.push_back(bare(name));
  GS_TRY(const CommandResult shown, view.query(command));
  const auto lines = split_lines(shown.output);
  for (const std::string& name : names) {
    if (std::ranges::find(lines, bare(name)) != lines.end()) out.insert(bare(name));
  }
  return out;
}

/// The command line; `--dry-run` stands where a dry run can be told by its beginning.
std::vector<std::string> zypper_words(const Args& args,
                                      const std::string& operation,
                                      const std::vector<std::string>& names,
                                      bool dry) {
  std::vector<std::string> out{"zypper", "--quiet", "--non-interactive", "--xmlout"};
  const bool adds = operation != "remove";
  if (adds && args.boolean("disable_gpg_check")) out.emplace_back("--no-gpg-checks");
  out.push_back(operation);
  if (dry) out.emplace_back("--dry-run");
  out.insert(out.end(), {"--type", "package"});
  const auto flag = [&](bool on, const char* option) {
    if (on) out.emplace_back(option);
  };
  const bool has_version =
      std::ranges::any_of(names, [](const std::string& name) { return bare(name) != name; });
  flag(adds, "--auto-agree-with-licenses");
  flag(adds && args.boolean("disable_recommends"), "--no-recommends");
  flag(adds && args.boolean("force"), "--force");
  flag(args.boolean("force_resolution"), "--force-resolution");
  flag(adds && (args.boolean("oldpackage") || has_version), "--oldpackage");
  flag(adds && args.boolean("replacefiles"), "--replacefiles");
  flag(!adds && args.boolean("clean_deps"), "--clean-deps");
  for (const std::string& word : split_words(args.text("extra_args"))) out.push_back(word);
  if (!names.empty()) out.emplace_back("--");
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

/// What is left to do for the names.
Result<std::vector<std::string>> wanted_names(const Args& args,
                                              const SystemView& view,
                                              const std::vector<std::string>& names) {
  const std::string state = package_state(args);
  if (state == "latest") return names;
  std::vector<std::string> plain;
  for (const std::string& name : names) {
    if (!is_file(name)) plain.push_back(name);
  }
  if (state == "absent" && plain.size() != names.size())
    return Error(ErrorCode::invalid_argument, "Can not remove via URL.");
  std::set<std::string> there;
  if (!plain.empty()) {
    GS_TRY(there, installed(view, plain));
  }
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const bool is_there = there.contains(bare(name));
    const bool decides_itself = state == "present" && (is_file(name) || bare(name) != name);
    if (decides_itself || is_there == (state == "absent")) out.push_back(name);
  }
  return out;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "zypper"));
  GS_TRY_VOID(required_program(view, "rpm"));
  const auto names = package_names(args);
  const bool all = names == std::vector<std::string>{"*"};
  if (all && package_state(args) != "latest")
    return Error(ErrorCode::invalid_argument, "name '*' needs state 'latest'");
  Plan plan;
  plan.set("name", args.get("name"))
      .set("state", args.text("state"))
      .set("update_cache", args.boolean("update_cache"))
      .set("rc", 0);
  plan.state = Value(Map());
  const bool refreshes = args.boolean("update_cache");
  if (refreshes) plan.state.set("refresh", true);
  GS_TRY(const auto wanted, wanted_names(args, view, names));
  if (wanted.empty()) return plan;
  const std::string operation = package_state(args) == "absent" ? "remove"
                                : all                           ? "update"
                                                                : "install";
  const std::vector<std::string> given = all ? std::vector<std::string>() : wanted;
  GS_TRY(const CommandResult tried,
         view.query(parsable_command(zypper_words(args, operation, given, true))));
  // Lists that are fetched first may know more.
  const bool may_change = refreshes && !view.check_mode();
  if (!is_good(tried.status) && !may_change) return package_fault("Zypper run failed", tried);
  List packages = changed_packages(tried.output);
  plan.changed = !packages.empty();
  if (!plan.changed && !may_change) return plan;
  plan.set("packages", Value(std::move(packages)));
  for (const std::string& word : zypper_words(args, operation, given, false))
    append_to(plan.state, "words", Value(word));
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  const Args state(plan.state);
  if (state.boolean("refresh")) {
    GS_TRY(const CommandResult done,
           system.run(
               package_command({"zypper", "--quiet", "--non-interactive", "--xmlout", "refresh"})));
    if (!is_good(done.status))
      return failed_outcome(
          package_fault("Zypper refresh run failed", done).message(), done, plan.result);
  }
  if (!state.has("words")) return outcome;
  GS_TRY(const CommandResult done, system.run(package_command(state.texts("words"))));
  set_command_result(outcome.result, done);
  if (!is_good(done.status))
    return failed_outcome(package_fault("Zypper run failed", done).message(), done, plan.result);
  List packages = changed_packages(done.output);
  outcome.changed = !packages.empty();
  outcome.result.set("packages", Value(std::move(packages)));
  return outcome;
}

}  // namespace

extern const ModuleSpec zypper_module;
const ModuleSpec zypper_module{
    .name = "zypper",
    .collection = "community.general",
    .summary = "Install, upgrade and remove packages of SUSE.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "rpm -q, zypper --quiet --non-interactive --xmlout install --dry-run, zypper --quiet "
        "--non-interactive --xmlout update --dry-run, zypper --quiet --non-interactive "
        "--xmlout remove --dry-run, zypper --quiet --non-interactive --xmlout "
        "--no-gpg-checks install --dry-run, zypper --quiet --non-interactive --xmlout "
        "--no-gpg-checks update --dry-run",
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
