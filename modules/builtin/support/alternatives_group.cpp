#include "modules/builtin/support/alternatives_group.hpp"

#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

/// A `Key: value` line. `choice` becomes the alternative that the lines behind it describe.
void take_field(std::string_view key,
                const std::string& value,
                AlternativesGroup& group,
                Alternative*& choice) {
  if (key == "Name") group.exists = true;
  if (key == "Link") group.link = value;
  if (key == "Status") group.is_manual = value == "manual";
  if (key == "Value") group.current = value == "none" ? "" : value;
  if (key == "Alternative") choice = &group.choices[value];
  if (key == "Priority" && choice != nullptr) choice->priority = parse_integer(value).value_or(0);
}

}  // namespace

AlternativesGroup parse_alternatives(std::string_view text) {
  AlternativesGroup out;
  Alternative* choice = nullptr;
  bool in_followers = false;
  for (const std::string& line : split_lines(text)) {
    if (in_followers && line.starts_with(' ')) {
      const auto words = split_words(line);
      if (words.size() != 2) continue;
      (choice != nullptr ? choice->followers : out.follower_links)[words[0]] = words[1];
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    in_followers = key == "Slaves";
    take_field(key, std::string(trim(std::string_view(line).substr(colon + 1))), out, choice);
  }
  return out;
}

}  // namespace gpustack::modules
