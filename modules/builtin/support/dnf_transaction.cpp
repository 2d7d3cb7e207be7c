#include "modules/builtin/support/dnf_transaction.hpp"

#include "modules/sdk/text.hpp"

#include <optional>

namespace gpustack::modules {

namespace {

std::optional<PackageChange::Action> section_of(std::string_view line) {
  if (line.starts_with("Installing"))
    return PackageChange::Action::install;  // also dependencies, weak dependencies
  if (line.starts_with("Upgrading")) return PackageChange::Action::upgrade;
  if (line.starts_with("Downgrading")) return PackageChange::Action::downgrade;
  if (line.starts_with("Reinstalling")) return PackageChange::Action::reinstall;
  if (line.starts_with("Removing")) return PackageChange::Action::remove;
  return std::nullopt;
}

}  // namespace

std::vector<PackageChange> parse_dnf_transaction(std::string_view output) {
  std::vector<PackageChange> out;
  std::optional<PackageChange::Action> action;
  std::string long_name;  // a name too long for its column stands on a line of its own
  for (const std::string& line : split_lines(output)) {
    if (line.starts_with("Transaction Summary")) break;
    if (line.empty() || line[0] != ' ') {
      action = line.ends_with(':') ? section_of(line) : std::nullopt;
      long_name.clear();
      continue;
    }
    if (!action) continue;
    auto words = split_words(line);
    if (words.size() == 1 && long_name.empty()) {
      long_name = words[0];
      continue;
    }
    if (!long_name.empty()) {
      words.insert(words.begin(), long_name);
      long_name.clear();
    }
    if (words.size() < 4 || words[0] == "replacing") continue;
    PackageChange change;
    change.action = *action;
    change.name = words[0];
    change.architecture = words[1];
    (*action == PackageChange::Action::remove ? change.old_version : change.new_version) = words[2];
    change.origin = words[3];
    change.line = std::string(trim(line));
    out.push_back(std::move(change));
  }
  return out;
}

}  // namespace gpustack::modules
