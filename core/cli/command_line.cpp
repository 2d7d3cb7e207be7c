#include "core/cli/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace gpustack::cli {

namespace {

constexpr std::pair<std::string_view, std::string_view> kPlaces[] = {
    {"ansible", "adhoc"},
    {"ansible-inventory", "inventory"},
    {"ansible-playbook", "playbook"},
    {"ansible-vault", "vault"},
};

bool stands_for_ansible(std::string_view verb) {
  return std::ranges::find(kPlaces, verb, &std::pair<std::string_view, std::string_view>::second) !=
         std::end(kPlaces);
}

/// The verb, or the action of a verb that has some, whose options the words are.
const CLI::App* receiver(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App* found = &program;
  for (const std::string& word : words) {
    const auto verbs = found->get_subcommands([](const CLI::App*) { return true; });
    const auto named =
        std::ranges::find(verbs, word, [](const CLI::App* one) { return one->get_name(); });
    if (named != verbs.end()) found = *named;
    if (found->get_subcommands([](const CLI::App*) { return true; }).empty()) break;
  }
  return found;
}

}  // namespace

std::vector<std::string> command_line(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const std::string_view path = argc > 0 ? argv[0] : "";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (const auto& [program, verb] : kPlaces) {
    if (name == program) words.emplace(words.begin(), verb);
  }
  return words;
}

void write_out_options(const CLI::App& program, std::vector<std::string>& words) {
  if (words.empty() || !stands_for_ansible(words.front())) return;
  std::set<std::string> known{"help"};
  for (const CLI::Option* option : receiver(program, words)->get_options()) {
    const auto& names = option->get_lnames();
    known.insert(names.begin(), names.end());
  }
  for (std::string& word : words) {
    if (word == "--") return;
    if (!word.starts_with("--") || word.size() < 4) continue;
    const std::size_t end = std::min(word.find('='), word.size());
    const std::string part = word.substr(2, end - 2);
    const auto first = known.lower_bound(part);
    if (first == known.end() || !first->starts_with(part) || *first == part) continue;
    const auto second = std::next(first);
    if (second != known.end() && second->starts_with(part)) continue;
    word.replace(2, part.size(), *first);
  }
}

}  // namespace gpustack::cli
