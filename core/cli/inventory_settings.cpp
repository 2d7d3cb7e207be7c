#include "core/cli/inventory_settings.hpp"

#include "core/base/suggest.hpp"

#include <array>
#include <cstdlib>

namespace gpustack::cli {

namespace {

std::string from_environment(const std::string& name) {
  const char* text = std::getenv(name.c_str());
  return text == nullptr ? std::string() : std::string(text);
}

Result<bool> flag(const std::string& name, bool fallback) {
  const std::string text = from_environment(name);
  if (text.empty()) return fallback;
  auto value = parse_bool(Value(text));
  if (value) return *value;
  return Error(ErrorCode::config_invalid, name + ": expected yes or no, found '" + text + "'");
}

template <typename Choice>
struct Word {
  std::string_view word;
  Choice choice;
};

template <typename Choice, std::size_t kCount>
Result<Choice> choice(const std::string& name,
                      const std::array<Word<Choice>, kCount>& words,
                      Choice fallback) {
  const std::string text = from_environment(name);
  if (text.empty()) return fallback;
  std::vector<std::string_view> known;
  std::string listed;
  for (const Word<Choice>& one : words) {
    if (one.word == text) return one.choice;
    known.push_back(one.word);
    listed += (listed.empty() ? "" : ", ") + std::string(one.word);
  }
  return Error(ErrorCode::config_invalid,
               name + ": expected one of " + listed + ", found '" + text + "'")
      .hint(suggest(text, known));
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + ",") {
    if (c != ',') {
      if (c != ' ' && c != '\t') word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

Result<void> read_environment(inventory::Options& options) {
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
  options.enabled = words_of(from_environment("ANSIBLE_INVENTORY_ENABLED"));
  GS_TRY(options.group_names,
         choice("ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS", kNames, options.group_names));
  GS_TRY(options.patterns.mismatch,
         choice("ANSIBLE_HOST_PATTERN_MISMATCH", kMismatches, options.patterns.mismatch));
  GS_TRY(const bool any_fails,
         flag("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED",
              options.unreadable == inventory::Unreadable::fails));
  options.unreadable = any_fails ? inventory::Unreadable::fails : inventory::Unreadable::warns;
  GS_TRY(options.needs_a_source, flag("ANSIBLE_INVENTORY_UNPARSED_FAILED", false));
  GS_TRY(options.uses_extra_vars, flag("ANSIBLE_INVENTORY_USE_EXTRA_VARS", false));
  return {};
}

}  // namespace

Result<inventory::Options> inventory_settings(const CommonOptions& options,
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
  GS_TRY_VOID(read_environment(settings));
  return settings;
}

Result<std::vector<const inventory::Host*>> hosts_in_ansible_manner(const Session& session,
                                                                    const std::string& pattern) {
  const bool has_hosts = !session.inventory.hosts().empty();
  GS_TRY(const bool warns, flag("ANSIBLE_LOCALHOST_WARNING", true));
  const bool is_local = pattern == "localhost" || pattern == "127.0.0.1" || pattern == "::1";
  if (!has_hosts && warns && !is_local) {
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
