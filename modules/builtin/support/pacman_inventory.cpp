#include "modules/builtin/support/pacman_inventory.hpp"

#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/package_run.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

using Words = std::vector<std::string>;

/// The words of each line. @error module_failed
Result<std::vector<Words>> lines_of(const SystemView& view, Words words) {
  words.insert(words.begin(), "pacman");
  const Command command = parsable_command(std::move(words));
  GS_TRY(const CommandResult shown, view.query(command));
  if (shown.status != 0) return package_fault("'" + join(command.argv, " ") + "' failed", shown);
  std::vector<Words> out;
  for (const std::string& line : split_lines(shown.output)) {
    auto fields = split_words(line);
    if (!fields.empty()) out.push_back(std::move(fields));
  }
  return out;
}

/// Lines such as `strace 5.14-1 -> 5.15-1`; an exit status of 1 without any says that all is new.
Result<void> read_upgradable(const SystemView& view, PacmanInventory& out) {
  GS_TRY(const CommandResult shown,
         view.query(parsable_command({"pacman", "--query", "--upgrades"})));
  if (shown.status != 0 && !(shown.status == 1 && trim(shown.output).empty()))
    return package_fault("Couldn't get list of packages available for upgrade", shown);
  for (const std::string& line : split_lines(shown.output)) {
    const auto words = split_words(line);
    constexpr std::size_t kFields = 4;
    if (words.size() == kFields && line.find("[ignored]") == std::string::npos)
      out.upgradable[words[0]] = {words[1], words[3]};
  }
  return {};
}

}  // namespace

Result<PacmanInventory> PacmanInventory::read(const SystemView& view) {
  PacmanInventory out;
  GS_TRY(const auto installed, lines_of(view, {"--query"}));
  for (const Words& words : installed) {
    if (words.size() == 2) out.installed[words[0]] = words[1];
  }
  GS_TRY(const auto available, lines_of(view, {"--sync", "--list"}));
  for (const Words& words : available) {
    if (words.size() >= 3) out.available[words[1]] = words[2];
  }
  GS_TRY(const auto groups, lines_of(view, {"--sync", "--groups", "--groups"}));
  for (const Words& words : groups) {
    if (words.size() == 2) out.groups[words[0]].push_back(words[1]);
  }
  GS_TRY_VOID(read_upgradable(view, out));
  for (const auto& [option, reason] :
       {std::pair("--explicit", "explicit"), std::pair("--deps", "dependency")}) {
    GS_TRY(const CommandResult shown, view.query(parsable_command({"pacman", "--query", option})));
    for (const std::string& line : split_lines(shown.output)) {
      const auto words = split_words(line);
      if (!words.empty()) out.reasons[words[0]] = reason;
    }
  }
  return out;
}

Result<std::vector<PacmanPackage>> resolve_packages(const Args& args,
                                                    const SystemView& view,
                                                    const PacmanInventory& inventory) {
  std::vector<PacmanPackage> out;
  for (const std::string& name : package_names(args)) {
    if (const auto group = inventory.groups.find(name); group != inventory.groups.end()) {
      for (const std::string& member : group->second) out.push_back(PacmanPackage{member, member});
      continue;
    }
    if (inventory.available.contains(name) || inventory.installed.contains(name)) {
      out.push_back(PacmanPackage{name, name});
      continue;
    }
    // `repository/name`, or else a file or an address.
    GS_TRY(const CommandResult listed,
           view.query(parsable_command({"pacman", "--sync", "--print-format", "%n", name})));
    CommandResult shown = listed;
    const bool is_file = listed.status != 0;
    if (is_file) {
      GS_TRY(shown,
             view.query(parsable_command({"pacman", "--upgrade", "--print-format", "%n", name})));
    }
    const auto lines = split_lines(shown.output);
    if (shown.status != 0 || lines.empty()) {
      if (package_state(args) == "absent") continue;
      return package_fault("Failed to list package " + name, shown);
    }
    out.push_back(PacmanPackage{std::string(trim(lines.back())), name, is_file});
  }
  return out;
}

Result<std::string> pacman_lists(const SystemView& view) {
  GS_TRY(const CommandResult shown, view.query(parsable_command({"pacman", "--sync", "--list"})));
  return shown.output;
}

}  // namespace gpustack::modules
