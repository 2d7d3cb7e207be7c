#include "modules/builtin/support/alternatives_group.hpp"

#include "modules/sdk/text.hpp"

namespace gpustack::modules {

AlternativesGroup parse_alternatives(std::string_view text) {
  AlternativesGroup out;
  Alternative* choice = nullptr;
  bool in_followers = false;
  for (const std::string& line : split_lines(text)) {
    if (in_followers && line.starts_with(' ')) {
      const auto words = split_words(line);
      if (words.size() != 2) continue;
      if (choice != nullptr) {
        choice->followers[words[0]] = words[1];
      } else {
        out.follower_links[words[0]] = words[1];
      }
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    const std::string value(trim(std::string_view(line).substr(colon + 1)));
    in_followers = key == "Slaves";
    if (key == "Name") out.exists = true;
    if (key == "Link") out.link = value;
    if (key == "Status") out.is_manual = value == "manual";
    if (key == "Value") out.current = value == "none" ? "" : value;
    if (key == "Alternative") choice = &out.choices[value];
    if (key == "Priority" && choice != nullptr) choice->priority = parse_integer(value).value_or(0);
  }
  return out;
}

}  // namespace gpustack::modules
