// rpm and dnf of a recorded host, over `/.recorded/packages` as apt has it: every package is on
// offer but those that `/.recorded/flags` names as `not-offered-NAME`.

#include "modules/sdk/text.hpp"
#include "tests/support/recorded_tools.hpp"

#include <algorithm>
#include <map>

namespace gpustack::test {
namespace {

using modules::split_lines;
using modules::split_words;

constexpr const char* kPackages = "/.recorded/packages";
constexpr const char* kLocks = "/.recorded/locks";
constexpr const char* kStreams = "/.recorded/streams";
constexpr const char* kAnyVersion = "1.0-1.el9";

using Packages = std::map<std::string, std::string>;

Packages installed(const MemorySystem& host) {
  Packages out;
  for (const std::string& line : split_lines(host.text(kPackages))) {
    const auto words = split_words(line);
    if (words.size() >= 2) out[words[0]] = words[1];
  }
  return out;
}

void keep(MemorySystem& host, const Packages& packages) {
  std::string text;
  for (const auto& [name, version] : packages) text += name + " " + version + "\n";
  host.file(kPackages, text);
}

bool has_flag(const MemorySystem& host, const std::string& flag) {
  return std::ranges::count(split_lines(host.text("/.recorded/flags")), flag) > 0;
}

CommandResult says(std::string output, int status = 0) {
  return CommandResult{.status = status, .output = std::move(output)};
}

/// The words that are no options, behind the verb.
std::vector<std::string> names_of(const Command& command, const std::string& verb) {
  std::vector<std::string> names;
  bool is_behind = verb.empty();
  for (std::size_t i = 1; i < command.argv.size(); ++i) {
    const std::string& word = command.argv[i];
    if (word == "--qf") {
      ++i;
    } else if (word == verb) {
      is_behind = true;
    } else if (is_behind && !word.starts_with('-')) {
      names.push_back(word);
    }
  }
  return names;
}

/// `kernel-devel-5.14.0-503.el9.x86_64` is a package with its version; the recorded hosts know it
/// by the whole of that name.
std::string version_of(const std::string& name) {
  const auto at = name.find("-580.");
  return at == std::string::npos ? kAnyVersion : name.substr(at + 1) + "-1.el9";
}

CommandResult rpm(const Command& command, MemorySystem& host) {
  const Packages packages = installed(host);
  const bool wants_all = std::ranges::count(command.argv, "-qa") > 0;
  const auto format = std::ranges::find(command.argv, "--qf");
  std::string out;
  int missing = 0;
  const auto row = [&](const std::string& name, const std::string& version) {
    if (format == command.argv.end()) return name + "-" + version + "\n";
    std::string text = *(format + 1);
    const auto dash = version.find('-');
    for (const auto& [key, value] :
         std::map<std::string, std::string>{{"%{NAME}", name},
                                            {"%{VERSION}", version.substr(0, dash)},
                                            {"%{RELEASE}", version.substr(dash + 1)},
                                            {"%{EPOCHNUM}", "0"},
                                            {"%{ARCH}", "x86_64"},
                                            {"\\t", "\t"},
                                            {"\\n", "\n"}})
      text = modules::replace_all(text, key, value);
    return text;
  };
  if (wants_all) {
    for (const auto& [name, version] : packages) out += row(name, version);
    return says(out);
  }
  for (const std::string& name : names_of(command, "-q")) {
    const auto found = packages.find(name);
    if (found == packages.end()) {
      out += "package " + name + " is not installed\n";
      ++missing;
    } else {
      out += row(name, found->second);
    }
  }
  return says(out, missing);
}

/// What is asked for that does not fit; empty when all does.
std::string obstacle(const MemorySystem& host, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (has_flag(host, "not-offered-" + name)) return "No match for argument: " + name;
    // Packages of a module's stream are hidden until it is enabled.
    const bool is_of_stream = name.starts_with("kmod-nvidia-") || name.starts_with("nvidia-driver");
    if (is_of_stream && host.text(kStreams).empty() && !has_flag(host, "rhel-10"))
      return "All matches were filtered out by modular filtering for argument: " + name;
  }
  return {};
}

CommandResult install(const Command& command, MemorySystem& host, bool is_simulated) {
  Packages packages = installed(host);
  const auto names = names_of(command, "install");
  if (const std::string why = obstacle(host, names); !why.empty())
    return CommandResult{.status = 1, .errors = "Error: " + why + "\n"};
  std::string rows;
  for (const std::string& name : names) {
    if (packages.contains(name)) continue;
    packages[name] = version_of(name);
    // `docker-ce-28.3.0` is docker-ce, too.
    if (const auto dash = name.find_last_of('-');
        dash != std::string::npos && name.find('.', dash) != std::string::npos &&
        name.find_first_not_of("0123456789.", dash + 1) == std::string::npos)
      packages[name.substr(0, dash)] = packages[name];
    rows += " " + name + "   x86_64   " + packages[name] + "   recorded   1 M\n";
  }
  if (rows.empty()) return says("Nothing to do.\n");
  if (!is_simulated) {
    keep(host, packages);
    bring_programs_of(host);
  }
  return says("Dependencies resolved.\nInstalling:\n" + rows + "\nTransaction Summary\n",
              is_simulated ? 1 : 0);
}

CommandResult list(const Command& command, MemorySystem& host) {
  if (obstacle(host, names_of(command, "list")).empty()) return says("Available Packages\n");
  return CommandResult{.status = 1, .errors = "Error: No matching Packages to list\n"};
}

CommandResult versionlock(const Command& command, MemorySystem& host) {
  if (command.argv.back() == "list") return says(host.text(kLocks));
  const std::string name = command.argv.back();
  const Packages packages = installed(host);
  const auto found = packages.find(name);
  const std::string version = found == packages.end() ? kAnyVersion : found->second;
  host.file(kLocks, host.text(kLocks) + name + "-0:" + version + ".*\n");
  return says("Adding versionlock on: " + name + "\n");
}

CommandResult modules_of(const Command& command, MemorySystem& host) {
  const bool lists = std::ranges::count(command.argv, "list") > 0;
  if (lists) {
    const std::string enabled = host.text(kStreams);
    return enabled.empty() ? says("", 1) : says("nvidia-driver " + enabled + " [e]\n");
  }
  const std::string wanted = command.argv.back();
  host.file(kStreams, wanted.substr(wanted.find(':') + 1));
  return says("Enabling module streams\n");
}

}  // namespace

void install_dnf(MemorySystem& host) {
  for (const char* name : {"rpm", "dnf", "grubby"}) host.program(name);
  if (!host.exists(kPackages)) host.file(kPackages, "");
  host.file(kLocks, "").file(kStreams, "").file("/.recorded/grubby", "");
  host.when({"rpm"}, rpm);
  host.when(
          {"dnf", "--assumeno"},
          [](const Command& command, MemorySystem& there) { return install(command, there, true); })
      .when({"dnf", "-y"},
            [](const Command& command, MemorySystem& there) {
              return install(command, there, false);
            })
      .when({"dnf", "-y", "clean"}, "")
      .when({"dnf", "clean"}, "")
      .when({"dnf", "-q", "list"}, list)
      .when({"dnf", "-q", "versionlock"}, versionlock)
      .when({"dnf", "-q", "module"}, modules_of)
      .when({"dnf", "-q", "-y", "module"}, modules_of);
  host.when({"grubby"}, [](const Command& command, MemorySystem& there) {
    if (command.argv.at(1).starts_with("--info")) return says(there.text("/.recorded/grubby"));
    there.file("/.recorded/grubby", "args=\"ro " + command.argv.back() + "\"\n");
    return says("");
  });
}

}  // namespace gpustack::test
