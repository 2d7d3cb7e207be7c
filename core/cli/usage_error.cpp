#include "core/cli/usage_error.hpp"

#include "core/base/suggest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>

namespace gpustack::cli {

namespace {

std::vector<std::string> verb_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* verb : program.get_subcommands({})) names.push_back(verb->get_name());
  return names;
}

/// Every way to write an option of `app`, with its dashes.
void add_option_names(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  for (const CLI::App* group : app.get_subcommands([](const CLI::App* one) {
         return one->get_name().empty();  // an option group
       })) {
    add_option_names(*group, names);
  }
}

std::string in_capitals(std::string text) {
  std::ranges::transform(
      text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// A verb with actions of its own, and none of them chosen.
Error action_error(const CLI::App& verb,
                   const std::vector<std::string>& rest,
                   const std::string& help) {
  const std::string subject = "'" + verb.get_name() + "'";
  if (rest.empty()) return Error(ErrorCode::usage, subject + " needs an action").hint(help);
  const std::string& word = rest.front();
  const std::string near = suggest(word, verb_names(verb));
  return Error(ErrorCode::usage, subject + " has no action '" + word + "'")
      .hint(near.empty() ? help : near);
}

}  // namespace

Error usage_error(const CLI::App& program, const CLI::ParseError& problem) {
  const std::vector<CLI::App*> chosen = program.get_subcommands();
  const std::vector<std::string> rest = program.remaining(true);
  if (chosen.empty()) {
    const std::string help = "'gpustack --help' lists the verbs";
    if (rest.empty()) return Error(ErrorCode::usage, "a verb is missing").hint(help);
    const std::string& word = rest.front();
    if (word.starts_with('-'))
      return Error(ErrorCode::usage, "unknown option '" + word + "' before the verb").hint(help);
    const std::string near = suggest(word, verb_names(program));
    return Error(ErrorCode::usage, "unknown verb '" + word + "'").hint(near.empty() ? help : near);
  }
  const CLI::App& first = *chosen.front();
  const std::vector<CLI::App*> actions = first.get_subcommands();
  const CLI::App& verb = actions.empty() ? first : *actions.front();
  const std::string help = "'gpustack " + first.get_name() +
                           (actions.empty() ? std::string() : " " + verb.get_name()) +
                           " --help' tells more";
  if (actions.empty() && first.get_require_subcommand_min() > 0)
    return action_error(first, rest, help);
  if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr && !rest.empty()) {
    const std::string word = rest.front().substr(0, rest.front().find('='));
    if (!word.starts_with('-'))
      return Error(ErrorCode::usage, "'" + word + "' is one argument too many").hint(help);
    std::vector<std::string> names;
    add_option_names(verb, names);
    std::string near = word.starts_with("--") ? suggest(word, names) : std::string();
    return Error(ErrorCode::usage, "'" + verb.get_name() + "' has no option '" + word + "'")
        .hint(near.empty() ? help : near);
  }
  std::string message = problem.what();
  std::string hint;
  if (const std::size_t end = message.find('\n'); end != std::string::npos) {
    hint = message.substr(end + 1);
    message.resize(end);
  }
  constexpr std::string_view kRequired = " is required";
  if (message.ends_with(kRequired)) {
    const std::string what = message.substr(0, message.size() - kRequired.size());
    // One name, or CLI11's sentence about a group of options.
    if (what.find(' ') == std::string::npos)
      message = "'" + verb.get_name() + "' needs " + in_capitals(what);
  }
  return Error(ErrorCode::usage, message).hint(hint.empty() ? help : hint);
}

}  // namespace gpustack::cli
