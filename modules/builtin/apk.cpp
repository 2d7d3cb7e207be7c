#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/package_run.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <optional>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Packages: `name`, `name=version` and the like."},
    {.name = "state",
     .fallback = "present",
     .choices = "present,installed,absent,removed,latest",
     .doc = "Whether they shall be there, or be as new as can be."},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Fetch the repositories' lists first; reported as a change only by itself."},
    {.name = "upgrade",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Upgrade everything; not together with names."},
    {.name = "available",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "With `upgrade`: replace or downgrade what the repositories do not have."},
    {.name = "no_cache",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Use no lists kept on the host."},
    {.name = "repository",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Repositories in place of the host's."},
    {.name = "world",
     .fallback = "/etc/apk/world",
     .doc = "The list of packages that were asked for."},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "name,upgrade"},
};
constexpr Example kExamples[] = {
    {.title = "Tools of a small host", .yaml = "apk:\n  name: [pciutils, ethtool]"},
};
constexpr ResultKey kResults[] = {
    {"msg", "What was done."},
    {"packages", "Packages that change."},
    {"stdout", "apk's output."},
    {"stderr", "apk's errors."},
};

/// The words of an apk command; its operation and `--simulate` come first.
std::vector<std::string> apk_words(const Args& args,
                                   std::vector<std::string> words,
                                   const std::vector<std::string>& names = {}) {
  words.insert(words.begin(), "apk");
  if (args.boolean("no_cache")) words.emplace_back("--no-cache");
  for (const std::string& repository : args.texts("repository"))
    words.insert(words.end(), {"--repository", repository});
  if (!args.texts("repository").empty())
    words.insert(words.end(), {"--repositories-file", "/dev/null"});
  words.insert(words.end(), names.begin(), names.end());
  return words;
}

/// Names in lines such as `(1/2) Installing busybox (1.36-r0)`.
List changed_packages(std::string_view output) {
  List out;
  for (const std::string& line : split_lines(output)) {
    const auto words = split_words(line);
    if (words.size() >= 3 && words[0].starts_with('(') && words[0].ends_with(')') &&
        words[0].find('/') != std::string::npos)
      out.push_back(Value(words[2]));
  }
  return out;
}

/// A name without repository and version.
std::string bare(const std::string& name) { return name.substr(0, name.find_first_of("@=<>~")); }

class Job {
 public:
  Job(const Args& args, const SystemView& view) : args_(args), view_(view) {}

  Result<Plan> run() {
    const std::string state = package_state(args_);
    const auto names = package_names(args_);
    if (args_.boolean("upgrade")) {
      std::vector<std::string> words{"upgrade"};
      if (args_.boolean("available")) words.emplace_back("--available");
      GS_TRY_VOID(
          transaction(std::move(words), {}, "upgraded packages", "failed to upgrade packages"));
      if (!plan_.changed) plan_.set("msg", "packages already upgraded");
    } else if (names.empty()) {
      plan_.changed = args_.boolean("update_cache");
      plan_.set("msg", plan_.changed ? "updated repository indexes" : "");
    } else if (state == "absent") {
      GS_TRY_VOID(remove(names));
    } else {
      GS_TRY_VOID(install(names, state == "latest"));
    }
    return std::move(plan_);
  }

 private:
  Result<CommandResult> ask(std::vector<std::string> words) const {
    return view_.query(parsable_command(apk_words(args_, std::move(words))));
  }

  Result<std::vector<std::string>> asked_for() const {
    GS_TRY(const auto info, view_.stat(args_.text("world")));
    if (!info) return std::vector<std::string>();
    GS_TRY(const std::string text, view_.read(args_.text("world")));
    std::vector<std::string> out;
    for (const std::string& word : split_words(text)) out.push_back(bare(word));
    return out;
  }

  Result<bool> is_newest(const std::string& name) const {
    GS_TRY(const CommandResult shown, ask({"version", name}));
    for (const std::string& line : split_lines(shown.output)) {
      const auto words = split_words(line);
      if (words.size() >= 3 && words[0].starts_with(name + "-") && words[1] == "<") return false;
    }
    return true;
  }

  /// What a package is made of, when it is only a name for others; nothing for a real one.
  Result<std::optional<std::vector<std::string>>> parts_of(const std::string& name) const {
    GS_TRY(const CommandResult shown, ask({"-v", "info", "--description", name}));
    bool is_virtual = false;
    for (const std::string& line : split_lines(shown.output))
      is_virtual = is_virtual || line.starts_with(name + ": virtual meta package");
    if (!is_virtual) return std::optional<std::vector<std::string>>();
    GS_TRY(const CommandResult needs, ask({"-v", "info", "--depends", name}));
    auto words = split_words(needs.output);
    if (!words.empty()) words.erase(words.begin());
    return std::optional<std::vector<std::string>>(std::move(words));
  }

  Result<void> install(const std::vector<std::string>& names, bool latest) {
    GS_TRY(const auto world, asked_for());
    std::vector<std::string> missing;
    std::vector<std::string> old;
    for (const std::string& name : names) {
      GS_TRY(const auto parts, parts_of(name));
      const bool is_there = parts || std::ranges::find(world, bare(name)) != world.end();
      if (!is_there) missing.push_back(name);
      if (!is_there || !latest) continue;
      for (const std::string& one : parts ? *parts : std::vector<std::string>{bare(name)}) {
        GS_TRY(const bool newest, is_newest(one));
        if (!newest) old.push_back(parts ? one : name);
      }
    }
    if (missing.empty() && old.empty()) {
      plan_.set("msg", "package(s) already installed");
      return {};
    }
    std::vector<std::string> words{"add"};
    if (!old.empty()) words.emplace_back("--upgrade");
    missing.insert(missing.end(), old.begin(), old.end());
    const std::string shown = join(missing, " ");
    GS_TRY_VOID(transaction(
        words, missing, "installed " + shown + " package(s)", "failed to install " + shown));
    plan_.changed = true;
    return {};
  }

  Result<void> remove(const std::vector<std::string>& names) {
    std::vector<std::string> installed;
    for (const std::string& name : names) {
      GS_TRY(const CommandResult found, ask({"-v", "info", "--installed", name}));
      if (found.status == 0) installed.push_back(name);
    }
    if (installed.empty()) {
      plan_.set("msg", "package(s) already removed");
      return {};
    }
    const std::string shown = join(installed, " ");
    GS_TRY_VOID(transaction({"del", "--purge"},
                            installed,
                            "removed " + shown + " package(s)",
                            "failed to remove " + shown + " package(s)"));
    plan_.changed = true;
    return {};
  }

  /// apk itself says what it would do.
  Result<void> transaction(std::vector<std::string> words,
                           const std::vector<std::string>& names,
                           std::string done,
                           std::string failed) {
    auto tried = words;
    tried.insert(tried.begin() + 1, "--simulate");
    GS_TRY(const CommandResult shown,
           view_.query(parsable_command(apk_words(args_, std::move(tried), names))));
    if (shown.status != 0) return package_fault(failed, shown);
    List packages = changed_packages(shown.output);
    plan_.changed = !packages.empty();
    plan_.set("packages", Value(std::move(packages))).set("msg", std::move(done));
    plan_.state = Value::map({{"failed", std::move(failed)}, {"words", Value(List())}});
    for (const std::string& word : apk_words(args_, std::move(words), names))
      append_to(plan_.state, "words", Value(word));
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  Plan plan_;
};

Result<Outcome> carry_out(const Plan& plan, System& system, Outcome outcome) {
  outcome.changed = plan.changed;
  for (const auto& [key, value] : plan.result.as_map()) outcome.result.set(to_text(key), value);
  const Args state(plan.state);
  if (!state.has("words")) return outcome;
  GS_TRY(const bool done,
         run_package_command(
             system, package_command(state.texts("words")), state.text("failed"), outcome));
  if (done)
    outcome.result.set("packages", Value(changed_packages(to_text(outcome.result.get("stdout")))));
  return outcome;
}

/// What there is to do is known once the lists are here.
Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "apk"));
  if (package_names(args).empty() && !args.boolean("update_cache") && !args.boolean("upgrade"))
    return Error(ErrorCode::missing_argument, "apk needs one of name, update_cache and upgrade");
  if (!package_names(args).empty() && args.boolean("upgrade"))
    return Error(ErrorCode::argument_conflict, "apk takes only one of name and upgrade");
  if (!args.boolean("update_cache") || view.check_mode()) return Job(args, view).run();
  Plan plan;
  plan.state = Value::map({{"args", args.values()}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome;
  if (plan.state.find("args") == nullptr) return carry_out(plan, system, std::move(outcome));
  const Args args(plan.state.get("args"));
  GS_TRY(const bool done,
         run_package_command(system,
                             package_command(apk_words(args, {"update"})),
                             "could not update package db",
                             outcome));
  if (!done) return outcome;
  GS_TRY(const Plan next, Job(args, system).run());
  return carry_out(next, system, std::move(outcome));
}

}  // namespace

extern const ModuleSpec apk_module;
const ModuleSpec apk_module{
    .name = "apk",
    .collection = "community.general",
    .summary = "Install, upgrade and remove packages of Alpine.",
    .args = kArgs,
    .rules = kRules,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "apk version, apk -v info, apk add --simulate, apk del --simulate, apk upgrade "
        "--simulate",
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
