#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/package_run.hpp"
#include "modules/builtin/support/pacman_inventory.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name",
     .type = ArgType::list,
     .elements = ArgType::string,
     .aliases = "package,pkg",
     .doc = "Packages, groups, files or addresses of packages."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,installed,latest,present,removed",
     .doc = "Whether they shall be there, or be as new as can be."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove without regard to dependencies; fetch lists even when they are new."},
    {.name = "remove_nosave",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep no copies of changed configuration when packages are removed."},
    {.name = "extra_args", .doc = "More options for pacman.", .empty_fallback = true},
    {.name = "update_cache",
     .type = ArgType::boolean,
     .doc = "Fetch the repositories' lists first."},
    {.name = "update_cache_extra_args", .doc = "More options for that.", .empty_fallback = true},
    {.name = "upgrade", .type = ArgType::boolean, .doc = "Upgrade everything."},
    {.name = "upgrade_extra_args", .doc = "More options for that.", .empty_fallback = true},
    {.name = "reason",
     .choices = "explicit,dependency",
     .doc = "Why packages are said to be installed."},
    {.name = "reason_for",
     .fallback = "new",
     .choices = "new,all",
     .doc = "Whether `reason` is also set for packages that are there."},
    {.name = "executable",
     .fallback = "pacman",
     .doc = "A program that takes pacman's options.",
     .refused = "a dry run may ask pacman alone"},
};
constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::required_one_of, .names = "name,update_cache,upgrade"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "name,upgrade"},
};
constexpr Example kExamples[] = {
    {.title = "The open kernel module and its tools",
     .yaml = "pacman:\n  name: [nvidia-open, nvidia-utils]\n  update_cache: true"},
};
constexpr ResultKey kResults[] = {
    {"packages", "Packages that change."},
    {"msg", "What was done."},
    {"cache_updated", "Whether fetched lists differ from those before."},
    {"stdout", "pacman's output."},
    {"stderr", "pacman's errors."},
};

using Words = std::vector<std::string>;

/// `extra_args` and the like, as a shell would split them.
Result<Words> extra(const Args& args, const char* name) {
  auto words = shell_split(args.text(name));
  if (words) return std::move(*words);
  return Error(ErrorCode::invalid_argument,
               std::string(name) + " has a quote that is not closed: '" + args.text(name) + "'");
}

class Job {
 public:
  Job(const Args& args, const SystemView& view) : args_(args), view_(view) {}

  Result<Plan> run() {
    plan_.state = Value::map({{"steps", Value(List())}});
    if (args_.boolean("update_cache")) foresee_refresh();
    if (!args_.boolean("upgrade") && package_names(args_).empty()) return finished();
    GS_TRY(inventory_, PacmanInventory::read(view_));
    if (args_.boolean("upgrade")) {
      GS_TRY_VOID(upgrade());
    } else if (package_state(args_) == "absent") {
      GS_TRY_VOID(remove());
    } else {
      GS_TRY_VOID(install());
    }
    return finished();
  }

 private:
  Plan finished() {
    plan_.set("msg", join(messages_, "\n"));
    return std::move(plan_);
  }

  /// A command that apply() runs, and what its failure is called.
  void step(const Words& words, const char* failed) {
    Value argv{List()};
    argv.push_back("pacman");
    for (const std::string& word : words) argv.push_back(Value(word));
    append_to(plan_.state, "steps", Value::map({{"argv", std::move(argv)}, {"failed", failed}}));
  }

  /// Only a dry run comes here with it; whether the lists differ is known once they are fetched.
  void foresee_refresh() {
    if (!view_.check_mode()) return;
    messages_.emplace_back("Would have updated the package db");
    plan_.changed = true;
    plan_.set("cache_updated", true);
  }

  Result<void> upgrade() {
    const auto& old = inventory_.upgradable;
    if (old.empty()) {
      messages_.emplace_back("Nothing to upgrade");
      return {};
    }
    std::string before;
    std::string after;
    List names;
    for (const auto& [name, versions] : old) {
      before += name + "-" + versions.first + "\n";
      after += name + "-" + versions.second + "\n";
      names.emplace_back(name);
    }
    plan_.changed = true;
    plan_.set("packages", Value(std::move(names)));
    plan_.diff(before, after);
    Words words{"--sync", "--sysupgrade", "--quiet", "--noconfirm"};
    GS_TRY(const Words more, extra(args_, "upgrade_extra_args"));
    words.insert(words.end(), more.begin(), more.end());
    step(words, "Could not upgrade");
    messages_.push_back(view_.check_mode()
                            ? std::to_string(old.size()) + " packages would have been upgraded"
                            : "System upgraded");
    return {};
  }

