#include "core/cli/inventory_settings.hpp"

#include <algorithm>
#include <array>

namespace gpustack::cli {

namespace {

template <typename Choice>
struct Word {
  std::string_view word;
  Choice choice;
};

template <typename Choice, std::size_t kCount>
Result<Choice> choice(const config::Config& config,
                      std::string_view name,
                      const std::array<Word<Choice>, kCount>& words) {
  std::array<std::string_view, kCount> known;
  std::ranges::transform(words, known.begin(), &Word<Choice>::word);
  GS_TRY(const std::string text, config.one_of(name, known));
  return std::ranges::find(words, text, &Word<Choice>::word)->choice;
}

Result<void> read_settings(const config::Config& config, inventory::Options& options) {
  using inventory::GroupNames;
  using inventory::Mismatch;
  static constexpr std::array<Word<GroupNames>, 4> kNames = {{
      {"always", GroupNames::replaced},
      {"never", GroupNames::kept},
      {"ignore", GroupNames::kept_silently},
      {"silently", GroupNames::replaced_silently},
  }};
  static constexpr std::array<Word<Mismatch>, 3> kMismatches = {{
      {"warning", Mismatch::warns},
      {"error", Mismatch::fails},
      {"ignore", Mismatch::is_ignored},
  }};
  options.enabled = config.list("INVENTORY_ENABLED");
  GS_TRY(options.group_names, choice(config, "TRANSFORM_INVALID_GROUP_CHARS", kNames));
  GS_TRY(options.patterns.mismatch, choice(config, "HOST_PATTERN_MISMATCH", kMismatches));
  if (config.is_set("INVENTORY_ANY_UNPARSED_IS_FAILED")) {
    GS_TRY(const bool fails, config.boolean("INVENTORY_ANY_UNPARSED_IS_FAILED"));
    options.unreadable = fails ? inventory::Unreadable::fails : inventory::Unreadable::warns;
  }
  GS_TRY(options.needs_a_source, config.boolean("INVENTORY_UNPARSED_IS_FAILED"));
  GS_TRY(options.uses_extra_vars, config.boolean("INVENTORY_USE_EXTRA_VARS"));
  return {};
}

}  // namespace

Result<inventory::Options> inventory_settings(const CommonOptions& options,
                                              const config::Config& config,
                                              yaml::VaultReader* vault,
                                              const Value& extra_vars) {
  inventory::Options settings;
  settings.vault = vault;
  settings.extra_vars = extra_vars;
  if (options.manner == Manner::ansible) {
    settings.wording = inventory::Wording::ansible;
    settings.unreadable = inventory::Unreadable::warns;
    settings.patterns.wording = inventory::Wording::ansible;
    settings.patterns.empty = inventory::EmptyPattern::all_hosts;
  }
  GS_TRY_VOID(read_settings(config, settings));
  return settings;
}

Result<std::vector<const inventory::Host*>> hosts_in_ansible_manner(const Session& session,
                                                                    const std::string& pattern) {
  const bool has_hosts = !session.inventory.hosts().empty();
  const bool is_local = pattern == "localhost" || pattern == "127.0.0.1" || pattern == "::1";
  if (!has_hosts && session.warns_of_localhost && !is_local) {
    session.teller->warn(
        "provided hosts list is empty, only localhost is available. Note that the implicit "
        "localhost does not match 'all'");
  }
  std::vector<std::string> limits;
  if (!session.run.limit.empty()) limits.push_back(session.run.limit);
  GS_TRY(auto selection, session.inventory.select({pattern}, limits));
  for (const Error& note : selection.unmatched) session.teller->warn(note.message());
  if (selection.hosts.empty() && has_hosts) {
    return Error(ErrorCode::host_pattern,
                 "Specified inventory, host pattern and/or --limit leaves us with no hosts to "
                 "target.");
  }
  return selection.hosts;
}

}  // namespace gpustack::cli
