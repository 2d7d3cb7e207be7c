#include "modules/builtin/support/apt_plan.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/debian_version.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <compare>

namespace gpustack::modules {

namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// The version that would be installed for a spec; empty: none.
std::string best_version(const PackageSpec& spec, const Candidate& candidate) {
  if (spec.comparison == "=") {
    for (const std::string& version : candidate.versions) {
      if (name_matches(spec.version, version)) return version;
    }
    return {};
  }
  if (spec.comparison == ">=" &&
      std::is_lt(compare_debian_versions(candidate.candidate, spec.version)))
    return {};
  return candidate.candidate;
}

bool satisfies(const PackageSpec& spec, const std::string& version) {
  if (spec.comparison == "=") return name_matches(spec.version, version);
  if (spec.comparison == ">=") return std::is_gteq(compare_debian_versions(version, spec.version));
  return true;
}

/// Builds the command step by step; every branch ends in simulate().
class AptPlanner {
 public:
  AptPlanner(const Args& args, const SystemView& view) : args_(args), view_(view) {}

  Result<AptPlan> make() {
    const std::string upgrade = args_.text("upgrade", "no");
    if (upgrade != "no") return plan_upgrade(upgrade);
    if (args_.has("deb")) return plan_deb();
    std::vector<std::string> names;
    bool all = false;
    for (const std::string& item : args_.texts("package")) {
      const std::string name(trim(item));
      if (name == "*") all = true;
      if (!name.empty() && name != "*") names.push_back(name);
    }
    const std::string state = args_.text("state", "present");
    if (all && state == "latest") {
      if (!names.empty()) {
        return Error(ErrorCode::argument_conflict,
                     "unable to install additional packages when upgrading all installed packages");
      }
      return plan_upgrade("yes");
    }
    if (names.empty()) return plan_cleanup();
    GS_TRY(const auto specs, expand(names));
    if (state == "absent") return plan_removal(specs);
    if (state == "build-dep") return plan_build_dependencies(specs);
    return plan_installation(specs, state);
  }

 private:
  [[nodiscard]] bool asks(std::string_view name) const { return args_.boolean(name); }

  [[nodiscard]] std::vector<std::string> start() const {
    std::vector<std::string> argv{"apt-get", "-y"};
    for (const std::string& option :
         split(args_.text("dpkg_options", "force-confdef,force-confold"), ',')) {
      const std::string_view name = trim(option);
      if (!name.empty()) append(argv, {"-o", "Dpkg::Options::=--" + std::string(name)});
    }
    return argv;
  }

  void add_permissions(std::vector<std::string>& argv) const {
    const bool force = asks("force");  // what --force-yes stood for before it was split up
    if (force || asks("allow_unauthenticated")) argv.emplace_back("--allow-unauthenticated");
    if (force || asks("allow_downgrade")) argv.emplace_back("--allow-downgrades");
    if (force || asks("allow_change_held_packages"))
      argv.emplace_back("--allow-change-held-packages");
    if (force) argv.emplace_back("--allow-remove-essential");
    if (asks("fail_on_autoremove")) argv.emplace_back("--no-remove");
  }

  void add_release_and_recommends(std::vector<std::string>& argv) const {
    if (args_.has("default_release")) append(argv, {"-t", args_.text("default_release")});
    if (args_.has("install_recommends")) {
      append(
          argv,
          {"-o",
           std::string("APT::Install-Recommends=") + (asks("install_recommends") ? "yes" : "no")});
    }
  }

  Result<AptPlan> finish(AptPlan plan) {
    if (plan.argv.empty()) return plan;
    GS_TRY(plan.simulation, simulate(view_, plan.argv));
    GS_TRY_VOID(guard_bsp(view_, plan.simulation.changes));
    if (plan.failure.empty()) plan.failure = "'" + join(plan.argv, " ") + "'";
    return plan;
  }

  Result<AptPlan> plan_upgrade(const std::string& mode) {
    const bool whole = mode == "dist" || mode == "full";
    if (whole && is_jetson(view_)) {
      return Error(ErrorCode::guard,
                   "upgrade=" + mode + " on a Jetson would upgrade its BSP behind NVIDIA's back")
          .hint("use upgrade=safe, which adds and removes no BSP package");
    }
    AptPlan plan;
    plan.argv = start();
    add_permissions(plan.argv);
    if (args_.has("default_release")) append(plan.argv, {"-t", args_.text("default_release")});
    if (asks("autoremove")) plan.argv.emplace_back("--auto-remove");
    append(plan.argv,
           whole ? std::vector<std::string>{"dist-upgrade"}
                 : std::vector<std::string>{"--with-new-pkgs", "upgrade"});
    plan.failure = std::string("'apt-get ") + (whole ? "dist-upgrade" : "upgrade") + "'";
    plan.reports_message = true;
    GS_TRY(AptPlan done, finish(std::move(plan)));
    done.changed = !done.simulation.does_nothing;
    return done;
  }