  Result<void> remove() {
    GS_TRY(const auto packages, resolve_packages(args_, view_, inventory_));
    Words names;
    for (const PacmanPackage& package : packages) {
      if (inventory_.installed.contains(package.name)) names.push_back(package.name);
    }
    if (names.empty()) {
      plan_.set("packages", Value(List()));
      messages_.emplace_back("package(s) already absent");
      return {};
    }
    GS_TRY(const Words more, extra(args_, "extra_args"));
    Words options{"--noconfirm", "--noprogressbar"};
    options.insert(options.end(), more.begin(), more.end());
    if (args_.boolean("force")) options.insert(options.end(), {"--nodeps", "--nodeps"});
    GS_TRY(const Words removed,
           printed({"--remove", "--print-format", "%n-%v"},
                   options,
                   names,
                   "failed to list package(s) to remove"));
    List shown;
    for (const std::string& one : removed) shown.emplace_back(one);
    plan_.set("packages", Value(std::move(shown)));
    plan_.diff(join(removed, "\n") + "\n", "");
    plan_.changed = true;
    Words words{"--remove"};
    words.insert(words.end(), options.begin(), options.end());
    if (args_.boolean("remove_nosave")) words.emplace_back("--nosave");
    words.insert(words.end(), names.begin(), names.end());
    step(words, "failed to remove package(s)");
    messages_.push_back((view_.check_mode() ? "Would have removed " : "Removed ") +
                        std::to_string(removed.size()) + " packages");
    return {};
  }

  /// The lines that a printing command writes about packages.
  Result<Words> printed(Words start,
                        const Words& options,
                        const Words& names,
                        const char* failed) const {
    start.insert(start.begin(), "pacman");
    start.insert(start.end(), options.begin(), options.end());
    start.insert(start.end(), names.begin(), names.end());
    GS_TRY(const CommandResult shown, view_.query(parsable_command(std::move(start))));
    if (shown.status != 0) return package_fault(failed, shown);
    Words out;
    for (const std::string& line : split_lines(shown.output)) {
      const bool is_talk = line.find("loading packages") != std::string::npos ||
                           line.find("there is nothing to do") != std::string::npos;
      if (!is_talk && !trim(line).empty()) out.emplace_back(trim(line));
    }
    return out;
  }

  [[nodiscard]] bool sets_reason(const std::string& name) const {
    if (!args_.has("reason")) return false;
    const auto old = inventory_.reasons.find(name);
    if (old == inventory_.reasons.end()) return true;
    return args_.text("reason_for") == "all" && old->second != args_.text("reason");
  }

  Result<void> install() {
    GS_TRY(const auto packages, resolve_packages(args_, view_, inventory_));
    GS_TRY(const Words more, extra(args_, "extra_args"));
    Words options{"--noconfirm", "--noprogressbar", "--needed"};
    options.insert(options.end(), more.begin(), more.end());
    const bool latest = package_state(args_) == "latest";
    Words from_lists;
    Words from_files;
    Words reasons;
    for (const PacmanPackage& package : packages) {
      if (sets_reason(package.name)) reasons.push_back(package.name);
      const bool is_old = latest && inventory_.upgradable.contains(package.name);
      if (package.is_file) {
        from_files.push_back(package.source);
      } else if (is_old || !inventory_.installed.contains(package.name)) {
        from_lists.push_back(package.source);
      }
    }
    GS_TRY_VOID(add("--sync", options, from_lists));
    GS_TRY_VOID(add("--upgrade", options, from_files));
    if (!reasons.empty()) {
      Words words{"--noconfirm",
                  "--database",
                  args_.text("reason") == "dependency" ? "--asdeps" : "--asexplicit"};
      words.insert(words.end(), reasons.begin(), reasons.end());
      step(words, "Failed to install package(s)");
      for (const std::string& name : reasons) {
        if (std::ranges::find(added_, name) == added_.end()) added_.push_back(name);
      }
      plan_.changed = true;
    }
    std::ranges::sort(added_);
    List shown;
    for (const std::string& name : added_) shown.emplace_back(name);
    plan_.set("packages", Value(std::move(shown)));
    if (added_.empty()) {
      messages_.emplace_back("package(s) already installed");
      return {};
    }
    plan_.diff(before_, after_);
    messages_.push_back((view_.check_mode() ? "Would have installed " : "Installed ") +
                        std::to_string(added_.size()) +
                        (view_.check_mode() ? " packages" : " package(s)"));
    return {};
  }

