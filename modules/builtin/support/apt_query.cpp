#include "modules/builtin/support/apt_query.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/debian_version.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <compare>

namespace gpustack::modules {

namespace {

constexpr std::string_view kNothing = "0 upgraded, 0 newly installed, 0 to remove";

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// The part between the first `open` and the `close` that follows it.
std::string_view between(std::string_view text, char open, char close) {
  const std::size_t start = text.find(open);
  if (start == std::string_view::npos) return {};
  const std::size_t end = text.find(close, start + 1);
  return end == std::string_view::npos ? std::string_view()
                                       : text.substr(start + 1, end - start - 1);
}

PackageChange::Action action_of(std::string_view verb, const PackageChange& change) {
  if (verb == "Remv") return PackageChange::Action::remove;
  if (verb == "Purg") return PackageChange::Action::purge;
  if (change.old_version.empty()) return PackageChange::Action::install;
  const auto order = compare_debian_versions(change.old_version, change.new_version);
  if (std::is_lt(order)) return PackageChange::Action::upgrade;
  return std::is_gt(order) ? PackageChange::Action::downgrade : PackageChange::Action::reinstall;
}

std::optional<PackageChange> parse_change(const std::string& line) {
  const std::string_view verb =
      std::string_view(line).substr(0, std::min<std::size_t>(4, line.size()));
  if ((verb != "Inst" && verb != "Remv" && verb != "Purg") || line.size() < 6 || line[4] != ' ')
    return std::nullopt;
  PackageChange change;
  change.line = line;
  std::string_view rest = std::string_view(line).substr(5);
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view full_name = rest.substr(0, end);
  const std::size_t colon = full_name.find(':');
  change.name = full_name.substr(0, colon);
  if (colon != std::string_view::npos) change.architecture = full_name.substr(colon + 1);
  rest = trim_left(rest.substr(end));
  if (rest.starts_with('[')) {
    change.old_version = between(rest, '[', ']');
    rest = trim_left(rest.substr(rest.find(']') + 1));
  }
  if (verb == "Inst" && rest.starts_with('(')) {
    const std::string_view inside = between(rest, '(', ')');
    const std::size_t space = std::min(inside.find(' '), inside.size());
    change.new_version = inside.substr(0, space);
    std::string_view origin = inside.substr(space);
    origin = trim(origin.substr(0, origin.rfind('[')));
    change.origin = origin;
  }
  change.action = action_of(verb, change);
  return change;
}

}  // namespace

Result<PackageSpec> parse_package_spec(const std::string& text) {
  if (std::ranges::count(text, '=') > 1) {
    return Error(ErrorCode::module_failed, "invalid package spec: " + text);
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return PackageSpec{text, "", ""};
  const bool at_least = equals > 0 && text[equals - 1] == '>';
  return PackageSpec{
      text.substr(0, equals - (at_least ? 1 : 0)), at_least ? ">=" : "=", text.substr(equals + 1)};
}

Command apt_command(std::vector<std::string> argv) {
  Command command = parsable_command(std::move(argv));
  command.environment["DEBIAN_FRONTEND"] = "noninteractive";
  command.environment["DEBIAN_PRIORITY"] = "critical";
  return command;
}

Result<std::map<std::string, InstalledPackage>> installed_packages(
    const SystemView& view, const std::vector<std::string>& names) {
  std::map<std::string, InstalledPackage> out;
  if (names.empty()) return out;
  std::vector<std::string> argv{"dpkg-query",
                                "--show",
                                "--showformat",
                                "${Package}\\t${Architecture}\\t${Status}\\t${Version}\\n",
                                "--"};
  append(argv, names);
  // Unknown names make it exit with 1 after it has shown the known ones.
  GS_TRY(const CommandResult shown, view.query(apt_command(std::move(argv))));
  for (const std::string& line : split_lines(shown.output)) {
    const auto fields = split(line, '\t');
    if (fields.size() < 4) continue;
    const auto status = split_words(fields[2]);
    InstalledPackage package;
    package.installed = status.size() == 3 && status[2] == "installed";
    package.has_files = package.installed || (status.size() == 3 && status[2] != "not-installed");
    package.version = fields[3];
    for (const std::string& name : names) {
      if (name != fields[0] && name != fields[0] + ":" + fields[1]) continue;
      // With several architectures one that is installed counts.
      if (!out.contains(name) || package.installed) out[name] = package;
    }
  }
  return out;
}

Result<std::map<std::string, Candidate>> candidates(const SystemView& view,
                                                    const std::vector<std::string>& names,
                                                    const std::string& release) {
  std::map<std::string, Candidate> out;
  if (names.empty()) return out;
  std::vector<std::string> argv{"apt-cache", "policy"};
  if (!release.empty()) append(argv, {"-o", "APT::Default-Release=" + release});
  append(argv, names);
  GS_TRY(const CommandResult shown, view.query(apt_command(std::move(argv))));
  Candidate* current = nullptr;
  const auto value_of = [](const std::string& line) {
    std::string value(trim(line.substr(line.find(':') + 1)));
    return value == "(none)" ? std::string() : value;
  };
  for (const std::string& line : split_lines(shown.output)) {
    if (!line.empty() && line[0] != ' ') {
      const std::string name(trim_right(line, ":"));
      current = line.ends_with(':') && std::ranges::find(names, name) != names.end() ? &out[name]
                                                                                     : nullptr;
    } else if (current == nullptr) {
      continue;
    } else if (line.starts_with("  Installed:")) {
      current->installed = value_of(line);
    } else if (line.starts_with("  Candidate:")) {
      current->candidate = value_of(line);
    } else if (line.size() > 5 && line[5] != ' ' &&
               (line.starts_with(" *** ") || line.starts_with("     "))) {
      current->versions.push_back(split_words(line.substr(5)).front());
      current->known = true;
    }
  }
  return out;
}

Result<std::vector<std::string>> providers(const SystemView& view, const std::string& name) {
  std::vector<std::string> out;
  GS_TRY(const CommandResult shown, view.query(apt_command({"apt-cache", "showpkg", name})));
  bool in_section = false;
  for (const std::string& line : split_lines(shown.output)) {
    if (line.ends_with(':') || line.starts_with("Reverse Provides:")) {
      in_section = line.starts_with("Reverse Provides:");
      continue;
    }
    const auto words = split_words(line);
    // Packages of a foreign architecture carry it in their name and do not count.
    if (!in_section || words.empty() || words[0].find(':') != std::string::npos) continue;
    if (std::ranges::find(out, words[0]) == out.end()) out.push_back(words[0]);
  }
  return out;
}

Result<std::vector<std::string>> names_like(const SystemView& view, const std::string& pattern) {
  std::vector<std::string> argv{"apt-cache", "pkgnames"};
  const std::string prefix = pattern.substr(0, pattern.find_first_of("*?[]!"));
  if (!prefix.empty()) argv.push_back(prefix);
  GS_TRY(const CommandResult shown, view.query(apt_command(std::move(argv))));
  std::vector<std::string> out;
  for (const std::string& name : split_lines(shown.output)) {
    if (name_matches(pattern, name)) out.push_back(name);
  }
  if (out.empty())
    return Error(ErrorCode::module_failed, "No package(s) matching '" + pattern + "' available");
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> automatically_installed(const SystemView& view,
                                                 const std::vector<std::string>& names) {
  std::vector<std::string> out;
  const auto text = view.read("/var/lib/apt/extended_states");
  if (!text) return out;
  std::string name;
  for (const std::string& line : split_lines(*text)) {
    if (line.starts_with("Package: ")) name = line.substr(9);
    if (line != "Auto-Installed: 1") continue;
    if (std::ranges::find(names, name) != names.end()) out.push_back(name);
  }
  return out;
}

Simulation parse_simulation(std::string_view output) {
  Simulation out;
  out.output = output;
  for (const std::string& line : split_lines(output)) {
    if (auto change = parse_change(line)) out.changes.push_back(std::move(*change));
    if (line.starts_with(kNothing)) out.does_nothing = true;
  }
  return out;
}

Result<Simulation> simulate(const SystemView& view, const std::vector<std::string>& argv) {
  std::vector<std::string> words{"apt-get", "--simulate"};
  words.insert(words.end(), argv.begin() + 1, argv.end());
  // Even a simulation would leave the resolver's log behind: a dry run writes nothing.
  words.insert(words.end(), {"-o", "Dir::Log::Planner=/dev/null"});
  GS_TRY(const CommandResult done, view.query(apt_command(std::move(words))));
  if (done.status != 0) {
    const std::string_view why = trim(done.errors.empty() ? done.output : done.errors);
    return Error(ErrorCode::module_failed, "'" + join(argv, " ") + "' failed: " + std::string(why));
  }
  Simulation out = parse_simulation(done.output);
  out.errors = done.errors;
  return out;
}

Result<void> guard_bsp(const SystemView& view, const std::vector<PackageChange>& changes) {
  if (changes.empty() || !is_jetson(view)) return {};
  std::string bsp_version;
  if (const auto core = installed_packages(view, {"nvidia-l4t-core"})) {
    const auto found = core->find("nvidia-l4t-core");
    if (found != core->end()) bsp_version = found->second.version;
  }
  const auto hits = jetson_hits(changes, bsp_version);
  if (hits.empty()) return {};
  return Error(ErrorCode::guard,
               "this host is a Jetson (BSP " + (bsp_version.empty() ? "unknown" : bsp_version) +
                   "), whose driver, kernel and firmware come with its BSP; the transaction would "
                   "touch them: " +
                   join(hits, "; "))
      .hint("leave these packages to the BSP, or update the BSP as a whole with NVIDIA's tools");
}

}  // namespace gpustack::modules