  Result<AptPlan> plan_cleanup() {
    AptPlan plan;
    const bool autoclean = asks("autoclean");
    if (!autoclean && !asks("autoremove")) return plan;
    plan.argv = start();
    if (asks("purge")) plan.argv.emplace_back("--purge");
    if (asks("force")) add_permissions(plan.argv);
    plan.argv.emplace_back(autoclean ? "autoclean" : "autoremove");
    plan.failure = std::string("'apt-get ") + (autoclean ? "autoclean" : "autoremove") + "'";
    GS_TRY(AptPlan done, finish(std::move(plan)));
    done.changed =
        autoclean ? holds_line(done.simulation.output, "Del ") : !done.simulation.changes.empty();
    return done;
  }

  static bool holds_line(const std::string& output, std::string_view start) {
    for (const std::string& line : split_lines(output)) {
      if (line.starts_with(start)) return true;
    }
    return false;
  }

  Result<std::vector<PackageSpec>> expand(const std::vector<std::string>& names) const {
    std::vector<PackageSpec> out;
    for (const std::string& name : names) {
      GS_TRY(PackageSpec spec, parse_package_spec(name));
      if (spec.name.find_first_of("*?[]!") == std::string::npos) {
        out.push_back(std::move(spec));
        continue;
      }
      GS_TRY(const auto found, names_like(view_, spec.name));
      for (const std::string& one : found) out.push_back(PackageSpec{one, "", ""});
    }
    return out;
  }

  static std::vector<std::string> names_of(const std::vector<PackageSpec>& specs) {
    std::vector<std::string> out;
    out.reserve(specs.size());
    for (const PackageSpec& spec : specs) out.push_back(spec.name);
    return out;
  }

  Result<AptPlan> plan_removal(const std::vector<PackageSpec>& specs) {
    GS_TRY(const auto installed, installed_packages(view_, names_of(specs)));
    std::vector<std::string> targets;
    for (const PackageSpec& spec : specs) {
      const auto found = installed.find(spec.name);
      if (found == installed.end()) continue;
      const bool matches = found->second.installed && satisfies(spec, found->second.version);
      if (matches || (found->second.has_files && asks("purge")))
        targets.push_back(spec.name + spec.comparison + spec.version);
    }
    AptPlan plan;
    if (targets.empty()) return plan;
    plan.argv = start();
    if (asks("purge")) plan.argv.emplace_back("--purge");
    if (asks("force")) add_permissions(plan.argv);
    if (asks("autoremove")) plan.argv.emplace_back("--auto-remove");
    plan.argv.emplace_back("remove");
    append(plan.argv, targets);
    plan.failure = "'apt-get remove " + join(targets, " ") + "'";
    plan.changed = true;
    return finish(std::move(plan));
  }

  Result<AptPlan> plan_build_dependencies(const std::vector<PackageSpec>& specs) {
    AptPlan plan;
    plan.argv = start();
    add_permissions(plan.argv);
    add_release_and_recommends(plan.argv);
    plan.argv.emplace_back("build-dep");
    append(plan.argv, names_of(specs));
    GS_TRY(AptPlan done, finish(std::move(plan)));
    done.changed = !done.simulation.does_nothing;
    return done;
  }

  // Versions are asked for only where the answer matters: not for installed packages that may stay
  // as they are.
  Result<std::map<std::string, Candidate>> ask_candidates(
      const std::vector<PackageSpec>& specs,
      const std::map<std::string, InstalledPackage>& installed,
      bool upgrades) const {
    std::vector<std::string> names;
    for (const PackageSpec& spec : specs) {
      const auto found = installed.find(spec.name);
      const bool is_there = found != installed.end() && found->second.installed;
      if (is_there && !upgrades && spec.comparison.empty()) continue;
      if (!is_there && asks("only_upgrade")) continue;
      names.push_back(spec.name);
    }
    return candidates(view_, names, args_.text("default_release"));
  }

  /// The word for apt-get, or nothing when the package may stay. @error module_failed  there is no
  /// such package
  Result<std::optional<std::string>> target_for(const PackageSpec& spec,
                                                const InstalledPackage& installed,
                                                const Candidate& candidate,
                                                bool upgrades) const {
    const std::optional<std::string> nothing;
    if (installed.installed && spec.comparison.empty() && !upgrades) return nothing;
    if (!installed.installed && asks("only_upgrade")) return nothing;
    if (!candidate.known && !installed.installed) return virtual_target(spec);
    const std::string best = best_version(spec, candidate);
    const bool matches = installed.installed && satisfies(spec, installed.version);
    if (best.empty() && !matches) {
      return Error(
          ErrorCode::module_failed,
          "no available installation candidate for " + spec.name + spec.comparison + spec.version);
    }
    if (best.empty() || best == installed.version)
      return installed.installed && matches ? nothing : std::optional(spec.name + "=" + best);
    if (installed.installed && matches && !upgrades && spec.comparison != "=") return nothing;
    return std::optional<std::string>(spec.name + "=" + best);
  }