  /// Plans the installation of what pacman, asked for a list, would install.
  Result<void> add(const char* operation, const Words& options, const Words& names) {
    if (names.empty()) return {};
    GS_TRY(const Words lines,
           printed({operation, "--print-format", "%n %v"},
                   options,
                   names,
                   "Failed to list package(s) to install"));
    for (const std::string& line : lines) {
      const auto words = split_words(line);
      if (words.size() != 2) continue;
      const auto old = inventory_.installed.find(words[0]);
      if (old != inventory_.installed.end()) before_ += words[0] + "-" + old->second + "\n";
      after_ += words[0] + "-" + words[1] + "\n";
      added_.push_back(words[0]);
    }
    if (lines.empty()) return {};
    plan_.changed = true;
    Words words{operation};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), names.begin(), names.end());
    step(words, "Failed to install package(s)");
    return {};
  }

  const Args& args_;
  const SystemView& view_;
  PacmanInventory inventory_;
  Words added_;
  std::string before_;
  std::string after_;
  Words messages_;
  Plan plan_;
};

Result<Outcome> carry_out(const Plan& plan, System& system, Outcome outcome) {
  outcome.changed = outcome.changed || plan.changed;
  std::string message = to_text(plan.result.get("msg"));
  if (outcome.result.find("msg") != nullptr) {
    message = to_text(outcome.result.get("msg")) + (message.empty() ? "" : "\n" + message);
  }
  for (const auto& [key, value] : plan.result.as_map()) outcome.result.set(to_text(key), value);
  outcome.result.set("msg", Value(std::move(message)));
  for (const Value& step : plan.state.get("steps").as_list()) {
    GS_TRY(const bool done,
           run_package_command(system,
                               package_command(Args(step).texts("argv")),
                               to_text(step.get("failed")),
                               outcome));
    if (!done) return outcome;
  }
  return outcome;
}

/// Fetches the lists and notes whether they differ from those before.
Result<bool> refresh(const Args& args, System& system, Outcome& outcome) {
  Words words{"pacman", "--sync", "--refresh"};
  GS_TRY(const Words more, extra(args, "update_cache_extra_args"));
  words.insert(words.end(), more.begin(), more.end());
  if (args.boolean("force")) words.emplace_back("--refresh");
  GS_TRY(const std::string before, pacman_lists(system));
  GS_TRY(const bool done,
         run_package_command(
             system, package_command(std::move(words)), "could not update package db", outcome));
  if (!done) return false;
  GS_TRY(const std::string after, pacman_lists(system));
  outcome.changed = args.boolean("force") || before != after;
  outcome.result.set("cache_updated", outcome.changed);
  outcome.result.set("msg", "Updated package db");
  return true;
}

/// What there is to do is known once the lists are here.
Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(required_program(view, "pacman"));
  for (const char* name : {"extra_args", "upgrade_extra_args", "update_cache_extra_args"})
    GS_TRY_VOID(extra(args, name));
  if (!args.boolean("update_cache") || view.check_mode()) return Job(args, view).run();
  Plan plan;
  plan.state = Value::map({{"args", args.values()}});
  return plan;
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome;
  if (plan.state.find("args") == nullptr) return carry_out(plan, system, std::move(outcome));
  const Args args(plan.state.get("args"));
  GS_TRY(const bool done, refresh(args, system, outcome));
  if (!done) return outcome;
  GS_TRY(const Plan next, Job(args, system).run());
  return carry_out(next, system, std::move(outcome));
}

}  // namespace

extern const ModuleSpec pacman_module;
const ModuleSpec pacman_module{.name = "pacman",
                               .collection = "community.general",
                               .summary = "Install, upgrade and remove packages of Arch Linux.",
                               .args = kArgs,
                               .rules = kRules,
                               .examples = kExamples,
                               .results = kResults,
                               .queries = kPacmanQueries,
                               .has_diff = true,
                               .plan = plan,
                               .apply = apply};

}  // namespace gpustack::modules