  Result<std::optional<std::string>> virtual_target(const PackageSpec& spec) const {
    GS_TRY(const auto found, providers(view_, spec.name));
    if (found.empty())
      return Error(ErrorCode::module_failed,
                   "No package matching '" + spec.name + "' is available");
    if (found.size() == 1) {
      GS_TRY(const auto installed, installed_packages(view_, found));
      if (installed.contains(found[0]) && installed.at(found[0]).installed)
        return std::optional<std::string>();
    }
    // apt-get picks a provider, or says which ones there are.
    return std::optional<std::string>(spec.name);
  }

  Result<AptPlan> plan_installation(const std::vector<PackageSpec>& specs,
                                    const std::string& state) {
    const bool upgrades = state == "latest";
    GS_TRY(const auto installed, installed_packages(view_, names_of(specs)));
    GS_TRY(const auto known, ask_candidates(specs, installed, upgrades));
    std::vector<std::string> targets;
    std::vector<std::string> staying;
    for (const PackageSpec& spec : specs) {
      const auto now = installed.find(spec.name);
      const auto candidate = known.find(spec.name);
      GS_TRY(const auto target,
             target_for(spec,
                        now == installed.end() ? InstalledPackage{} : now->second,
                        candidate == known.end() ? Candidate{} : candidate->second,
                        upgrades));
      if (target) {
        targets.push_back(*target);
      } else {
        staying.push_back(spec.name);
      }
    }
    AptPlan plan;
    plan.mark_manual = automatically_installed(view_, staying);
    if (targets.empty()) return plan;
    plan.argv = start();
    if (asks("only_upgrade")) plan.argv.emplace_back("--only-upgrade");
    if (state == "fixed") plan.argv.emplace_back("--fix-broken");
    add_permissions(plan.argv);
    if (asks("autoremove")) plan.argv.emplace_back("--auto-remove");
    add_release_and_recommends(plan.argv);
    plan.argv.emplace_back("install");
    append(plan.argv, targets);
    plan.changed = true;
    return finish(std::move(plan));
  }

  Result<std::map<std::string, std::string>> deb_fields(const std::string& file) const {
    GS_TRY(const CommandResult shown,
           view_.query(
               apt_command({"dpkg-deb", "--field", file, "Package", "Version", "Architecture"})));
    if (shown.status != 0) {
      return Error(ErrorCode::module_failed,
                   "Unable to install package: " + std::string(trim(shown.errors)));
    }
    std::map<std::string, std::string> out;
    for (const std::string& line : split_lines(shown.output)) {
      const std::size_t colon = line.find(": ");
      if (colon != std::string::npos) out[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return out;
  }

  Result<AptPlan> plan_deb() {
    if (args_.text("state", "present") != "present") {
      return Error(ErrorCode::argument_conflict, "deb only supports state=present");
    }
    std::vector<std::string> targets;
    for (const std::string& item : split(args_.text("deb"), ',')) {
      const std::string file(trim(item));
      if (file.find("://") != std::string::npos) {
        return Error(ErrorCode::invalid_argument,
                     "expected the path of a file on the host for deb, found the address '" + file +
                         "'")
            .hint("fetch it first with get_url");
      }
      GS_TRY(const auto fields, deb_fields(file));
      const auto name = fields.find("Package");
      const auto version = fields.find("Version");
      if (name == fields.end() || version == fields.end()) {
        return Error(ErrorCode::module_failed,
                     "Unable to install package: " + file + " has no name or version");
      }
      GS_TRY(const auto installed, installed_packages(view_, {name->second}));
      const auto now = installed.find(name->second);
      if (now != installed.end() && now->second.installed && now->second.version == version->second)
        continue;
      targets.push_back(file.find('/') == std::string::npos ? "./" + file : file);
    }
    AptPlan plan;
    if (targets.empty()) return plan;
    plan.argv = start();
    add_permissions(plan.argv);
    add_release_and_recommends(plan.argv);
    plan.argv.emplace_back("install");
    append(plan.argv, targets);
    plan.changed = true;
    return finish(std::move(plan));
  }

  const Args& args_;
  const SystemView& view_;
};

}  // namespace

bool wants_packages(const Args& args) {
  return !args.texts("package").empty() || args.text("upgrade", "no") != "no" || args.has("deb");
}

Result<AptPlan> plan_apt(const Args& args, const SystemView& view) {
  return AptPlanner(args, view).make();
}

}  // namespace gpustack::modules
